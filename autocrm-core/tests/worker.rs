//! The worker on a store that fails when told to.

mod support;

use std::{sync::Arc, time::Duration};

use autocrm_core::{
    access::Scope,
    app::TicketData,
    error::ErrorKind,
    memory::MemoryStore,
    page::PageRequest,
    port::{ClaimRequest, Store},
    testing::{FailingStore, Moment},
    ticket::{Channel, NewTicket, StatusCategory},
    worker::{Worker, WorkerConfig, shutdown},
};

use support::{Desk, body, subject};

fn data() -> TicketData {
    TicketData {
        requester: None,
        channel: Channel::Portal,
        ticket: NewTicket::about(subject("Help")),
        body: body("Help!"),
    }
}

async fn failing_desk() -> (Desk, FailingStore, Arc<dyn Store>) {
    let inner: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let store = FailingStore::new(Arc::clone(&inner));
    (Desk::on(store.clone()).await, store, inner)
}

#[tokio::test]
async fn nothing_runs_before_run_and_a_stop_ends_it() {
    let desk = Desk::open().await;
    desk.portal().create_ticket(&data()).await.unwrap();
    let worker = desk.worker();
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(desk.crm.jobs().depth(&desk.admin).await.unwrap().ready, 1);
    let (handle, signal) = shutdown();
    let mut running = tokio::task::JoinSet::new();
    running.spawn(async move { worker.run(signal).await });
    for _ in 0..200 {
        if desk.crm.jobs().depth(&desk.admin).await.unwrap().ready == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    desk.portal().create_ticket(&data()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    handle.stop();
    let report = running.join_next().await.unwrap().unwrap();
    assert!(report.done >= 2, "{report:?}");
}

#[tokio::test]
async fn a_failed_attempt_is_stored_with_its_pause_and_tried_again() {
    let (desk, store, _) = failing_desk().await;
    desk.portal().create_ticket(&data()).await.unwrap();
    store.fail("teams", 1, Moment::Before, ErrorKind::Unavailable);
    let report = desk.worker().drain().await.unwrap();
    assert_eq!(report.retried, 1);
    let depth = desk.crm.jobs().depth(&desk.admin).await.unwrap();
    assert_eq!((depth.ready, depth.scheduled), (0, 2), "the retry, and the hourly closing");
    desk.clock.advance(Duration::from_secs(2));
    desk.drain().await;
    assert_eq!(desk.crm.jobs().depth(&desk.admin).await.unwrap().scheduled, 1);
}

#[tokio::test]
async fn a_job_that_always_fails_ends_in_the_dead_letters_and_can_be_requeued() {
    let (desk, store, _) = failing_desk().await;
    desk.portal().create_ticket(&data()).await.unwrap();
    for attempt in 1..=12 {
        store.fail("teams", 1, Moment::Before, ErrorKind::Unavailable);
        let report = desk.worker().drain().await.unwrap();
        assert_eq!(report.dead, u64::from(attempt == 12), "attempt {attempt}");
        desk.clock.advance(Duration::from_secs(3_601));
    }
    let dead = desk.crm.jobs().dead(&desk.admin, &PageRequest::default()).await.unwrap();
    assert_eq!(dead.items.len(), 1);
    assert_eq!((dead.items[0].attempts, dead.items[0].last_error.as_deref()), (12, Some("unavailable")));
    assert!(desk.crm.jobs().dead(&desk.agent, &PageRequest::default()).await.is_err());
    desk.crm.jobs().requeue(&desk.admin, dead.items[0].id).await.unwrap();
    desk.drain().await;
    assert!(desk.crm.jobs().requeue(&desk.admin, dead.items[0].id).await.unwrap_err().is_not_found());
}

#[tokio::test]
async fn a_worker_that_lost_its_lease_changes_nothing() {
    let (desk, _, inner) = failing_desk().await;
    let ticket = desk.portal().create_ticket(&data()).await.unwrap();
    let now = autocrm_core::clock::Clock::now(&desk.clock);
    let request = ClaimRequest { now, lease: Duration::from_secs(1), limit: 10 };
    let stale = inner.claim(&request).await.unwrap();
    assert_eq!(stale.len(), 1);
    // The first worker died; another takes over and finishes.
    desk.clock.advance(Duration::from_secs(2));
    desk.drain().await;
    assert!(inner.extend(stale[0].id, stale[0].token, now).await.unwrap_err().is_conflict());
    let row = desk.crm.tickets().get(&desk.agent, ticket.id).await.unwrap();
    assert_eq!(row.assignee, desk.agent.user());
}

#[tokio::test]
async fn an_answer_lost_after_the_commit_does_not_repeat_its_effects() {
    let (desk, store, _) = failing_desk().await;
    desk.portal().create_ticket(&data()).await.unwrap();
    store.fail("commit", 1, Moment::After, ErrorKind::Unavailable);
    let worker = Worker::new(desk.crm.clone(), WorkerConfig::default());
    let report = worker.drain().await.unwrap();
    assert_eq!((report.done, report.lost), (1, 1), "one notification done, one answer lost");
    desk.clock.advance(Duration::from_mins(2));
    desk.drain().await;
    let scope = Scope::tenant_wide(desk.admin.tenant);
    let told = desk.crm.store().notifications(&scope, &PageRequest::default()).await.unwrap();
    assert_eq!(told.items.len(), 1, "the assignment was told once");
}

#[tokio::test]
async fn sleeping_tickets_wake_by_themselves() {
    let desk = Desk::open().await;
    let ticket = desk.portal().create_ticket(&data()).await.unwrap();
    desk.drain().await;
    let until = autocrm_core::clock::Clock::now(&desk.clock).plus(Duration::from_hours(1));
    desk.crm.processor().snooze(&desk.agent, ticket.id, until).await.unwrap();
    desk.drain().await;
    let held = desk.crm.tickets().get(&desk.agent, ticket.id).await.unwrap();
    assert_eq!(held.pending_until, Some(until));
    desk.clock.advance(Duration::from_secs(3_601));
    desk.drain().await;
    let woken = desk.crm.tickets().get(&desk.agent, ticket.id).await.unwrap();
    assert_eq!(woken.status.category, StatusCategory::Open);
    assert_eq!(woken.pending_until, None);
}

#[tokio::test]
async fn resolved_tickets_close_by_themselves_and_the_job_comes_back_every_hour() {
    let desk = Desk::open().await;
    let old = desk.portal().create_ticket(&data()).await.unwrap();
    desk.workspace().track_resolution(old.id).await.unwrap();
    desk.clock.advance(Duration::from_hours(13 * 24));
    let young = desk.portal().create_ticket(&data()).await.unwrap();
    desk.workspace().track_resolution(young.id).await.unwrap();
    desk.drain().await;
    let category = async |id| desk.crm.tickets().get(&desk.agent, id).await.unwrap().status.category;
    assert_eq!(category(old.id).await, StatusCategory::Resolved);
    desk.clock.advance(Duration::from_secs(24 * 3_600 + 1));
    desk.drain().await;
    assert_eq!(category(old.id).await, StatusCategory::Closed);
    assert_eq!(category(young.id).await, StatusCategory::Resolved);
    assert_eq!(desk.crm.jobs().depth(&desk.admin).await.unwrap().scheduled, 1);
}
