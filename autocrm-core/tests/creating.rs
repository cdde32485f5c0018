//! Opening a ticket under what is remembered: never decided wrongly, never twice from memory.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::sync::Arc;

use autocrm_core::{
    access::Actor,
    app::{AutoCrm, TicketData},
    error::ErrorKind,
    memory::MemoryStore,
    port::{Committer as _, Store},
    testing::{FailingStore, Moment},
    ticket::{Category, Channel, NewTicket},
    user::UserChange,
};

use support::{Desk, body, key, subject};

fn about(category: Option<&str>) -> TicketData {
    TicketData {
        requester: None,
        channel: Channel::Portal,
        ticket: NewTicket { category: category.map(key), ..NewTicket::about(subject("Refund")) },
        body: body("Where is it?"),
    }
}

/// Opens a desk, another handle on its store, and a way to make calls of the desk fail.
async fn two_handles() -> (Desk, AutoCrm, FailingStore) {
    let shared: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let store = FailingStore::new(Arc::clone(&shared));
    let desk = Desk::on(store.clone()).await;
    let elsewhere =
        AutoCrm::builder().store(FailingStore::new(shared)).clock(desk.clock.clone()).build().unwrap();
    (desk, elsewhere, store)
}

async fn only_category(crm: &AutoCrm, admin: &Actor, name: &str) {
    let scheme = crm.admin().scheme(admin).await.unwrap();
    let mut category: Category = scheme.categories[0].clone();
    category.key = key(name);
    crm.admin().set_scheme(admin, &scheme.statuses, &[category], &scheme.fields).await.unwrap();
}

#[tokio::test]
async fn the_second_ticket_loads_neither_requester_nor_scheme() {
    let (desk, _, store) = two_handles().await;
    desk.portal().create_ticket(&about(None)).await.unwrap();
    store.fail("user", 1, Moment::Before, ErrorKind::Unavailable);
    store.fail("scheme", 1, Moment::Before, ErrorKind::Unavailable);
    desk.portal().create_ticket(&about(Some("billing"))).await.unwrap();
    assert_eq!(store.pending(), 2, "neither was asked for");
}

#[tokio::test]
async fn a_scheme_that_changed_elsewhere_counts_at_once() {
    let (desk, elsewhere, _) = two_handles().await;
    desk.portal().create_ticket(&about(Some("billing"))).await.unwrap();
    for (next, past) in [("sales", "billing"), ("billing", "sales"), ("returns", "billing")] {
        only_category(&elsewhere, &desk.admin, next).await;
        let refused = desk.portal().create_ticket(&about(Some(past))).await.unwrap_err();
        assert_eq!(refused.code(), "ticket_unknown_category", "{past} is gone");
        only_category(&elsewhere, &desk.admin, past).await;
        only_category(&elsewhere, &desk.admin, next).await;
        let opened = desk.portal().create_ticket(&about(Some(next))).await.unwrap();
        assert_eq!(opened.category, Some(key(next)), "{next} is known");
    }
}

#[tokio::test]
async fn a_requester_who_left_opens_nothing() {
    let (desk, elsewhere, _) = two_handles().await;
    desk.portal().create_ticket(&about(None)).await.unwrap();
    let user = desk.customer.user().unwrap();
    let switch = |active| UserChange { active: Some(active), ..UserChange::default() };
    elsewhere.admin().change_user(&desk.admin, user, &switch(false)).await.unwrap();
    let refused = desk.portal().create_ticket(&about(None)).await.unwrap_err();
    assert_eq!(refused.code(), "ticket_unknown_requester");
    let planned = desk.crm.processor().plan_create(&desk.customer, &about(None)).await.unwrap_err();
    assert_eq!(planned.code(), "ticket_unknown_requester");
    elsewhere.admin().change_user(&desk.admin, user, &switch(true)).await.unwrap();
    desk.portal().create_ticket(&about(None)).await.unwrap();
}

#[tokio::test]
async fn a_plan_for_a_host_is_decided_from_a_fresh_load() {
    let (desk, elsewhere, store) = two_handles().await;
    desk.portal().create_ticket(&about(Some("billing"))).await.unwrap();
    only_category(&elsewhere, &desk.admin, "sales").await;
    let planned = desk.crm.processor().plan_create(&desk.customer, &about(Some("sales"))).await.unwrap();
    only_category(&elsewhere, &desk.admin, "billing").await;
    let (_, changes) = planned.into_parts();
    assert!(store.commit(&changes).await.unwrap_err().is_conflict(), "the scheme has changed since");
}
