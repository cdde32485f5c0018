//! Users: what is written is read, addresses are unique, customers see themselves.

use crate::{
    change::EntityRef,
    conformance::{
        Backend,
        check::{assert_none, parts},
        commit::plan_user,
        rig::{assert_conflict, walk_every_size},
        world::World,
    },
    id::UserId,
    text::{EmailAddress, ExternalId, Language, Name},
    user::{self, NewUser, Role, User, UserChange, UserFilter},
};

fn full(email: &str, external: &str) -> NewUser {
    NewUser {
        role: Role::Agent,
        name: Name::new("Zoë “Z” O'Neil 👩🏽‍🚀 \u{202E}%_\\").expect("a name"),
        email: Some(EmailAddress::new(email).expect("an address")),
        email_verified: true,
        external_id: Some(ExternalId::new(external).expect("an id")),
        language: Some(Language::new("de").expect("a language")),
    }
}

/// Commits a user and returns the row that has to be read.
async fn save(world: &World, new: NewUser) -> User {
    let made = user::create(&world.system(), world.tenant, new, &world.stamp()).expect("a user");
    let mut row = made.state.clone();
    row.version = row.version.next();
    world
        .apply(|set, stamp| {
            set.user(made, stamp);
        })
        .await;
    row
}

/// C1, C6: every field of a user reads back, by id, address and external id, on every handle, also after a change.
pub async fn c1_a_user_reads_back_with_every_field(backend: Backend) {
    let world = World::open(&backend).await;
    let scope = world.wide();
    let mut row = save(&world, full("zoe@example.org", "Kunde №7 '; --")).await;
    for _ in 0..2 {
        for store in [backend.store(), backend.other()] {
            assert_eq!(store.user(&scope, row.id).await.unwrap().as_ref(), Some(&row));
            let email = row.email.clone().unwrap();
            assert_eq!(store.user_by_email(&scope, &email).await.unwrap().as_ref(), Some(&row));
            let external = row.external_id.clone().unwrap();
            assert_eq!(store.user_by_external_id(&scope, &external).await.unwrap().as_ref(), Some(&row));
        }
        let change = UserChange {
            name: Some(Name::new("Zoe").unwrap()),
            role: Some(Role::Admin),
            active: Some(false),
            email_verified: Some(false),
            ..UserChange::default()
        };
        let changed = user::change(&world.system(), row.clone(), change, &world.stamp()).unwrap();
        if changed.events.is_empty() {
            continue;
        }
        row = User { version: row.version.next(), ..changed.state.clone() };
        world
            .apply(|set, stamp| {
                set.user(changed, stamp);
            })
            .await;
    }
    let bare = world.person(Role::Customer, "Bob", None).await;
    assert_eq!((bare.email, bare.external_id, bare.language), (None, None, None));
}

/// C2: a second user with an address or an external id is a conflict within the tenant, and fine in another; users
/// without either never collide.
pub async fn c2_addresses_and_external_ids_are_unique_within_a_tenant(backend: Backend) {
    let world = World::open(&backend).await;
    let other = world.sibling().await;
    save(&world, full("ann@example.org", "7")).await;
    save(&other, full("ann@example.org", "7")).await;
    for (new, what) in [
        (full("ann@example.org", "8"), "a taken address"),
        (full("ben@example.org", "7"), "a taken external id"),
    ] {
        let made = user::create(&world.system(), world.tenant, new, &world.stamp()).expect("a user");
        let id = made.state.id;
        let set = world.plan(|set, stamp| {
            set.user(made, stamp);
        });
        assert_conflict(world.store.commit(&set).await, what);
        assert_eq!(world.store.user(&world.wide(), id).await.unwrap(), None, "{what}: nothing is visible");
    }
    world.person(Role::Customer, "Nobody", None).await;
    world.person(Role::Customer, "Nobody", None).await;
    save(&world, full("ben@example.org", "8")).await;
}

/// Commits that a user may act from now on, or may not.
async fn activate(world: &World, row: &User, active: bool) -> User {
    let change = UserChange { active: Some(active), ..UserChange::default() };
    let changed = user::change(&world.system(), row.clone(), change, &world.stamp()).expect("a change");
    world
        .apply(|set, stamp| {
            set.user(changed, stamp);
        })
        .await;
    world.store.user(&world.wide(), row.id).await.expect("a read").expect("the user exists")
}

/// C12: a set that requires a user is applied only while the tenant has the user and the user is active.
pub async fn c12_a_required_user_exists_and_is_active(backend: Backend) {
    let world = World::open(&backend).await;
    let other = world.sibling().await;
    let row = save(&world, full("zoe@example.org", "7")).await;
    let unknown: UserId = world.stamp().id();
    let require = |world: &World, user: UserId| {
        let mut set = plan_user(world, None);
        set.active_user(user);
        set
    };
    world.store.commit(&require(&world, row.id)).await.expect("the user is active");
    let gone = activate(&world, &row, false).await;
    let others = [
        (&world, row.id, "an inactive user"),
        (&other, row.id, "a foreign user"),
        (&world, unknown, "nobody"),
    ];
    for (from, user, what) in others {
        let set = require(from, user);
        assert_conflict(backend.other().commit(&set).await, what);
        assert_none(&parts(&**world.store, &set, None).await, what);
    }
    activate(&world, &gone, true).await;
    backend.other().commit(&require(&world, row.id)).await.expect("the user is active again");
}

