//! Idempotency keys: the first receipt, again and again, for 72 hours.

use std::time::Duration;

use crate::{
    change::{ChangeSet, EntityRef, IdempotencyKey, KEY_RETENTION, Receipt},
    clock::Timestamp,
    conformance::{
        Backend,
        check::{assert_all, assert_none, digest, parts},
        commit::add_user,
        rig::{assert_conflict, assert_refused, race},
        world::World,
    },
    error::ErrorKind,
    id::UserId,
    mail::BlobHash,
    text::ExternalId,
    user::Role,
};

fn key(world: &World, principal: &str, name: &str, request: &str) -> IdempotencyKey {
    IdempotencyKey {
        tenant: world.tenant,
        principal: principal.to_owned(),
        key: ExternalId::new(name).expect("a key"),
        request: BlobHash::of(request.as_bytes()),
    }
}

/// Plans a new ticket under a key; every plan has ids of its own, as a repeated request has.
fn plan(world: &World, customer: UserId, key: &IdempotencyKey) -> ChangeSet {
    let made = world.new_ticket(customer, "keyed", &world.stamp());
    let id = made.state.id;
    let mut set = world.plan(|set, stamp| {
        set.ticket(made, false, stamp);
    });
    set.keyed(Some(key.clone())).answers(EntityRef::Ticket(id));
    set
}

fn replay_of(receipt: &Receipt) -> Receipt {
    Receipt { replayed: true, ..receipt.clone() }
}

/// C8: the same key and request change nothing and are answered with the first receipt, marked as replayed, on every
/// handle, also when a requirement that held then holds no longer.
pub async fn c8_a_repetition_is_answered_with_the_first_receipt(backend: Backend) {
    let world = World::open(&backend).await;
    let customer = world.person(Role::Customer, "Cleo", None).await;
    let name = key(&world, "user 7", "ключ '; --", "body");
    assert_eq!(world.store.receipt(&name).await.unwrap(), None);
    let mut set = plan(&world, customer.id, &name);
    set.unchanged(EntityRef::Ticket(world.stamp().id()), crate::transition::Version::NEW);
    let first = world.store.commit(&set).await.expect("the set is applied");
    assert!(!first.replayed);
    assert_eq!(first.numbers.len(), 1);
    let before = digest(&**world.store, &world.wide()).await;
    for store in [backend.store(), backend.other()] {
        assert_eq!(store.commit(&set).await.unwrap(), replay_of(&first), "the same set again");
        let anew = plan(&world, customer.id, &name);
        assert_eq!(store.commit(&anew).await.unwrap(), replay_of(&first), "the same request decided anew");
        assert_none(&rows(&*store, &anew).await, "a replayed set");
        let mut stale = plan(&world, customer.id, &name);
        stale.unchanged(EntityRef::User(customer.id), crate::transition::Version::new(77));
        assert_eq!(
            store.commit(&stale).await.unwrap(),
            replay_of(&first),
            "before any requirement is checked"
        );
        assert_eq!(store.receipt(&name).await.unwrap(), Some(replay_of(&first)));
        assert_eq!(digest(&*store, &world.wide()).await, before, "a replay changes nothing");
    }
    assert_all(&parts(&**world.store, &set, Some(&first)).await, "the first set");
}

async fn rows(store: &dyn crate::port::Store, set: &ChangeSet) -> Vec<crate::conformance::check::Part> {
    let mut bare = set.clone();
    bare.keyed(None);
    parts(store, &bare, None).await
}

/// C8: the same key with another request is refused as `KeyReused`, by the commit and by the look-up.
pub async fn c8_another_request_under_the_key_is_refused(backend: Backend) {
    let world = World::open(&backend).await;
    let customer = world.person(Role::Customer, "Cleo", None).await;
    let name = key(&world, "p", "k", "body");
    world.store.commit(&plan(&world, customer.id, &name)).await.expect("the set is applied");
    let other = key(&world, "p", "k", "other body");
    let set = plan(&world, customer.id, &other);
    let before = digest(&**world.store, &world.wide()).await;
    let error = assert_refused(world.store.commit(&set).await, ErrorKind::KeyReused, "another request");
    assert!(!error.is_retryable(), "trying again does not help");
    assert_refused(world.store.receipt(&other).await, ErrorKind::KeyReused, "a look-up of another request");
    assert_none(&rows(&**world.store, &set).await, "another request");
    assert_eq!(digest(&**world.store, &world.wide()).await, before);
}

