//! Answers that are taken back before they leave.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::time::Duration;

use autocrm_core::{
    access::{Actor, MessageAudience, Scope},
    app::{Error, TicketData},
    clock::Stamp,
    conversation::{Message, MessageKind, Reply, Verdict},
    id::{MessageId, RandomIds, TicketId},
    mail::{MailRefDirection, MailRefusal, OutboundMail, OutboundState, cancel, depart},
    page::PageRequest,
    tenant::{TenantPolicy, TenantRefusal},
    ticket::{Channel, NewTicket, StatusCategory},
};

use support::{Desk, body, subject};

/// A mail ticket of a customer, and the agent's answer on it.
async fn answered(desk: &Desk) -> (TicketId, MessageId) {
    let data = TicketData {
        requester: Some(desk.customer.user().unwrap()),
        channel: Channel::Email,
        ticket: NewTicket::about(subject("Refund")),
        body: body("Where is it?"),
    };
    let ticket = desk.crm.processor().create(&desk.agent, &data).await.unwrap();
    desk.drain().await;
    let reply = Reply { body: body("On its weigh."), internal: false };
    let message = desk.crm.conversations().reply(&desk.agent, ticket.id, &reply, None).await.unwrap();
    (ticket.id, message.id)
}

async fn mail(desk: &Desk, ticket: TicketId) -> OutboundMail {
    let scope = Scope::tenant_wide(desk.admin.tenant);
    let refs = desk.crm.store().ticket_mail_refs(&scope, ticket, 50).await.unwrap();
    let MailRefDirection::Outbound { outbound } = refs[0].direction else {
        unreachable!("the desk wrote it")
    };
    desk.crm.store().outbound(&scope, outbound).await.unwrap().unwrap()
}

async fn state(desk: &Desk, ticket: TicketId) -> OutboundState {
    mail(desk, ticket).await.state
}

fn left(result: &Result<Message, Error>) -> bool {
    matches!(result, Err(Error::Mail(MailRefusal::Left)))
}

async fn seen(desk: &Desk, actor: &Actor, ticket: TicketId) -> usize {
    let page = desk.crm.conversations().messages(actor, ticket, &PageRequest::default()).await.unwrap();
    page.items.len()
}

#[tokio::test]
async fn an_answer_is_taken_back_mended_and_sent() {
    let desk = Desk::open_with(TenantPolicy { undo_seconds: 30, ..TenantPolicy::default() }).await;
    let (ticket, message) = answered(&desk).await;
    desk.drain().await;
    assert_eq!(state(&desk, ticket).await, OutboundState::Pending, "it waits");
    assert!(desk.mailer.sent().is_empty());
    assert_eq!(seen(&desk, &desk.customer, ticket).await, 2);
    desk.clock.advance(Duration::from_secs(29));
    let taken = desk.crm.conversations().take_back(&desk.agent, message).await.unwrap();
    assert_eq!((taken.kind.clone(), taken.audience()), (MessageKind::Draft, MessageAudience::Internal));
    assert!(matches!(state(&desk, ticket).await, OutboundState::Cancelled { .. }));
    assert_eq!(seen(&desk, &desk.customer, ticket).await, 1, "the customer no longer sees it");
    let row = desk.crm.tickets().get(&desk.agent, ticket).await.unwrap();
    assert_eq!((row.status.category, row.first_response_at), (StatusCategory::Open, None));
    desk.clock.advance(Duration::from_hours(1));
    desk.drain().await;
    assert!(desk.mailer.sent().is_empty(), "the job of a mail that was taken back does nothing");

    let verdict = Verdict::Accept { body: Some(body("On its way.")) };
    let sent = desk.crm.conversations().judge(&desk.agent, message, &verdict).await.unwrap();
    assert_eq!(sent.kind, MessageKind::Public);
    desk.clock.advance(Duration::from_secs(30));
    desk.drain().await;
    let mails = desk.mailer.sent();
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0].text.as_str(), "On its way.");
    assert!(left(&desk.crm.conversations().take_back(&desk.agent, message).await), "it has left");
}

#[tokio::test]
async fn nobody_takes_back_what_leaves_or_is_another_s_to_judge() {
    let desk = Desk::open_with(TenantPolicy { undo_seconds: 30, ..TenantPolicy::default() }).await;
    let (ticket, message) = answered(&desk).await;
    assert!(matches!(desk.crm.conversations().take_back(&desk.customer, message).await, Err(Error::Denied)));
    desk.clock.advance(Duration::from_secs(30));
    assert!(left(&desk.crm.conversations().take_back(&desk.agent, message).await), "its time is over");
    desk.drain().await;
    assert!(matches!(state(&desk, ticket).await, OutboundState::Sent { .. }));
}

#[tokio::test]
async fn without_a_window_answers_leave_at_once() {
    let desk = Desk::open().await;
    let (ticket, message) = answered(&desk).await;
    assert!(left(&desk.crm.conversations().take_back(&desk.agent, message).await));
    desk.drain().await;
    assert!(matches!(state(&desk, ticket).await, OutboundState::Sent { .. }));
}

#[tokio::test]
async fn of_taking_back_and_leaving_only_one_succeeds() {
    let desk = Desk::open_with(TenantPolicy { undo_seconds: 30, ..TenantPolicy::default() }).await;
    let (ticket, _) = answered(&desk).await;
    let pending = mail(&desk, ticket).await;
    // Whatever the clock of a node says.
    let early = Stamp::new(pending.created_at, &RandomIds);
    let gone = depart(pending.clone());
    assert_eq!((gone.state.state.clone(), gone.events.len()), (OutboundState::Leaving, 1));
    assert_eq!(cancel(gone.state.clone(), &early), Err(MailRefusal::Left));
    assert!(depart(gone.state).events.is_empty(), "a second attempt changes nothing");
    let cancelled = cancel(pending, &early).unwrap().state;
    assert!(depart(cancelled.clone()).events.is_empty() && !cancelled.is_open());
}

#[tokio::test]
async fn the_window_is_bounded() {
    let desk = Desk::open().await;
    let policy = TenantPolicy { undo_seconds: 601, ..TenantPolicy::default() };
    let founded =
        desk.crm.admin().found_tenant(support::tenant_id(), &"Other".parse().unwrap(), None, policy).await;
    assert!(matches!(founded, Err(Error::Tenant(TenantRefusal::UndoTooLong))));
}
