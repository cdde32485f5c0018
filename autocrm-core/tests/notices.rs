//! Mails that triggers ask for.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::time::Duration;

use autocrm_core::{
    access::{Actor, Scope},
    app::{Error, TicketData},
    conformance::broken::plain_templates,
    conversation::{Reply, Verdict},
    id::TicketId,
    mail::{Envelope, OutboundMail, SenderTrust},
    tenant::{Party, TenantPolicy, TenantRefusal, Trigger, TriggerEvent},
    ticket::{Channel, NewTicket, TicketChange},
    user::UserChange,
};
use bytes::Bytes;

use support::{Desk, body, email, key, subject};

fn trigger(event: TriggerEvent, to: Vec<Party>) -> Trigger {
    Trigger { event, template: key(event.as_str()), to, cc: Vec::new(), bcc: Vec::new() }
}

fn address(text: &str) -> Party {
    Party::Address { address: email(text) }
}

/// Opens a desk with triggers; its customer's address is verified.
async fn desk(triggers: &[Trigger]) -> Desk {
    let desk = Desk::open_with_templates(TenantPolicy::default(), plain_templates().port()).await;
    desk.crm.admin().set_triggers(&desk.admin, triggers).await.unwrap();
    let change = UserChange { email_verified: Some(true), ..UserChange::default() };
    desk.crm.admin().change_user(&desk.admin, desk.customer.user().unwrap(), &change).await.unwrap();
    desk
}

async fn open(desk: &Desk, channel: Channel) -> TicketId {
    let data = TicketData {
        requester: Some(desk.customer.user().unwrap()),
        channel,
        ticket: NewTicket::about(subject("Refund")),
        body: body("Where is it?"),
    };
    let ticket = desk.crm.processor().create(&desk.agent, &data).await.unwrap().id;
    desk.drain().await;
    ticket
}

async fn write(desk: &Desk, by: &Actor, ticket: TicketId, text: &str, internal: bool) {
    let reply = Reply { body: body(text), internal };
    desk.crm.conversations().reply(by, ticket, &reply, None).await.unwrap();
    desk.drain().await;
}

async fn resolve(desk: &Desk, ticket: TicketId) {
    let change = TicketChange { status: Some(key("resolved")), ..TicketChange::default() };
    desk.crm.processor().update(&desk.agent, ticket, &change, None).await.unwrap();
    desk.drain().await;
}

/// Returns the mails of triggers, and forgets none.
fn noticed(desk: &Desk, event: TriggerEvent) -> Vec<OutboundMail> {
    desk.mailer.sent().into_iter().filter(|mail| mail.trigger == Some(event)).collect()
}

#[tokio::test]
async fn each_event_sends_its_mail_once() {
    let everyone = [TriggerEvent::Created, TriggerEvent::Updated, TriggerEvent::Resolved];
    let desk = desk(&everyone.map(|event| trigger(event, vec![address("log@example.org")]))).await;
    let ticket = open(&desk, Channel::Portal).await;
    assert_eq!(noticed(&desk, TriggerEvent::Created).len(), 1);
    assert_eq!(noticed(&desk, TriggerEvent::Updated).len(), 0, "the first message is the ticket's own");
    write(&desk, &desk.customer, ticket, "Hello?", false).await;
    write(&desk, &desk.agent, ticket, "On its way.", false).await;
    assert_eq!(noticed(&desk, TriggerEvent::Updated).len(), 2);
    resolve(&desk, ticket).await;
    resolve(&desk, ticket).await;
    assert_eq!(noticed(&desk, TriggerEvent::Resolved).len(), 1);
    let mail = &noticed(&desk, TriggerEvent::Resolved)[0];
    assert_eq!(mail.to, email("log@example.org"));
    assert!(mail.automatic && mail.html.is_some() && mail.unsubscribe.is_none());
    assert!(mail.text.contains("On its way."), "{}", mail.text);
    // Its answer finds the ticket.
    let refs = desk.crm.store();
    let scope = Scope::tenant_wide(desk.admin.tenant);
    let known = refs.mail_refs(&scope, std::slice::from_ref(&mail.message_id)).await.unwrap();
    assert_eq!(known[0].ticket, ticket);
}

#[tokio::test]
async fn no_mail_tells_what_is_not_public() {
    let desk = desk(&[
        trigger(TriggerEvent::Updated, vec![address("log@example.org")]),
        trigger(TriggerEvent::Resolved, vec![address("log@example.org")]),
    ])
    .await;
    let ticket = open(&desk, Channel::Portal).await;
    write(&desk, &desk.agent, ticket, "SECRET of the staff", true).await;
    assert!(noticed(&desk, TriggerEvent::Updated).is_empty(), "a note is no news");
    resolve(&desk, ticket).await;
    let mails = noticed(&desk, TriggerEvent::Resolved);
    assert_eq!(mails.len(), 1);
    for mail in desk.mailer.sent() {
        let html = mail.html.as_ref().map(ToString::to_string).unwrap_or_default();
        assert!(!mail.text.contains("SECRET") && !html.contains("SECRET"));
    }
    assert!(mails[0].text.contains("Where is it?"), "the latest public message stands in: {}", mails[0].text);
}

