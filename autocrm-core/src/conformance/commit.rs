//! The commit: equal, exclusive, whole, visible.

use crate::{
    access::Scope,
    change::{ChangeSet, EntityRef, Position},
    conformance::{
        Backend,
        check::{assert_all, assert_none, digest, parts},
        rich::whole,
        rig::{assert_conflict, race},
        world::World,
    },
    error::ErrorKind,
    id::{TicketId, UserId},
    text::Subject,
    ticket::{self, Scheme, SchemeEvent, StatusCategory, Ticket},
    transition::{Transition, Version},
    user::{self, Role, UserChange},
};

/// C1: a set with a write of every kind reads back equal, on this and on another handle: every optional field, hostile
/// texts byte for byte, times before and after the epoch to the microsecond, numbers of the widest range.
pub async fn c1_every_kind_of_write_reads_back_equal(backend: Backend) {
    let world = World::open(&backend).await;
    let planned = whole(&world, "one");
    let receipt = world.store.commit(&planned).await.expect("the set is applied");
    assert!(!receipt.replayed);
    assert_eq!(receipt.answer, planned.answer(), "the receipt names what the set made");
    for store in [backend.store(), backend.other()] {
        assert_all(&parts(&*store, &planned, Some(&receipt)).await, "a committed set");
    }
}

/// C1: what was committed outlives every handle, also when nothing was closed in an orderly way.
pub async fn c1_committed_sets_outlive_every_handle(backend: Backend) {
    let tenant;
    let set;
    let receipt;
    let before;
    {
        let world = World::open(&backend).await;
        set = whole(&world, "one");
        receipt = world.store.commit(&set).await.expect("the set is applied");
        tenant = world.tenant;
        before = digest(&**world.store, &world.wide()).await;
    }
    let durable = backend.capabilities().durable;
    let Some(again) = backend.reopened().await else {
        assert!(!durable, "a backend that can be opened again is");
        return;
    };
    let store = again.store();
    assert_all(&parts(&*store, &set, Some(&receipt)).await, "a set committed before the crash");
    assert_eq!(digest(&*store, &Scope::tenant_wide(tenant)).await, before);
}

/// C2: a write from another version than the stored one is a conflict and changes nothing; so is a change of a row
/// that does not exist, and a new row where there is one.
pub async fn c2_a_write_from_another_version_changes_nothing(backend: Backend) {
    let world = World::open(&backend).await;
    let customer = world.person(Role::Customer, "Cleo", None).await;
    let first = world.ticket(customer.id, "first").await;
    let second = reword(&world, &first, "second").await;
    let missing = Ticket { id: world.stamp().id(), ..second.clone() };
    let future = Ticket { version: second.version.next(), ..second.clone() };
    let again = Ticket { version: Version::NEW, ..second.clone() };
    for (state, what) in [
        (&first, "a stale version"),
        (&future, "a version to come"),
        (&missing, "a row that does not exist"),
        (&again, "a new row where there is one"),
    ] {
        let set = plan_reword(&world, state, "third");
        let before = digest(&**world.store, &world.wide()).await;
        assert_conflict(world.store.commit(&set).await, what);
        assert_eq!(digest(&**world.store, &world.wide()).await, before, "{what} changes nothing");
    }
    reword(&world, &second, "third").await;
}

/// C2: the same holds for every noun that has a version.
pub async fn c2_every_noun_has_a_version(backend: Backend) {
    let world = World::open(&backend).await;
    let planned = whole(&world, "one");
    let receipt = world.store.commit(&planned).await.expect("the set is applied");
    let before = digest(&**world.store, &world.wide()).await;
    for write in planned.writes() {
        // Stored is version 1 of every row.
        for from in [Version::NEW, Version::new(2), Version::new(u64::from(u32::MAX))] {
            let Some(again) = write.decided_from(from) else { continue };
            let alone = world.plan(|_, _| ()).with_writes(vec![again]);
            let what = format!("{write:?} from version {from}");
            assert_conflict(world.store.commit(&alone).await, &what);
        }
    }
    assert_eq!(digest(&**world.store, &world.wide()).await, before);
    assert_all(&parts(&**world.store, &planned, Some(&receipt)).await, "the first set");
}

