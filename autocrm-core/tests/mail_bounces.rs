//! Reports about mails of the desk, addresses that nothing is sent to, and acknowledgements.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::time::Duration;

use autocrm_core::{
    access::Scope,
    conversation::{MessageKind, Reply},
    id::TicketId,
    mail::{
        Correspondent, Envelope, InboundMail, InboundOutcome, MailRefDirection, OutboundMail, OutboundState,
        SuppressionReason,
    },
    page::PageRequest,
    tenant::TenantPolicy,
    text::EmailAddress,
};
use bytes::Bytes;

use support::{Desk, body, email};

const ANN: &str = "ann@pass.example";

async fn receive(desk: &Desk, to: &EmailAddress, raw: &str) -> InboundMail {
    desk.receive(&Envelope::to(to.clone()), raw).await
}

async fn reply(desk: &Desk, ticket: TicketId) {
    let reply = Reply { body: body("On its way."), internal: false };
    desk.crm.conversations().reply(&desk.agent, ticket, &reply, None).await.unwrap();
    desk.drain().await;
}

async fn answered(desk: &Desk) -> (EmailAddress, TicketId, OutboundMail) {
    let to = desk.support_address().await;
    let mail = receive(desk, &to, &format!("{ANN}|m1@pass.example||Refund|Where is it?")).await;
    let ticket = mail.outcome.ticket().unwrap();
    reply(desk, ticket).await;
    (to, ticket, desk.mailer.sent().pop().unwrap())
}

async fn known(desk: &Desk, address: &str) -> Option<Correspondent> {
    let scope = Scope::tenant_wide(desk.admin.tenant);
    desk.crm.store().correspondent(&scope, &email(address)).await.unwrap()
}

async fn notes(desk: &Desk, ticket: TicketId) -> Vec<String> {
    let page = desk.crm.conversations().messages(&desk.agent, ticket, &PageRequest::default()).await.unwrap();
    let system = page.items.into_iter().filter(|message| message.kind == MessageKind::System);
    system.map(|message| message.body.as_str().to_owned()).collect()
}

fn report(about: &str, address: &str, status: &str, number: u32) -> String {
    format!("mailer-daemon@mx.example|r{number}@mx||Undelivered|bounce:{about}:{address}:{status}")
}

#[tokio::test]
async fn a_hard_bounce_stops_mail_to_the_address_and_tells_the_ticket() {
    let desk = Desk::open().await;
    let (to, ticket, sent) = answered(&desk).await;
    let mail = receive(&desk, &to, &report(sent.message_id.as_str(), ANN, "5.1.1", 1)).await;
    assert!(matches!(mail.outcome, InboundOutcome::Reported { ticket: found, .. } if found == ticket));
    let row = known(&desk, ANN).await.unwrap();
    let suppression = row.suppression.unwrap();
    assert_eq!((suppression.reason, suppression.mail), (SuppressionReason::HardBounce, Some(sent.id)));
    assert!(notes(&desk, ticket).await.iter().any(|note| note.contains("for good (5.1.1)")));

    let before = desk.mailer.sent().len();
    reply(&desk, ticket).await;
    assert_eq!(desk.mailer.sent().len(), before, "nothing is sent to it");
    assert!(notes(&desk, ticket).await.iter().any(|note| note.contains("address_suppressed")));
    let scope = Scope::tenant_wide(desk.admin.tenant);
    let refs = desk.crm.store().ticket_mail_refs(&scope, ticket, 10).await.unwrap();
    let later = refs.iter().find_map(|reference| match reference.direction {
        MailRefDirection::Outbound { outbound } if outbound != sent.id => Some(outbound),
        _ => None,
    });
    let unsent = desk.crm.store().outbound(&scope, later.unwrap()).await.unwrap().unwrap();
    assert_eq!(unsent.state, OutboundState::NeedsReview { code: "address_suppressed".to_owned() });

    let listed = desk.crm.mailbox().suppressed(&desk.admin, &PageRequest::default()).await.unwrap();
    assert_eq!(listed.items.len(), 1);
    assert!(desk.crm.mailbox().suppressed(&desk.agent, &PageRequest::default()).await.is_err());
    desk.crm.mailbox().release(&desk.admin, &email(ANN)).await.unwrap();
    reply(&desk, ticket).await;
    assert_eq!(desk.mailer.sent().len(), before + 1);
}