/// C8: keys are scoped by tenant, principal and key: equal only in one of them, they have nothing to do with each other.
pub async fn c8_keys_are_scoped_by_tenant_and_principal(backend: Backend) {
    let world = World::open(&backend).await;
    let other = world.sibling().await;
    let customer = world.person(Role::Customer, "Cleo", None).await;
    let foreign = other.person(Role::Customer, "Max", None).await;
    let plans = [
        plan(&world, customer.id, &key(&world, "p", "k", "1")),
        plan(&world, customer.id, &key(&world, "q", "k", "2")),
        plan(&world, customer.id, &key(&world, "p", "l", "3")),
        plan(&world, customer.id, &key(&world, "p", "K", "4")),
        plan(&other, foreign.id, &key(&other, "p", "k", "5")),
    ];
    for set in &plans {
        let receipt = world.store.commit(set).await.expect("a key of its own");
        assert!(!receipt.replayed);
        assert_all(&parts(&**world.store, set, Some(&receipt)).await, "a keyed set");
    }
}

/// C8: a key is kept 72 hours after the set's instant, to the microsecond, and starts anew after that.
pub async fn c8_a_key_is_kept_for_72_hours(backend: Backend) {
    let world = World::open(&backend).await;
    let customer = world.person(Role::Customer, "Cleo", None).await;
    let name = key(&world, "p", "k", "body");
    let set = plan(&world, customer.id, &name);
    let start: Timestamp = set.at();
    let first = world.store.commit(&set).await.expect("the set is applied");
    for age in [Duration::ZERO, Duration::from_hours(1), KEY_RETENTION] {
        let later = plan(&world, customer.id, &name).with_at(start.plus(age));
        assert_eq!(world.store.commit(&later).await.unwrap(), replay_of(&first), "after {age:?}");
    }
    let anew = key(&world, "p", "k", "a new request");
    let expired = start.plus(KEY_RETENTION).plus(Duration::from_micros(1));
    let later = plan(&world, customer.id, &anew).with_at(expired);
    let second = world.store.commit(&later).await.expect("the key starts anew");
    assert!(!second.replayed);
    assert_ne!(second.answer, first.answer);
    assert_all(&parts(&**world.store, &later, Some(&second)).await, "the set under the key anew");
    let again = plan(&world, customer.id, &anew).with_at(expired);
    assert_eq!(world.store.commit(&again).await.unwrap(), replay_of(&second));
}

/// C8: a refused set keeps no key: the request may be tried again under it.
pub async fn c8_a_refused_set_keeps_no_key(backend: Backend) {
    let world = World::open(&backend).await;
    let customer = world.person(Role::Customer, "Cleo", Some("taken@example.org")).await;
    let name = key(&world, "p", "k", "body");
    let mut refused = plan(&world, customer.id, &name);
    add_user(&world, &mut refused, "taken@example.org");
    assert_conflict(world.store.commit(&refused).await, "a refused set");
    assert_eq!(world.store.receipt(&name).await.unwrap(), None);
    let receipt = world.store.commit(&plan(&world, customer.id, &name)).await.expect("the key is free");
    assert!(!receipt.replayed);
}

/// C8: of many who bring one request at once exactly one is applied, and all get its receipt.
pub async fn c8_of_many_repetitions_at_once_one_is_applied(backend: Backend) {
    let world = World::open(&backend).await;
    let customer = world.person(Role::Customer, "Cleo", None).await;
    let name = key(&world, "p", "k", "body");
    let callers = (0..32).map(|caller| {
        let store = if caller % 2 == 0 { backend.store() } else { backend.other() };
        let set = plan(&world, customer.id, &name);
        async move { store.commit(&set).await.expect("a receipt") }
    });
    let receipts = race(callers).await;
    let first = receipts.iter().find(|receipt| !receipt.replayed).expect("one is applied").clone();
    assert_eq!(receipts.iter().filter(|receipt| !receipt.replayed).count(), 1);
    for receipt in receipts.iter().filter(|receipt| receipt.replayed) {
        assert_eq!(*receipt, replay_of(&first));
    }
    let page = crate::page::PageRequest::first(200);
    let filter = crate::ticket::TicketFilter::default();
    let listed = world.store.tickets(&world.wide(), &filter, &page).await.unwrap();
    assert_eq!(listed.items.len(), 1);
}
