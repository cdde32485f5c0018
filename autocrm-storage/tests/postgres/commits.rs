//! Commits that share a transaction: each keeps its own outcome, whatever its neighbours and other nodes do.

use std::sync::Arc;

use autocrm_core::{
    access::Scope,
    change::ChangeSet,
    error::ErrorKind,
    page::PageRequest,
    port::{Committer as _, EventReader as _, TicketReader as _, UserReader as _},
    testing::Scene,
    ticket::TicketFilter,
    user::UserFilter,
};
use autocrm_storage::postgres::{PostgresConfig, PostgresStore};
use tokio::task::JoinSet;

use crate::support::{Database, tolerant};

/// Commits all sets at once and returns how many were applied, and the kinds of the refusals.
async fn at_once(stores: &[PostgresStore], sets: Vec<ChangeSet>) -> (usize, Vec<ErrorKind>) {
    let mut running = JoinSet::new();
    for (number, set) in sets.into_iter().enumerate() {
        let store = stores[number % stores.len()].clone();
        running.spawn(async move { store.commit(&set).await.map_err(|error| error.kind()) });
    }
    let outcomes = running.join_all().await;
    let applied = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    (applied, outcomes.into_iter().filter_map(Result::err).collect())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_poisoned_set_fails_alone() {
    let database = Database::migrated().await;
    let store = PostgresStore::open(database.pool(4).await, tolerant()).await.unwrap();
    let scene = Scene::new(1);
    store.commit(&scene.found("Acme", None).0).await.unwrap();
    let (taken, _) = scene.customer("Taken");
    store.commit(&taken).await.unwrap();
    // Twenty new customers and four copies of one that is there: only the server can tell those apart.
    let mut sets: Vec<ChangeSet> =
        (0..20).map(|number| scene.customer(&format!("Customer {number}")).0).collect();
    for place in [3, 7, 11, 15] {
        sets.insert(place, taken.clone());
    }
    let (applied, refused) = at_once(std::slice::from_ref(&store), sets).await;
    assert_eq!((applied, refused), (20, vec![ErrorKind::Conflict; 4]));
    let scope = Scope::tenant_wide(scene.tenant_id());
    let users = store.users(&scope, &UserFilter::default(), &PageRequest::first(200)).await.unwrap();
    assert_eq!(users.items.len(), 21);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sets_of_many_tenants_from_many_nodes_are_numbered_without_gaps() {
    let database = Database::migrated().await;
    let config = PostgresConfig { committers: 3, batch: 7, ..tolerant() };
    let mut stores = Vec::new();
    for _ in 0..3 {
        stores.push(PostgresStore::open(database.pool(6).await, config.clone()).await.unwrap());
    }
    let scenes: Vec<Arc<Scene>> = (0..4).map(|number| Arc::new(Scene::new(number))).collect();
    let mut sets = Vec::new();
    for scene in &scenes {
        stores[0].commit(&scene.found("Acme", None).0).await.unwrap();
        let (made, customer) = scene.customer("Ann");
        stores[0].commit(&made).await.unwrap();
        sets.extend((0..40).map(|number| scene.ticket(customer.id, &format!("Ticket {number}"), None).0));
    }
    // One of each tenant in turn.
    let mut mixed = Vec::new();
    for number in 0..40 {
        mixed.extend((0..4).map(|tenant| sets[tenant * 40 + number].clone()));
    }
    assert_eq!(at_once(&stores, mixed).await, (160, Vec::new()));
    for scene in &scenes {
        let scope = Scope::tenant_wide(scene.tenant_id());
        let page = PageRequest::first(200);
        let tickets = stores[1].tickets(&scope, &TicketFilter::default(), &page).await.unwrap();
        let mut numbers: Vec<u64> = tickets.items.iter().map(|ticket| ticket.number.get()).collect();
        numbers.sort_unstable();
        assert_eq!(numbers, (1..=40).collect::<Vec<u64>>());
        let head = stores[2].head(&scope).await.unwrap();
        let mut seen = Vec::new();
        let mut after = autocrm_core::change::Position::default();
        while after < head {
            let events = stores[2].events(&scope, after, 100).await.unwrap();
            seen.extend(events.iter().map(|event| event.position.get()));
            after = events.last().unwrap().position;
        }
        assert_eq!(seen, (1..=head.get()).collect::<Vec<u64>>(), "positions have no gaps");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_queue_is_answered_as_overloaded() {
    let database = Database::migrated().await;
    let config = PostgresConfig { queue: 2, batch: 1, committers: 1, ..tolerant() };
    let store = PostgresStore::open(database.pool(3).await, config).await.unwrap();
    let scene = Scene::new(1);
    store.commit(&scene.found("Acme", None).0).await.unwrap();
    let sets = (0..40).map(|number| scene.customer(&format!("Customer {number}")).0).collect();
    let (applied, refused) = at_once(std::slice::from_ref(&store), sets).await;
    assert!(applied > 0 && !refused.is_empty(), "{applied} applied");
    assert!(refused.iter().all(|kind| *kind == ErrorKind::Overloaded), "{refused:?}");
    let scope = Scope::tenant_wide(scene.tenant_id());
    let users = store.users(&scope, &UserFilter::default(), &PageRequest::first(200)).await.unwrap();
    assert_eq!(users.items.len(), applied, "what was refused was not applied");
}
