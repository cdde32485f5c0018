//! What a customer finds among the messages of many.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use autocrm_core::{
    access::{Actor, Scope},
    id::TicketId,
    page::PageRequest,
    port::{Committer, TicketIndex, TicketReader},
    ticket::TicketQuery,
    user::User,
};
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