/// C3: of 64 commits from one version exactly one succeeds, and the row holds what that one wrote.
pub async fn c3_one_of_64_writers_wins(backend: Backend) {
    let world = World::open(&backend).await;
    let customer = world.person(Role::Customer, "Cleo", None).await;
    let mut present = world.ticket(customer.id, "start").await;
    for round in 0..3 {
        let writers = (0..64).map(|writer| {
            let store = if writer % 2 == 0 { backend.store() } else { backend.other() };
            let set = plan_reword(&world, &present, &format!("round {round} writer {writer}"));
            async move { (writer, store.commit(&set).await) }
        });
        let mut winners = Vec::new();
        for (writer, answer) in race(writers).await {
            match answer {
                Ok(_) => winners.push(writer),
                Err(error) => assert_eq!(error.kind(), ErrorKind::Conflict, "{error}"),
            }
        }
        assert_eq!(winners.len(), 1, "of 64 writers exactly one wins, not {winners:?}");
        let next = world.load(present.id).await;
        assert_eq!(next.version, present.version.next());
        assert_eq!(next.subject.as_str(), format!("round {round} writer {}", winners[0]));
        present = next;
    }
}

/// C3: of many users with one address exactly one is made.
pub async fn c3_one_of_many_namesakes_is_made(backend: Backend) {
    let world = World::open(&backend).await;
    let makers = (0..16).map(|maker| {
        let store = if maker % 2 == 0 { backend.store() } else { backend.other() };
        let set = plan_user(&world, Some("one@example.org"));
        async move { store.commit(&set).await }
    });
    let made = race(makers).await.into_iter().flatten().count();
    assert_eq!(made, 1);
}

type Spoil<'a> = Box<dyn Fn(&mut ChangeSet) + Send + Sync + 'a>;

/// C4: a set refused at its last write or by a requirement leaves nothing: no row, event, job, number, position or key.
pub async fn c4_a_refused_set_leaves_nothing(backend: Backend) {
    let world = World::open(&backend).await;
    let customer = world.person(Role::Customer, "Cleo", Some("taken@example.org")).await;
    let live = world.ticket(customer.id, "live").await;
    let stale = live.clone();
    let live = reword(&world, &live, "changed").await;
    let spoilers: Vec<(&str, Spoil<'_>)> = vec![
        ("a taken address", Box::new(|set| add_user(&world, set, "taken@example.org"))),
        (
            "a stale row",
            Box::new(|set| {
                let stamp = world.stamp();
                set.ticket(renamed(&world, &stale, "lost", &stamp), true, &stamp);
            }),
        ),
        (
            "the erasure of a ticket that is not deleted",
            Box::new(|set| {
                set.erase_ticket(live.id);
            }),
        ),
        (
            "a stale requirement",
            Box::new(|set| {
                set.unchanged(EntityRef::Ticket(live.id), stale.version);
            }),
        ),
        (
            "a user who does not exist",
            Box::new(|set| {
                set.active_user(UserId::from_uuid(live.id.as_uuid()));
            }),
        ),
        (
            "an agent without room",
            Box::new(|set| {
                set.load_below(customer.id, 0);
            }),
        ),
    ];
    let mut last = None;
    for (index, (what, spoil)) in spoilers.iter().enumerate() {
        let mut planned = whole(&world, &format!("try{index}"));
        let good = planned.clone();
        spoil(&mut planned);
        let before = digest(&**world.store, &world.wide()).await;
        assert_conflict(world.store.commit(&planned).await, what);
        for store in [backend.store(), backend.other()] {
            assert_none(&parts(&*store, &good, None).await, what);
            assert_eq!(digest(&*store, &world.wide()).await, before, "{what} leaves nothing");
        }
        last = Some(good);
    }
    let good = last.expect("there are spoilers");
    let receipt = world.store.commit(&good).await.expect("nothing of the attempt stands in the way");
    assert_all(&parts(&**world.store, &good, Some(&receipt)).await, "the set without its last write");
}

