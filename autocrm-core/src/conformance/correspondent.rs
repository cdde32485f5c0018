//! Addresses that the desk writes to: once per tenant, shown to the tenant's eyes only.

use crate::{
    access::Scope,
    conformance::{
        Backend,
        rig::{assert_conflict, walk_every_size},
        world::World,
    },
    error::Result,
    mail::{self, Correspondent, Fate, MailEvent, SuppressionReason},
    page::PageRequest,
    text::EmailAddress,
    transition::Transition,
    user::Role,
};

fn address(text: &str) -> EmailAddress {
    EmailAddress::new(text).unwrap()
}

/// Commits a transition and returns the row as it is stored then.
async fn save(world: &World, known: Transition<Correspondent, MailEvent>) -> Result<Correspondent> {
    let row = Correspondent { version: known.state.version.next(), ..known.state.clone() };
    let set = world.plan(|set, stamp| {
        set.correspondent(known, stamp);
    });
    world.store.commit(&set).await.map(|_| row)
}

async fn suppressed(world: &World, text: &str) -> Correspondent {
    let known = mail::meet(world.tenant, address(text), &world.stamp());
    save(world, mail::suppress(known, SuppressionReason::Manual, None, &world.stamp())).await.unwrap()
}

/// C1: an address reads back in every state, and is found by its text alone.
pub async fn c1_addresses_read_back_in_every_state(backend: Backend) {
    let world = World::open(&backend).await;
    let ann = address("ann@example.org");
    assert_eq!(world.store.correspondent(&world.wide(), &ann).await.unwrap(), None);
    let met = mail::meet(world.tenant, ann.clone(), &world.stamp());
    let soft = mail::note_fate(met, Fate::Soft, world.stamp().id(), &world.stamp());
    let mut row = save(&world, soft).await.unwrap();
    for step in 0..3 {
        for store in [backend.store(), backend.other()] {
            assert_eq!(store.correspondent(&world.wide(), &ann).await.unwrap(), Some(row.clone()), "{step}");
        }
        let next = match step {
            0 => mail::note_acknowledgement(row, &world.stamp()).unwrap(),
            1 => mail::note_fate(row, Fate::Complained, world.stamp().id(), &world.stamp()),
            _ => mail::release(row, &world.stamp()),
        };
        row = save(&world, next).await.unwrap();
    }
    assert_eq!(world.store.correspondent(&world.wide(), &ann).await.unwrap(), Some(row));
    let other = address("bob@example.org");
    assert_eq!(world.store.correspondent(&world.wide(), &other).await.unwrap(), None);
}

/// C2: an address is remembered once per tenant: a second row is a conflict.
pub async fn c2_an_address_is_remembered_once(backend: Backend) {
    let world = World::open(&backend).await;
    let other = world.sibling().await;
    suppressed(&world, "ann@example.org").await;
    let again = mail::meet(world.tenant, address("ann@example.org"), &world.stamp());
    let again = mail::suppress(again, SuppressionReason::Complaint, None, &world.stamp());
    assert_conflict(save(&world, again).await, "the same address");
    suppressed(&other, "ann@example.org").await;
}

/// R2: the addresses that nothing is sent to come newest first, without the others.
pub async fn r2_suppressed_addresses_come_newest_first(backend: Backend) {
    let world = World::open(&backend).await;
    let mut rows = Vec::new();
    for index in 0..7 {
        rows.insert(0, suppressed(&world, &format!("a{index}@example.org")).await);
    }
    let released = rows.remove(2);
    save(&world, mail::release(released, &world.stamp())).await.unwrap();
    let scope = world.wide();
    let store = &world.store;
    let found = walk_every_size(|page| {
        let scope = scope.clone();
        async move { store.suppressed(&scope, &page).await }
    })
    .await;
    assert_eq!(found, rows);
}

/// R2: acknowledgements are counted by address and by their latest time.
pub async fn r2_late_acknowledgements_are_counted(backend: Backend) {
    let world = World::open(&backend).await;
    let mut times = Vec::new();
    for index in 0..4 {
        let stamp = world.stamp();
        let known = mail::meet(world.tenant, address(&format!("a{index}@example.org")), &stamp);
        times.push(stamp.at());
        save(&world, mail::note_acknowledgement(known, &stamp).unwrap()).await.unwrap();
    }
    suppressed(&world, "never@example.org").await;
    for (since, count) in times.iter().zip([4, 3, 2, 1]) {
        assert_eq!(world.store.acknowledged_since(&world.wide(), *since).await.unwrap(), count);
    }
    let later = world.stamp().at();
    assert_eq!(world.store.acknowledged_since(&world.wide(), later).await.unwrap(), 0);
}

/// R1: addresses are shown to the tenant's eyes only: not to agents, customers or another tenant.
pub async fn r1_addresses_are_shown_to_the_tenants_eyes(backend: Backend) {
    let world = World::open(&backend).await;
    let other = world.sibling().await;
    let customer = world.person(Role::Customer, "Cleo", None).await;
    let known = mail::meet(world.tenant, address("ann@example.org"), &world.stamp());
    let noted = mail::note_acknowledgement(known, &world.stamp()).unwrap();
    let row = save(&world, noted).await.unwrap();
    let row = mail::suppress(row, SuppressionReason::Manual, None, &world.stamp());
    let row = save(&world, row).await.unwrap();
    let scopes: [(Scope, bool); 4] = [
        (world.wide(), true),
        (world.agent(customer.id, &[]), false),
        (world.customer(customer.id), false),
        (other.wide(), false),
    ];
    for (scope, shown) in scopes {
        let found = world.store.correspondent(&scope, &row.address).await.unwrap();
        assert_eq!(found.as_ref(), shown.then_some(&row), "{scope:?}");
        let listed = world.store.suppressed(&scope, &PageRequest::first(10)).await.unwrap();
        assert_eq!(listed.items.len(), usize::from(shown), "{scope:?}");
        let since = crate::clock::Timestamp::MIN;
        let count = world.store.acknowledged_since(&scope, since).await.unwrap();
        assert_eq!(count, u64::from(shown), "{scope:?}");
    }
}