/// C12: what counts is the row before the writes of the set itself.
pub async fn c12_a_required_user_is_active_before_the_writes(backend: Backend) {
    let world = World::open(&backend).await;
    let mut made = plan_user(&world, None);
    let Some(EntityRef::User(own)) = made.events().first().map(|event| event.subject) else {
        unreachable!("the set makes a user")
    };
    made.active_user(own);
    assert_conflict(world.store.commit(&made).await, "a user whom the set makes");
    let row = save(&world, full("zoe@example.org", "7")).await;
    let change = |row: &User, active: bool| {
        let change = UserChange { active: Some(active), ..UserChange::default() };
        let changed = user::change(&world.system(), row.clone(), change, &world.stamp()).expect("a change");
        world.plan(|set, stamp| {
            set.user(changed, stamp).active_user(row.id);
        })
    };
    world.store.commit(&change(&row, false)).await.expect("the user was active");
    let gone = world.store.user(&world.wide(), row.id).await.unwrap().expect("the user exists");
    assert!(!gone.active);
    assert_conflict(world.store.commit(&change(&gone, true)).await, "a user whom the set activates");
}

/// R1: staff see every user of their tenant, a customer only themselves, and nobody a user of another tenant.
pub async fn r1_staff_see_all_users_and_a_customer_only_themselves(backend: Backend) {
    let world = World::open(&backend).await;
    let other = world.sibling().await;
    let ann = save(&world, full("ann@example.org", "1")).await;
    let bob = save(&world, full("bob@example.org", "2")).await;
    let foreign = save(&other, full("eve@example.org", "3")).await;
    let scopes = [
        (world.wide(), vec![ann.id, bob.id]),
        (world.agent(ann.id, &[]), vec![ann.id, bob.id]),
        (world.customer(bob.id), vec![bob.id]),
        (world.customer(foreign.id), vec![]),
        (other.wide(), vec![foreign.id]),
    ];
    for (scope, shown) in scopes {
        for user in [&ann, &bob, &foreign] {
            let expected = shown.contains(&user.id).then_some(user);
            let email = user.email.as_ref().unwrap();
            let external = user.external_id.as_ref().unwrap();
            assert_eq!(world.store.user(&scope, user.id).await.unwrap().as_ref(), expected);
            assert_eq!(world.store.user_by_email(&scope, email).await.unwrap().as_ref(), expected);
            assert_eq!(world.store.user_by_external_id(&scope, external).await.unwrap().as_ref(), expected);
        }
        let listed = walk_every_size(|page| {
            let (world, scope) = (&world, &scope);
            async move { world.store.users(scope, &UserFilter::default(), &page).await }
        })
        .await;
        let mut ids: Vec<UserId> = listed.iter().map(|user| user.id).collect();
        ids.sort_unstable();
        let mut expected = shown;
        expected.sort_unstable();
        assert_eq!(ids, expected, "{scope:?}");
    }
}

/// R2: users come by id, newest first, in pages of any size; role and activity filter.
pub async fn r2_users_come_newest_first(backend: Backend) {
    let world = World::open(&backend).await;
    let mut made = Vec::new();
    for index in 0..7 {
        let role = [Role::Customer, Role::Agent, Role::Admin][index % 3];
        let user = world.person(role, "Same Name", None).await;
        if index % 2 == 0 {
            made.push(user);
            continue;
        }
        let change = UserChange { active: Some(false), ..UserChange::default() };
        let changed = user::change(&world.system(), user.clone(), change, &world.stamp()).unwrap();
        made.push(User { version: user.version.next(), ..changed.state.clone() });
        world
            .apply(|set, stamp| {
                set.user(changed, stamp);
            })
            .await;
    }
    made.sort_by_key(|user| std::cmp::Reverse(user.id));
    for role in [None, Some(Role::Customer), Some(Role::Agent), Some(Role::Admin)] {
        for active in [None, Some(true), Some(false)] {
            let filter = UserFilter { role, active };
            let listed = walk_every_size(|page| {
                let (world, filter) = (&world, &filter);
                async move { world.store.users(&world.wide(), filter, &page).await }
            })
            .await;
            let expected: Vec<User> = made
                .iter()
                .filter(|user| role.is_none_or(|role| user.role == role))
                .filter(|user| active.is_none_or(|active| user.active == active))
                .cloned()
                .collect();
            assert_eq!(listed, expected, "{filter:?}");
        }
    }
}