/// C5: a row named by `Unchanged` is checked although it is not written, for every noun; version 0 asks for no row.
pub async fn c5_an_unchanged_row_is_checked(backend: Backend) {
    let world = World::open(&backend).await;
    let other = world.sibling().await;
    let planned = whole(&world, "one");
    let mut entities: Vec<(EntityRef, Version)> = vec![(EntityRef::Tenant, Version::new(1))];
    for event in planned.events() {
        if !matches!(event.subject, EntityRef::Feedback(_))
            && !entities.contains(&(event.subject, event.version))
        {
            entities.push((event.subject, event.version));
        }
    }
    let require = |world: &World, entity: EntityRef, version: Version| {
        let mut set = plan_user(world, None);
        set.unchanged(entity, version);
        set
    };
    for (entity, _) in entities.iter().skip(1) {
        let set = require(&world, *entity, Version::new(1));
        assert_conflict(world.store.commit(&set).await, &format!("{entity:?} does not exist yet"));
        world.store.commit(&require(&world, *entity, Version::NEW)).await.expect("the row does not exist");
    }
    world.store.commit(&planned).await.expect("the set is applied");
    for (entity, version) in &entities {
        world.store.commit(&require(&world, *entity, *version)).await.expect("the row is unchanged");
        for wrong in [Version::NEW, version.next()] {
            let set = require(&world, *entity, wrong);
            let what = format!("{entity:?} at version {version}, not {wrong}");
            assert_conflict(world.store.commit(&set).await, &what);
            assert_none(&parts(&**world.store, &set, None).await, &what);
        }
        if !matches!(entity, EntityRef::Tenant | EntityRef::Scheme) {
            let set = require(&other, *entity, *version);
            assert_conflict(world.store.commit(&set).await, &format!("{entity:?} of another tenant"));
        }
    }
}