#[tokio::test]
async fn soft_and_policy_bounces_are_told_and_stop_nothing() {
    let desk = Desk::open().await;
    let (to, ticket, sent) = answered(&desk).await;
    receive(&desk, &to, &report(sent.message_id.as_str(), ANN, "5.7.1", 1)).await;
    assert!(known(&desk, ANN).await.is_none(), "a rule says nothing about the address");
    for number in 2..5 {
        reply(&desk, ticket).await;
        let sent = desk.mailer.sent().pop().unwrap();
        receive(&desk, &to, &report(sent.message_id.as_str(), ANN, "4.4.1", number)).await;
    }
    let row = known(&desk, ANN).await.unwrap();
    assert!(row.suppression.is_none() && row.soft_bounces.len() == 3);
    let told = notes(&desk, ticket).await;
    assert!(told.iter().any(|note| note.contains("refused by a rule")), "{told:?}");
    assert_eq!(told.iter().filter(|note| note.contains("3 or more")).count(), 1, "{told:?}");
}

#[tokio::test]
async fn a_complaint_stops_mail_to_the_address() {
    let desk = Desk::open().await;
    let (to, ticket, sent) = answered(&desk).await;
    receive(&desk, &to, &report(sent.message_id.as_str(), "", "complaint", 1)).await;
    assert_eq!(known(&desk, ANN).await.unwrap().suppression.unwrap().reason, SuppressionReason::Complaint);
    assert!(notes(&desk, ticket).await.iter().any(|note| note.contains("complained")));
}

#[tokio::test]
async fn a_forged_report_suppresses_nobody() {
    let desk = Desk::open().await;
    let (to, ticket, sent) = answered(&desk).await;
    let id = sent.message_id.to_string();
    let (local, domain) = id.split_once('@').unwrap();
    let mut forged = local.to_owned();
    forged.replace_range(forged.len() - 4.., "aaaa");
    for (number, about) in
        [format!("{forged}@{domain}"), "m1@pass.example".to_owned(), "x@y".to_owned()].into_iter().enumerate()
    {
        let number = u32::try_from(number).unwrap() + 10;
        receive(&desk, &to, &report(&about, ANN, "5.1.1", number)).await;
    }
    // Whoever was written to knows the id: it counts for their own address only.
    receive(&desk, &to, &report(&id, "victim@pass.example", "5.1.1", 20)).await;
    // An id that is only answered, not reported, is acted upon by nothing.
    let answers = format!("eve@pass.example|e1@x|{id}|Undelivered|bounce:unknown@x:{ANN}:5.1.1");
    receive(&desk, &to, &answers).await;
    for address in [ANN, "victim@pass.example"] {
        assert!(known(&desk, address).await.is_none(), "{address}");
    }
    assert!(notes(&desk, ticket).await.iter().all(|note| !note.contains("for good")));
}

async fn acknowledging() -> (Desk, EmailAddress) {
    let desk = Desk::open().await;
    let policy = TenantPolicy { acknowledge: true, ..TenantPolicy::default() };
    desk.crm.admin().change_policy(&desk.admin, policy).await.unwrap();
    let to = desk.support_address().await;
    (desk, to)
}

#[tokio::test]
async fn an_acknowledgement_has_fixed_words_and_goes_to_the_author() {
    let (desk, to) = acknowledging().await;
    let mail = receive(&desk, &to, &format!("{ANN}|m1@pass.example||Buy GOLD now|Visit evil.example")).await;
    let sent = desk.mailer.sent();
    assert_eq!(sent.len(), 1, "{sent:?}");
    let told = &sent[0];
    assert_eq!((told.to.as_str(), told.automatic), (ANN, true));
    assert_eq!(told.subject.as_str(), "We have received your message [#1]");
    for text in [told.text.as_str(), told.subject.as_str(), told.from_name.as_str()] {
        assert!(!text.contains("GOLD") && !text.contains("evil"), "{text}");
    }
    assert_eq!(told.in_reply_to.as_ref().unwrap().as_str(), "m1@pass.example");
    let ticket = mail.outcome.ticket().unwrap();
    let raw = format!("{ANN}|m2@pass.example|{}|Re: We have received|More", told.message_id);
    let more = receive(&desk, &to, &raw).await;
    assert!(matches!(more.outcome, InboundOutcome::Appended { ticket: found, .. } if found == ticket));
    assert_eq!(desk.mailer.sent().len(), 1, "a follow-up is not acknowledged");
}