#[tokio::test]
async fn parties_are_who_they_are_at_that_moment_each_once() {
    let all =
        vec![Party::Requester, Party::Assignee, address("customer@example.org"), address("log@example.org")];
    let mut told = trigger(TriggerEvent::Resolved, all);
    told.cc = vec![address("copy@example.org"), address("log@example.org")];
    told.bcc = vec![address("blind@example.org"), Party::Requester];
    let desk = desk(&[told]).await;
    let support = desk.support_address().await;
    let ticket = open(&desk, Channel::Portal).await;
    resolve(&desk, ticket).await;
    let mails = noticed(&desk, TriggerEvent::Resolved);
    let got: Vec<String> = mails[0].recipients().map(ToString::to_string).collect();
    let assignee = desk.crm.tickets().get(&desk.agent, ticket).await.unwrap().assignee;
    let mut expected = vec!["customer@example.org"];
    expected.extend(assignee.map(|_| "agent@example.org"));
    expected.extend(["log@example.org", "copy@example.org", "blind@example.org"]);
    assert_eq!(got, expected);
    assert!(mails[0].bcc.iter().all(|blind| blind.as_str() == "blind@example.org"));
    assert!(!got.contains(&support.to_string()));
}

#[tokio::test]
async fn customers_are_told_at_verified_addresses_only() {
    let desk = desk(&[trigger(TriggerEvent::Resolved, vec![Party::Requester])]).await;
    let change = UserChange { email_verified: Some(false), ..UserChange::default() };
    desk.crm.admin().change_user(&desk.admin, desk.customer.user().unwrap(), &change).await.unwrap();
    let ticket = open(&desk, Channel::Portal).await;
    resolve(&desk, ticket).await;
    assert!(desk.mailer.sent().is_empty());
}

#[tokio::test]
async fn strangers_mail_has_nothing_sent_to_them() {
    let parties = vec![Party::Requester];
    let desk = desk(&[trigger(TriggerEvent::Created, parties)]).await;
    let to = desk.support_address().await;
    for (trust, number) in [(SenderTrust::Unverified, 0), (SenderTrust::Vouched, 1)] {
        let envelope = Envelope { trust, ..Envelope::to(to.clone()) };
        let raw = format!("customer@example.org|m{number}@example.org||Refund|Where is it? {number}");
        desk.crm.mailbox().receive(&envelope, &Bytes::from(raw)).await.unwrap();
        desk.drain().await;
        assert_eq!(noticed(&desk, TriggerEvent::Created).len(), number, "{trust:?}");
    }
}

#[tokio::test]
async fn who_wrote_is_not_told_and_an_answer_by_mail_is_not_told_twice() {
    let parties = vec![Party::Requester, Party::Assignee, address("log@example.org")];
    let desk = desk(&[trigger(TriggerEvent::Updated, parties)]).await;
    let ticket = open(&desk, Channel::Email).await;
    write(&desk, &desk.agent, ticket, "On its way.", false).await;
    let mails = desk.mailer.sent();
    let to_customer = mails.iter().filter(|mail| mail.to.as_str() == "customer@example.org").count();
    assert_eq!(to_customer, 1, "the answer itself");
    let told = noticed(&desk, TriggerEvent::Updated);
    let got: Vec<String> = told[0].recipients().map(ToString::to_string).collect();
    assert_eq!(got, ["log@example.org"]);
}

#[tokio::test]
async fn what_can_still_be_taken_back_is_not_told() {
    let policy = TenantPolicy { undo_seconds: 60, ..TenantPolicy::default() };
    let desk = Desk::open_with_templates(policy, plain_templates().port()).await;
    let log = trigger(TriggerEvent::Updated, vec![address("log@example.org")]);
    desk.crm.admin().set_triggers(&desk.admin, &[log]).await.unwrap();
    let ticket = open(&desk, Channel::Email).await;
    let reply = Reply { body: body("On its weigh."), internal: false };
    let message = desk.crm.conversations().reply(&desk.agent, ticket, &reply, None).await.unwrap();
    desk.drain().await;
    assert!(desk.mailer.sent().is_empty());
    desk.crm.conversations().take_back(&desk.agent, message.id).await.unwrap();
    desk.clock.advance(Duration::from_mins(2));
    desk.drain().await;
    assert!(desk.mailer.sent().is_empty(), "nothing was said");
    let verdict = Verdict::Accept { body: Some(body("On its way.")) };
    desk.crm.conversations().judge(&desk.agent, message.id, &verdict).await.unwrap();
    desk.clock.advance(Duration::from_mins(2));
    desk.drain().await;
    assert_eq!(noticed(&desk, TriggerEvent::Updated).len(), 1);
    assert_eq!(desk.mailer.sent().len(), 2);
}

#[tokio::test]
async fn without_triggers_no_job_is_made() {
    let desk = desk(&[]).await;
    let data = TicketData {
        requester: Some(desk.customer.user().unwrap()),
        channel: Channel::Portal,
        ticket: NewTicket::about(subject("Refund")),
        body: body("Where is it?"),
    };
    let planned = desk.crm.processor().plan_create(&desk.agent, &data).await.unwrap();
    let kinds: Vec<&str> = planned.changes().jobs().iter().map(|job| job.job.kind()).collect();
    assert!(!kinds.contains(&"send_notices"), "{kinds:?}");
}

#[tokio::test]
async fn triggers_are_bounded_and_for_administrators() {
    let desk = desk(&[]).await;
    let one = trigger(TriggerEvent::Created, vec![Party::Requester]);
    let admin = desk.crm.admin();
    assert!(matches!(admin.set_triggers(&desk.agent, std::slice::from_ref(&one)).await, Err(Error::Denied)));
    for bad in [vec![one.clone(); 51], vec![trigger(TriggerEvent::Created, Vec::new())]] {
        let refused = admin.set_triggers(&desk.admin, &bad).await;
        assert!(matches!(refused, Err(Error::Tenant(TenantRefusal::Triggers))));
    }
    admin.set_triggers(&desk.admin, std::slice::from_ref(&one)).await.unwrap();
    assert_eq!(admin.tenant(&desk.admin).await.unwrap().triggers, [one]);
}