/// C5, C12: sets that race with a change of what they require are applied before it or not at all, on every handle.
pub async fn c5_nothing_follows_on_what_has_changed_meanwhile(backend: Backend) {
    let world = World::open(&backend).await;
    let customer = world.person(Role::Customer, "Cleo", None).await;
    let set_scheme = |from: Scheme| {
        world.plan(|set, stamp| {
            set.scheme(Transition::new(from, SchemeEvent::Set), stamp);
        })
    };
    world.store.commit(&set_scheme(world.scheme())).await.expect("the scheme is set");
    let scheme = world.store.scheme(&world.wide()).await.unwrap().expect("there is a scheme");
    let change = UserChange { active: Some(false), ..UserChange::default() };
    let left = user::change(&world.system(), customer.clone(), change, &world.stamp()).unwrap();
    let leave = world.plan(|set, stamp| {
        set.user(left, stamp);
    });
    let reform = set_scheme(scheme.clone());
    let required: [(&ChangeSet, Spoil<'_>); 2] = [
        (
            &leave,
            Box::new(|set| {
                set.active_user(customer.id);
            }),
        ),
        (
            &reform,
            Box::new(|set| {
                set.unchanged(EntityRef::Scheme, scheme.version);
            }),
        ),
    ];
    for (end, require) in required {
        let mut sets: Vec<ChangeSet> = (0..40).map(|_| plan_user(&world, None)).collect();
        for set in &mut sets {
            require(set);
        }
        sets.insert(20, end.clone());
        let writers = sets.clone().into_iter().enumerate().map(|(index, set)| {
            let store = if index % 3 == 0 { backend.other() } else { backend.store() };
            async move { (index, store.commit(&set).await) }
        });
        let answers = race(writers).await;
        let events = world.store.events(&world.wide(), Position::START, 1_000).await.unwrap();
        let place = |set: &ChangeSet| events.iter().position(|event| event.id == set.events()[0].id);
        let last = place(end).expect("the change itself is applied");
        for (index, answer) in answers {
            match place(&sets[index]) {
                Some(at) => {
                    answer.expect("an applied set is answered so");
                    assert!(at <= last, "a set at {at} follows on a change at {last}");
                }
                None => assert_conflict(answer, "a set after the change"),
            }
        }
        let mut late = plan_user(&world, None);
        require(&mut late);
        assert_conflict(backend.other().commit(&late).await, "a set long after the change");
    }
}

/// C5: `LoadBelow` counts the live tickets themselves, before the writes: not the resolved, closed, deleted ones nor
/// those of others.
pub async fn c5_an_agents_load_is_counted_from_the_rows(backend: Backend) {
    let world = World::open(&backend).await;
    let customer = world.person(Role::Customer, "Cleo", None).await;
    let agent = world.person(Role::Agent, "Ann", None).await;
    let other = world.person(Role::Agent, "Ben", None).await;
    let team = world.team("Team", &[agent.id, other.id]).await;
    let mut mine = Vec::new();
    for index in 0..6 {
        let ticket = world.ticket(customer.id, &format!("ticket {index}")).await;
        let to = if index < 5 { agent.id } else { other.id };
        mine.push(
            world
                .change(&ticket, |ticket, stamp| {
                    ticket::assign(ticket, Some(&team), Some(to), stamp).unwrap()
                })
                .await,
        );
    }
    let scheme = world.scheme();
    for (index, category) in
        [(0, StatusCategory::Resolved), (1, StatusCategory::Closed), (2, StatusCategory::OnHold)]
    {
        let status = scheme.default_status(category).unwrap();
        mine[index] =
            world.change(&mine[index], |ticket, stamp| ticket::move_to(ticket, status, stamp).unwrap()).await;
    }
    world.delete(&mine[3]).await;
    // Two are live: the one on hold and the last one.
    for (limit, holds) in [(0, false), (1, false), (2, false), (3, true)] {
        let mut set = plan_user(&world, None);
        set.load_below(agent.id, limit);
        let answer = world.store.commit(&set).await;
        assert_eq!(answer.is_ok(), holds, "two live tickets are fewer than {limit}: {holds}");
        if !holds {
            assert_conflict(answer, "an agent without room");
        }
    }
    assert_eq!(world.store.loads(&world.wide(), &[agent.id]).await.unwrap(), vec![(agent.id, 2)]);
}

/// C5: of many who give an agent one more ticket at once only as many succeed as there is room.
pub async fn c5_an_agent_is_never_given_more_than_fits(backend: Backend) {
    let world = World::open(&backend).await;
    let customer = world.person(Role::Customer, "Cleo", None).await;
    let agent = world.person(Role::Agent, "Ann", None).await;
    let team = world.team("Team", &[agent.id]).await;
    let mut sets = Vec::new();
    for index in 0..12 {
        let ticket = world.ticket(customer.id, &format!("ticket {index}")).await;
        let stamp = world.stamp();
        let given = ticket::assign(ticket, Some(&team), Some(agent.id), &stamp).unwrap();
        sets.push(world.plan_at(&stamp, |set, stamp| {
            set.ticket(given, false, stamp).load_below(agent.id, 3);
        }));
    }
    let givers = sets.into_iter().enumerate().map(|(index, set)| {
        let store = if index % 2 == 0 { backend.store() } else { backend.other() };
        async move { store.commit(&set).await }
    });
    let given = race(givers).await.into_iter().flatten().count();
    assert_eq!(given, 3, "an agent with room for three gets three");
    assert_eq!(world.store.loads(&world.wide(), &[agent.id]).await.unwrap(), vec![(agent.id, 3)]);
}

/// C6: after `Ok` the next read on any handle sees the set, whichever handle wrote it.
pub async fn c6_every_handle_sees_a_commit_at_once(backend: Backend) {
    let world = World::open(&backend).await;
    let there = world.through(backend.other());
    for round in 0..20 {
        let (writer, reader) = if round % 2 == 0 { (&world, &there) } else { (&there, &world) };
        let set = plan_user(&world, Some(&format!("user{round}@example.org")));
        let receipt = writer.store.commit(&set).await.expect("the set is applied");
        assert_all(&parts(&**reader.store, &set, Some(&receipt)).await, "a set committed elsewhere");
    }
}

/// C9: numbers are unique, given in commit order and reported; a refused set uses none.
pub async fn c9_numbers_increase_and_refused_sets_use_none(backend: Backend) {
    let world = World::open(&backend).await;
    let other = world.sibling().await;
    let customer = world.person(Role::Customer, "Cleo", Some("cleo@example.org")).await;
    let stranger = other.person(Role::Customer, "Max", None).await;
    let mut last = 0;
    for index in 0..4 {
        let stamp = world.stamp();
        let pair = [world.new_ticket(customer.id, "a", &stamp), world.new_ticket(customer.id, "b", &stamp)];
        let ids: Vec<TicketId> = pair.iter().map(|made| made.state.id).collect();
        let set = world.plan_at(&stamp, |set, stamp| {
            for made in pair {
                set.ticket(made, false, stamp);
            }
        });
        let receipt = world.store.commit(&set).await.expect("the set is applied");
        for id in ids {
            let number = receipt.number(id).expect("the receipt tells the number");
            assert!(last == 0 || number.get() == last + 1, "{number} follows {last}");
            assert!(number.get() > last, "numbers increase in the order of the writes");
            last = number.get();
            assert_eq!(world.load(id).await.number, number);
            let found = world.store.ticket_by_number(&world.wide(), number).await.unwrap();
            assert_eq!(found.map(|ticket| ticket.id), Some(id));
        }
        let made = world.new_ticket(customer.id, "refused", &world.stamp());
        let mut refused = world.plan(|set, stamp| {
            set.ticket(made, false, stamp);
        });
        if index % 2 == 0 {
            add_user(&world, &mut refused, "cleo@example.org");
        } else {
            refused.unchanged(EntityRef::User(customer.id), Version::new(99));
        }
        assert_conflict(world.store.commit(&refused).await, "a refused ticket");
        other.ticket(stranger.id, "another tenant counts for itself").await;
    }
    let ticket = world.load(world_first(&world).await).await;
    for number in [ticket.number, ticket::TicketNumber::UNASSIGNED, ticket::TicketNumber::new(last + 7)] {
        let present = Ticket { number, ..world.load(ticket.id).await };
        let kept = reword(&world, &present, &format!("a row that says {number}")).await;
        assert_eq!(kept.number, ticket.number, "a stored ticket keeps its number");
        let found = world.store.ticket_by_number(&world.wide(), ticket.number).await.unwrap();
        assert_eq!(found.map(|found| found.id), Some(ticket.id));
    }
}

async fn world_first(world: &World) -> TicketId {
    let page = crate::page::PageRequest::first(1);
    let listed = world.store.tickets(&world.wide(), &ticket::TicketFilter::default(), &page).await.unwrap();
    listed.items[0].id
}

/// C9: 64 tickets opened at once get 64 numbers without a gap, on two handles.
pub async fn c9_numbers_given_at_once_differ(backend: Backend) {
    let world = World::open(&backend).await;
    let customer = world.person(Role::Customer, "Cleo", None).await;
    let openers = (0..64).map(|opener| {
        let store = if opener % 2 == 0 { backend.store() } else { backend.other() };
        let made = world.new_ticket(customer.id, "at once", &world.stamp());
        let id = made.state.id;
        let set = world.plan(|set, stamp| {
            set.ticket(made, false, stamp);
        });
        async move { store.commit(&set).await.expect("the ticket is opened").number(id).expect("a number") }
    });
    let mut numbers: Vec<u64> = race(openers).await.into_iter().map(ticket::TicketNumber::get).collect();
    numbers.sort_unstable();
    let first = numbers[0];
    assert_eq!(numbers, (first..first + 64).collect::<Vec<u64>>());
}

pub(crate) fn renamed(
    world: &World,
    ticket: &Ticket,
    subject: &str,
    stamp: &crate::clock::Stamp<'_>,
) -> crate::transition::Transition<Ticket, ticket::TicketEvent> {
    let change = ticket::TicketChange {
        subject: Some(Subject::new(subject).expect("a subject")),
        ..ticket::TicketChange::default()
    };
    let source = ticket::CategorySource::Person;
    ticket::update(&world.scheme(), &world.system(), ticket.clone(), change, source, stamp).expect("a change")
}

pub(crate) fn plan_reword(world: &World, ticket: &Ticket, subject: &str) -> ChangeSet {
    let stamp = world.stamp();
    let next = renamed(world, ticket, subject, &stamp);
    world.plan_at(&stamp, |set, stamp| {
        set.ticket(next, true, stamp);
    })
}

async fn reword(world: &World, ticket: &Ticket, subject: &str) -> Ticket {
    world.store.commit(&plan_reword(world, ticket, subject)).await.expect("the ticket is changed");
    world.load(ticket.id).await
}

pub(crate) fn add_user(world: &World, set: &mut ChangeSet, email: &str) {
    let stamp = world.stamp();
    let new = World::new_user(Role::Customer, "Somebody", Some(email));
    let made = user::create(&world.system(), world.tenant, new, &stamp).expect("a user");
    set.user(made, &stamp);
}

/// Plans the smallest set that writes something.
pub(crate) fn plan_user(world: &World, email: Option<&str>) -> ChangeSet {
    let stamp = world.stamp();
    let new = World::new_user(Role::Customer, "Somebody", email);
    let made = user::create(&world.system(), world.tenant, new, &stamp).expect("a user");
    world.plan_at(&stamp, |set, stamp| {
        set.user(made, stamp);
    })
}