#[tokio::test]
async fn nobody_else_is_acknowledged() {
    let (desk, to) = acknowledging().await;
    let own = to.rsplit_once('@').unwrap().1.to_owned();
    for (number, (from, text)) in [
        ("ann@aligned.example", "a signature without a policy"),
        ("ann@other.example", "nothing proved"),
        ("ann@fail.example", "a failed policy"),
        (ANN, "class:auto_reply:away"),
        (ANN, "class:list"),
        (ANN, "class:disposition"),
        (&format!("boss@{own}"), "the desk's own domain"),
    ]
    .into_iter()
    .enumerate()
    {
        receive(&desk, &to, &format!("{from}|n{number}@x||Hello|{text}")).await;
        assert_eq!(desk.mailer.sent().len(), 0, "{text}");
    }
    desk.crm.mailbox().suppress(&desk.admin, &email(ANN)).await.unwrap();
    receive(&desk, &to, &format!("{ANN}|s1@x||Hello|suppressed")).await;
    assert_eq!(desk.mailer.sent().len(), 0);
}

#[tokio::test]
async fn one_sender_gets_one_in_ten_minutes_and_five_a_day() {
    let (desk, to) = acknowledging().await;
    for minute in 0..100 {
        receive(&desk, &to, &format!("{ANN}|q{minute}@x||Hello {minute}|Hello")).await;
        desk.clock.advance(Duration::from_mins(1));
        let sent = desk.mailer.sent().len();
        assert!(sent <= minute / 10 + 1 && sent <= 5, "{sent} after {minute} minutes");
    }
    assert_eq!(desk.mailer.sent().len(), 5);
}

#[tokio::test]
async fn a_tenant_sends_sixty_a_minute() {
    let (desk, to) = acknowledging().await;
    for number in 0..70 {
        let raw = Bytes::from(format!("c{number}@pass.example|t{number}@x||Hello|Hello"));
        desk.crm.mailbox().receive(&Envelope::to(to.clone()), &raw).await.unwrap();
    }
    while desk.worker().drain().await.unwrap().done > 0 {}
    let first = desk.mailer.sent().len();
    assert!((55..=70).contains(&first), "{first}: a race may let a few more through");
    let raw = "late@pass.example|late@x||Hello|Hello";
    receive(&desk, &to, raw).await;
    assert_eq!(desk.mailer.sent().len(), first);
    desk.clock.advance(Duration::from_mins(2));
    receive(&desk, &to, "later@pass.example|later@x||Hello|Hello").await;
    assert_eq!(desk.mailer.sent().len(), first + 1);
}

/// Two desks that write to each other, each the other's customer. The mails between them keep or lose their marks.
async fn converse(keeps_marks: bool) -> usize {
    let (one, two) = (acknowledging().await.0, acknowledging().await.0);
    let (own, other) = (email("desk@pass.example"), email("help@pass.example"));
    let (to_one, to_two) = (one.support_address().await, two.support_address().await);
    receive(&one, &to_one, &format!("{other}|start@x||Hello|Hello")).await;
    let mut taken = (0, 0);
    let mut exchanged = 0;
    for round in 0..200 {
        for (from, to, address, author, seen) in
            [(&one, &two, &to_two, &own, &mut taken.0), (&two, &one, &to_one, &other, &mut taken.1)]
        {
            for mail in from.mailer.sent().into_iter().skip(*seen) {
                *seen += 1;
                exchanged += 1;
                let mark = if keeps_marks && mail.automatic { "class:auto_reply" } else { "Thank you" };
                // What links the mails is lost too, so that each looks like a new request.
                let raw = format!("{author}|{round}.{exchanged}@x||{}|{mark} {exchanged}", "Hello");
                receive(to, address, &raw).await;
            }
        }
        one.clock.advance(Duration::from_secs(30));
        two.clock.advance(Duration::from_secs(30));
    }
    exchanged
}

#[tokio::test]
async fn two_autocrms_converge() {
    assert!(converse(true).await <= 2, "marked answers are never answered");
    // Where a gateway strips every mark, the limits end it: five a day and side.
    assert!(converse(false).await <= 10);
}

#[tokio::test]
async fn a_flood_of_one_sender_is_held() {
    let desk = Desk::open().await;
    let (to, ticket, sent) = answered(&desk).await;
    let mut held = 0;
    for number in 0..40 {
        let raw = format!("{ANN}|f{number}@x|{}|Re: Refund|Again {number}", sent.message_id);
        let mail = receive(&desk, &to, &raw).await;
        held += usize::from(matches!(mail.outcome, InboundOutcome::Held { .. }));
        desk.clock.advance(Duration::from_secs(5));
    }
    assert!((19..=20).contains(&held), "{held} of the last 20");
    let row = desk.crm.tickets().get(&desk.agent, ticket).await.unwrap();
    assert!(row.tags.contains("mail-flood"));
    desk.clock.advance(Duration::from_mins(15));
    let raw = format!("{ANN}|f99@x|{}|Re: Refund|A calm word", sent.message_id);
    assert!(matches!(receive(&desk, &to, &raw).await.outcome, InboundOutcome::Appended { .. }));
}
