//! What is found among the messages of many, and while the index has not taken a message up.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;
#[path = "support/waiting.rs"]
mod waiting;

use autocrm_core::{
    access::{Actor, Scope},
    id::TicketId,
    page::PageRequest,
    port::{Committer, TicketIndex, TicketReader},
    ticket::TicketQuery,
    user::User,
};
use autocrm_storage::sqlite::{SqliteStore, commit_in};
use diesel::{Connection, SqliteConnection};
use support::{Fixture, Place};

/// More than the index is walked for a customer.
const CROWD: usize = 2_100;

async fn say(fixture: &Fixture, by: &User, text: &str) -> TicketId {
    let (opened, ticket) = fixture.scene.ticket(by.id, "Help", None);
    fixture.store.commit(&opened).await.unwrap();
    write(fixture, by, ticket.id, text).await;
    ticket.id
}

async fn write(fixture: &Fixture, by: &User, ticket: TicketId, text: &str) {
    let stored = fixture.store.ticket(&fixture.scope(), ticket).await.unwrap().unwrap();
    let author = Actor::customer(stored.tenant, by.id);
    let (written, _, _) = fixture.scene.message(&author, &stored, text, false);
    fixture.store.commit(&written).await.unwrap();
}

async fn found(fixture: &Fixture, by: &User, text: &str, page: &PageRequest) -> Vec<TicketId> {
    let scope = Scope::customer(fixture.scene.tenant_id(), by.id);
    let query = TicketQuery { text: text.to_owned(), notes: false };
    let hits = fixture.store.search_tickets(&scope, &query, page).await.unwrap();
    hits.items.into_iter().map(|hit| hit.ticket).collect()
}

#[tokio::test]
async fn a_customer_finds_their_own_tickets_behind_those_of_many() {
    let place = Place::new();
    let fixture = Fixture::open(&place).await;
    let (made, neighbour) = fixture.scene.customer("Bob");
    fixture.store.commit(&made).await.unwrap();
    let ann = &fixture.customer;
    let first = say(&fixture, ann, "the printer smokes").await;
    let second = say(&fixture, ann, "the screen smokes").await;
    let crowded = say(&fixture, &neighbour, "the crowd").await;
    for _ in 1..CROWD {
        write(&fixture, &neighbour, crowded, "the printer is fine").await;
    }
    let third = say(&fixture, ann, "the printer again").await;
    let page = PageRequest::default();
    assert_eq!(found(&fixture, ann, "the", &page).await, [third, second, first]);
    assert_eq!(found(&fixture, ann, "printer", &page).await, [third, first]);
    assert_eq!(found(&fixture, ann, "smokes printer", &page).await, [first]);
    assert_eq!(found(&fixture, ann, "crowd", &page).await, []);
    assert_eq!(found(&fixture, ann, "the", &PageRequest::first(2)).await, [third, second]);
    assert_eq!(found(&fixture, &neighbour, "smokes", &page).await, []);
    assert_eq!(found(&fixture, &neighbour, "printer", &page).await, [crowded]);
}

#[tokio::test]
async fn what_waits_for_the_index_is_found_with_what_is_in_it() {
    let place = Place::new();
    let fixture = Fixture::open(&place).await;
    let ann = &fixture.customer;
    let page = PageRequest::default();
    let first = say(&fixture, ann, "the printer smokes").await;
    waiting::until_none_waits(&place.path()).await;
    // Whether the index has taken the second up by now is left to chance: the answer is the same.
    let second = say(&fixture, ann, "the Printér again").await;
    assert_eq!(found(&fixture, ann, "printer", &page).await, [second, first]);
    assert_eq!(found(&fixture, ann, "printer", &PageRequest::first(1)).await, [second]);
    waiting::until_none_waits(&place.path()).await;
    assert_eq!(found(&fixture, ann, "printer", &page).await, [second, first]);
    drop(fixture);
    assert_eq!(SqliteStore::doctor(&place.config()), []);
}

#[tokio::test]
async fn the_next_process_takes_up_what_the_last_one_left() {
    let place = Place::new();
    let fixture = Fixture::open(&place).await;
    let ticket = say(&fixture, &fixture.customer, "the printer smokes").await;
    let mut host = SqliteConnection::establish(place.path().to_str().unwrap()).unwrap();
    waiting::until_none_waits(&place.path()).await;
    let Fixture { store, scene, customer } = fixture;
    let scope = Scope::tenant_wide(scene.tenant_id());
    let stored = store.ticket(&scope, ticket).await.unwrap().unwrap();
    drop(store);
    // Nobody writes for the host but the host.
    let author = Actor::customer(stored.tenant, customer.id);
    let (written, _, _) = scene.message(&author, &stored, "it is the scanner", false);
    host.immediate_transaction(|host| {
        commit_in(host, &written).map_err(|_| diesel::result::Error::RollbackTransaction)
    })
    .unwrap();
    assert_eq!(waiting::waiting(&place.path()), 1);
    assert_eq!(SqliteStore::doctor(&place.config()), []);
    let store = SqliteStore::open(place.config()).unwrap();
    let fixture = Fixture { store, scene, customer };
    assert_eq!(found(&fixture, &fixture.customer, "scanner", &PageRequest::default()).await, [ticket]);
    waiting::until_none_waits(&place.path()).await;
    assert_eq!(found(&fixture, &fixture.customer, "scanner", &PageRequest::default()).await, [ticket]);
}

#[tokio::test]
async fn as_many_wait_as_is_stated() {
    let place = Place::new();
    let fixture = Fixture::open(&place).await;
    let (made, neighbour) = fixture.scene.customer("Bob");
    fixture.store.commit(&made).await.unwrap();
    let ticket = say(&fixture, &neighbour, "first").await;
    let stored = fixture.store.ticket(&fixture.scope(), ticket).await.unwrap().unwrap();
    let author = Actor::customer(stored.tenant, neighbour.id);
    // Four mebibytes are enough before a thousand messages are.
    let text = "word ".repeat(13_000);
    for _ in 0..70 {
        let (written, _, _) = fixture.scene.message(&author, &stored, &text, false);
        drop(fixture.store.commit(&written).await);
    }
    assert!(waiting::waiting(&place.path()) * 65_000 < 5 * 1_024 * 1_024);
}
