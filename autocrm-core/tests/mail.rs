//! Mail in and out, on the in-memory adapters.

#![expect(clippy::panic, reason = "a test fails by panicking")]

mod support;

use autocrm_core::{
    access::Scope,
    conversation::Reply,
    mail::{BlobHash, Envelope, InboundOutcome, OutboundState, SenderTrust},
    page::PageRequest,
    port::BlobStore,
    text::{EmailAddress, ExternalId},
    ticket::{LinkKind, StatusCategory, TicketChange, TicketFilter},
};
use bytes::Bytes;

use support::{Desk, body, email, key};

const VOUCHED: SenderTrust = SenderTrust::Vouched;
const UNVERIFIED: SenderTrust = SenderTrust::Unverified;

async fn receive(desk: &Desk, to: &EmailAddress, trust: SenderTrust, raw: &str) -> InboundOutcome {
    let envelope = Envelope { trust, ..Envelope::to(to.clone()) };
    desk.receive(&envelope, raw).await.outcome
}

fn opened(outcome: &InboundOutcome) -> autocrm_core::id::TicketId {
    match outcome {
        InboundOutcome::Opened { ticket, .. } => *ticket,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_mail_opens_a_ticket_and_its_answer_comes_back_to_it() {
    let desk = Desk::open().await;
    let to = desk.support_address().await;
    let outcome =
        receive(&desk, &to, VOUCHED, "ann@example.org|m1@example.org||Refund|Where is my refund?").await;
    let ticket = opened(&outcome);
    let reply = Reply { body: body("On its way."), internal: false };
    desk.crm.conversations().reply(&desk.agent, ticket, &reply, None).await.unwrap();
    desk.drain().await;

    let sent = desk.mailer.sent();
    assert_eq!(sent.len(), 1);
    let mail = &sent[0];
    assert_eq!(mail.to.as_str(), "ann@example.org");
    assert_eq!(mail.in_reply_to.as_ref().unwrap().as_str(), "m1@example.org");
    assert!(!mail.automatic && mail.subject.ends_with("[#1]"), "{}", mail.subject);
    let scope = Scope::tenant_wide(desk.admin.tenant);
    let stored = desk.crm.store().outbound(&scope, mail.id).await.unwrap().unwrap();
    assert!(matches!(stored.state, OutboundState::Sent { .. }));

    // Both the reply address and the Message-ID lead back.
    let answer = "ann@example.org|m2@example.org||Re: Refund|Thanks!";
    let by_address = receive(&desk, mail.reply_to.as_ref().unwrap(), VOUCHED, answer).await;
    assert!(matches!(by_address, InboundOutcome::Appended { ticket: found, .. } if found == ticket));
    let answer = format!("ann@example.org|m3@example.org|{}|Re: Refund|Thanks again!", mail.message_id);
    let by_id = receive(&desk, &to, VOUCHED, &answer).await;
    assert!(matches!(by_id, InboundOutcome::Appended { ticket: found, .. } if found == ticket));
    let history =
        desk.crm.conversations().messages(&desk.agent, ticket, &PageRequest::default()).await.unwrap();
    assert_eq!(history.items.len(), 4);
}

#[tokio::test]
async fn outsiders_and_unverified_senders_are_held_and_change_nothing() {
    let desk = Desk::open().await;
    let to = desk.support_address().await;
    let outcome = receive(&desk, &to, VOUCHED, "ann@example.org|m1@example.org||Refund|Where?").await;
    let ticket = opened(&outcome);
    desk.crm
        .conversations()
        .reply(&desk.agent, ticket, &Reply { body: body("Here."), internal: false }, None)
        .await
        .unwrap();
    desk.drain().await;
    let id = desk.mailer.sent()[0].message_id.clone();
    for (trust, from) in
        [(VOUCHED, "eve@example.org"), (UNVERIFIED, "ann@example.org"), (UNVERIFIED, "eve@example.org")]
    {
        let raw = format!("{from}||{id}|Re: Refund|Send it to me instead, {trust:?} {from}");
        let outcome = receive(&desk, &to, trust, &raw).await;
        assert!(
            matches!(outcome, InboundOutcome::Held { ticket: held, .. } if held == ticket),
            "{outcome:?}"
        );
    }
    let row = desk.crm.tickets().get(&desk.agent, ticket).await.unwrap();
    assert_eq!(row.status.category, StatusCategory::WaitingCustomer);
    assert!(row.participants.is_empty());
    let ann = desk
        .crm
        .store()
        .ticket(&Scope::tenant_wide(desk.admin.tenant), ticket)
        .await
        .unwrap()
        .unwrap()
        .requester;
    let ann = desk.crm.actor(desk.admin.tenant, ann).await.unwrap();
    let seen = desk.crm.conversations().messages(&ann, ticket, &PageRequest::default()).await.unwrap();
    assert_eq!(seen.items.len(), 2, "held messages are for staff");
    assert_eq!(desk.mailer.sent().len(), 1, "nobody was answered");
}

#[tokio::test]
async fn a_forged_reply_address_opens_a_ticket_of_its_own() {
    let desk = Desk::open().await;
    let to = desk.support_address().await;
    receive(&desk, &to, VOUCHED, "ann@example.org|m1@example.org||Refund|Where?").await;
    let (local, domain) = to.split_once('@').unwrap();
    for (number, token) in
        [(2, format!("1.{}", "a".repeat(28))), (3, "1.short".to_owned()), (4, "x".to_owned())]
    {
        let forged = email(&format!("{local}+{token}@{domain}"));
        let raw = format!("ann@example.org|m{number}@example.org||Re: Refund|Let me in.");
        let ticket = opened(&receive(&desk, &forged, VOUCHED, &raw).await);
        assert_eq!(
            desk.crm.tickets().get(&desk.agent, ticket).await.unwrap().number.get(),
            number,
            "{token}"
        );
    }
}

#[tokio::test]
async fn unverified_senders_get_drafts_and_verified_ones_get_answers() {
    let desk = Desk::open().await;
    let to = desk.support_address().await;
    desk.article(
        "refunds",
        "Refunds",
        "A refund takes five days.",
        autocrm_core::access::ArticleVisibility::Public,
    )
    .await;
    let outcome =
        receive(&desk, &to, UNVERIFIED, "ann@example.org|m1@example.org||Refund|How long takes a refund?")
            .await;
    let ticket = opened(&outcome);
    assert!(desk.mailer.sent().is_empty());
    assert_eq!(desk.workspace().drafts(ticket).await.unwrap().len(), 1);
    assert!(desk.crm.tickets().get(&desk.agent, ticket).await.unwrap().tags.contains("unverified-sender"));
    receive(&desk, &to, VOUCHED, "bob@example.org|m2@example.org||Refund|How long does a refund take?").await;
    let sent = desk.mailer.sent();
    assert_eq!(sent.len(), 1);
    assert!(sent[0].automatic);
    assert_eq!(&*sent[0].text, "A refund takes five days.");
}

#[tokio::test]
async fn the_same_mail_is_taken_in_once() {
    let desk = Desk::open().await;
    let to = desk.support_address().await;
    let raw = Bytes::from_static(b"ann@example.org|m1@example.org||Refund|Where?");
    let envelope = Envelope::to(to.clone()).vouched();
    let first = desk.crm.mailbox().receive(&envelope, &raw).await.unwrap();
    let again = desk.crm.mailbox().receive(&envelope, &raw).await.unwrap();
    assert!(!first.duplicate && again.duplicate && first.mail == again.mail);
    let provider_id = ExternalId::new("provider-1").ok();
    let named = Envelope { provider_id, ..envelope.clone() };
    let other =
        Bytes::from_static(b"ann@example.org|m1@example.org||Refund|Other bytes under an equal Message-ID");
    let third = desk.crm.mailbox().receive(&named, &other).await.unwrap();
    assert!(!third.duplicate, "an equal Message-ID with other bytes is kept");
    let fourth = desk.crm.mailbox().receive(&named, &Bytes::from_static(b"x|||y|z")).await.unwrap();
    assert!(fourth.duplicate, "the provider's id names the mail");
    desk.drain().await;
    let page = desk
        .crm
        .tickets()
        .list(&desk.admin, &TicketFilter::default(), &PageRequest::default())
        .await
        .unwrap();
    assert_eq!(page.items.len(), 2);
}

#[tokio::test]
async fn large_mails_go_to_the_blob_store_and_strange_ones_are_refused_by_code() {
    let desk = Desk::open().await;
    let to = desk.support_address().await;
    let long = format!("ann@example.org|m1@example.org||Long|{}", "word ".repeat(30_000));
    let ticket = opened(&receive(&desk, &to, VOUCHED, &long).await);
    let page = desk.crm.conversations().messages(&desk.agent, ticket, &PageRequest::default()).await.unwrap();
    assert_eq!(page.items[0].body.len(), 150_000);
    let scope = Scope::tenant_wide(desk.admin.tenant);
    let hash = BlobHash::of(long.as_bytes());
    assert!(desk.crm.store().raw(&scope, hash).await.unwrap().is_none());
    assert!(desk.blobs.get(desk.admin.tenant, hash).await.unwrap().is_some());
    desk.crm.processor().delete(&desk.admin, ticket, None).await.unwrap();
    desk.clock.advance(std::time::Duration::from_hours(31 * 24));
    desk.drain().await;
    assert!(desk.blobs.get(desk.admin.tenant, hash).await.unwrap().is_none(), "erased with its ticket");

    let envelope = |to: &str| Envelope::to(email(to)).vouched();
    let mailbox = desk.crm.mailbox();
    let unknown = mailbox.receive(&envelope("nobody@elsewhere.example"), &Bytes::from_static(b"x")).await;
    assert_eq!(unknown.unwrap_err().code(), "mail_unknown_recipient");
    assert_eq!(mailbox.receive(&envelope(&to), &Bytes::new()).await.unwrap_err().code(), "mail_empty");
    let huge = Bytes::from(vec![b'x'; autocrm_core::mail::MAX_RAW + 1]);
    assert_eq!(mailbox.receive(&envelope(&to), &huge).await.unwrap_err().code(), "mail_too_large");
}

#[tokio::test]
async fn a_late_answer_to_a_closed_ticket_opens_a_linked_one() {
    let desk = Desk::open().await;
    let to = desk.support_address().await;
    let ticket = opened(&receive(&desk, &to, VOUCHED, "ann@example.org|m1@example.org||Refund|Where?").await);
    desk.crm
        .conversations()
        .reply(&desk.agent, ticket, &Reply { body: body("Here."), internal: false }, None)
        .await
        .unwrap();
    let close = TicketChange { status: Some(key("closed")), ..TicketChange::default() };
    desk.crm.processor().update(&desk.agent, ticket, &close, None).await.unwrap();
    desk.drain().await;
    let id = desk.mailer.sent()[0].message_id.clone();
    desk.clock.advance(std::time::Duration::from_hours(13 * 24));
    let soon =
        receive(&desk, &to, VOUCHED, &format!("ann@example.org|m2@example.org|{id}|Re: Refund|Not yet."))
            .await;
    assert!(matches!(soon, InboundOutcome::Appended { .. }));
    desk.crm.processor().update(&desk.agent, ticket, &close, None).await.unwrap();
    desk.clock.advance(std::time::Duration::from_hours(15 * 24));
    let late =
        receive(&desk, &to, VOUCHED, &format!("ann@example.org|m3@example.org|{id}|Re: Refund|Again!")).await;
    let next = desk.crm.tickets().get(&desk.agent, opened(&late)).await.unwrap();
    assert_eq!((next.links[0].kind, next.links[0].ticket), (LinkKind::FollowsUp, ticket));
}

#[tokio::test]
async fn a_refused_mail_needs_review() {
    let desk = Desk::open().await;
    let to = desk.support_address().await;
    let ticket = opened(&receive(&desk, &to, VOUCHED, "ann@example.org|m1@example.org||Refund|Where?").await);
    desk.mailer.refuse(email("ann@example.org"));
    desk.crm
        .conversations()
        .reply(&desk.agent, ticket, &Reply { body: body("Here."), internal: false }, None)
        .await
        .unwrap();
    desk.drain().await;
    let scope = Scope::tenant_wide(desk.admin.tenant);
    let refs = desk.crm.store().ticket_mail_refs(&scope, ticket, 10).await.unwrap();
    let outbound = refs.iter().find_map(|reference| match reference.direction {
        autocrm_core::mail::MailRefDirection::Outbound { outbound } => Some(outbound),
        autocrm_core::mail::MailRefDirection::Inbound => None,
    });
    let mail = desk.crm.store().outbound(&scope, outbound.unwrap()).await.unwrap().unwrap();
    assert_eq!(mail.state, OutboundState::NeedsReview { code: "invalid".to_owned() });
}
