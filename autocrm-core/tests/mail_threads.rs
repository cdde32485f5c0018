//! Who may write on which ticket by mail, and what becomes of what machines write.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use autocrm_core::{
    access::Scope,
    conversation::{Author, Message, MessageKind, Reply},
    id::TicketId,
    mail::{Envelope, InboundMail, InboundOutcome, MailClass, MailFinding, OutboundMail, SenderTrust},
    page::PageRequest,
    text::EmailAddress,
    ticket::{Priority, StatusCategory, Ticket},
};
use bytes::Bytes;

use support::{Desk, body};

const ANN: &str = "ann@pass.example";

async fn receive(desk: &Desk, to: &EmailAddress, raw: &str) -> InboundMail {
    desk.receive(&Envelope::to(to.clone()), raw).await
}

async fn ticket(desk: &Desk, id: TicketId) -> Ticket {
    desk.crm.store().ticket(&Scope::tenant_wide(desk.admin.tenant), id).await.unwrap().unwrap()
}

async fn messages(desk: &Desk, id: TicketId) -> Vec<Message> {
    desk.crm.conversations().messages(&desk.agent, id, &PageRequest::default()).await.unwrap().items
}

/// Opens a ticket of Ann's and answers it; returns it with the mail that left.
async fn answered(desk: &Desk) -> (EmailAddress, TicketId, OutboundMail) {
    let to = desk.support_address().await;
    let mail = receive(desk, &to, &format!("{ANN}|m1@pass.example||Refund|Where is it?")).await;
    let InboundOutcome::Opened { ticket, .. } = mail.outcome else { panic!("{:?}", mail.outcome) };
    let reply = Reply { body: body("On its way."), internal: false };
    desk.crm.conversations().reply(&desk.agent, ticket, &reply, None).await.unwrap();
    desk.drain().await;
    let sent = desk.mailer.sent().pop().unwrap();
    (to, ticket, sent)
}

#[tokio::test]
async fn the_verdict_is_kept_and_decides_what_a_sender_may_do() {
    let desk = Desk::open().await;
    let to = desk.support_address().await;
    for (domain, trust, tagged) in [
        ("pass.example", SenderTrust::Authenticated, false),
        ("aligned.example", SenderTrust::Aligned, false),
        ("fail.example", SenderTrust::Failed, true),
        ("other.example", SenderTrust::Unverified, true),
    ] {
        let mail = receive(&desk, &to, &format!("ann@{domain}|1@{domain}||Refund|Where is it?")).await;
        assert_eq!(mail.trust, trust);
        let reading = mail.reading.unwrap();
        assert_eq!((reading.trust, reading.verdict.unwrap().domain.as_str()), (trust, domain));
        let opened = ticket(&desk, mail.outcome.ticket().unwrap()).await;
        assert_eq!(opened.tags.contains("unverified-sender"), tagged, "{domain}");
    }
}

#[tokio::test]
async fn a_verifier_that_cannot_tell_is_asked_again_and_then_given_up() {
    let desk = Desk::open().await;
    let to = desk.support_address().await;
    let raw = Bytes::from_static(b"ann@dark.example|1@dark.example||Refund|Where is it?");
    let received = desk.crm.mailbox().receive(&Envelope::to(to), &raw).await.unwrap();
    for attempt in 1..=5 {
        let report = desk.worker().drain().await.unwrap();
        assert_eq!(report.retried, u64::from(attempt < 5), "attempt {attempt}");
        desk.clock.advance(std::time::Duration::from_hours(2));
    }
    desk.drain().await;
    let mail = desk.crm.mailbox().inbound(&desk.admin, received.mail).await.unwrap();
    assert!(matches!(mail.outcome, InboundOutcome::Opened { .. }), "nothing is lost: {:?}", mail.outcome);
    assert_eq!(mail.trust, SenderTrust::Unverified);
}

#[tokio::test]
async fn a_subject_locates_for_participants_and_acts_for_the_authenticated_only() {
    let desk = Desk::open().await;
    let (to, id, _) = answered(&desk).await;
    let number = ticket(&desk, id).await.number;
    let aligned = desk.new_customer("bo@aligned.example").await;
    let change = autocrm_core::ticket::TicketChange {
        participants: Some(vec![aligned.user().unwrap()]),
        ..Default::default()
    };
    desk.crm.processor().update(&desk.agent, id, &change, None).await.unwrap();

    let mail = receive(&desk, &to, &format!("{ANN}|m2@x||Re: Refund [#{number}]|Thanks")).await;
    assert!(matches!(mail.outcome, InboundOutcome::Appended { ticket, .. } if ticket == id));
    // A signature without a policy is enough for a keyed token, not for a number that anybody can write.
    let mail = receive(&desk, &to, &format!("bo@aligned.example|m3@x||Re: Refund [#{number}]|Me too")).await;
    assert!(matches!(mail.outcome, InboundOutcome::Held { ticket, .. } if ticket == id));
    for stranger in ["eve@pass.example", "eve@fail.example"] {
        let raw = format!("{stranger}|{stranger}.1||Re: Refund [#{number}]|Let me in");
        let mail = receive(&desk, &to, &raw).await;
        assert!(matches!(mail.outcome, InboundOutcome::Opened { ticket, .. } if ticket != id), "{stranger}");
    }
}

#[tokio::test]
async fn a_keyed_token_acts_for_a_participant_whose_domain_has_signed() {
    let desk = Desk::open().await;
    let to = desk.support_address().await;
    let mail = receive(&desk, &to, "bo@aligned.example|b1@x||Refund|Where is it?").await;
    let id = mail.outcome.ticket().unwrap();
    let reply = Reply { body: body("On its way."), internal: false };
    desk.crm.conversations().reply(&desk.agent, id, &reply, None).await.unwrap();
    desk.drain().await;
    let sent = desk.mailer.sent().pop().unwrap();
    let raw = format!("bo@aligned.example|b2@x|{}|Re: Refund|Thanks", sent.message_id);
    let mail = receive(&desk, &to, &raw).await;
    assert!(matches!(mail.outcome, InboundOutcome::Appended { ticket, .. } if ticket == id));
}

#[tokio::test]
async fn staff_answers_by_mail_only_authenticated_verified_and_with_a_token() {
    let desk = Desk::open().await;
    let (to, id, sent) = answered(&desk).await;
    let token = sent.message_id.to_string();
    let sam = desk.new_agent("sam@pass.example").await;
    desk.new_agent("sue@aligned.example").await;
    desk.new_agent("out@pass.example").await;
    let mut spec = desk.team_spec();
    let member = spec.members[0].clone();
    spec.members.push(autocrm_core::team::Member { user: sam, ..member });
    desk.crm.admin().update_team(&desk.admin, desk.team.id, &spec).await.unwrap();
    let number = ticket(&desk, id).await.number;

    let raw = format!("sam@pass.example|s1@x|{token}|Re: Refund|It was sent today.");
    let mail = receive(&desk, &to, &raw).await;
    assert!(matches!(mail.outcome, InboundOutcome::Appended { .. }), "{:?}", mail.outcome);
    let last = messages(&desk, id).await.pop().unwrap();
    assert!(matches!(last.author, Author::Agent { .. }) && last.kind == MessageKind::Public);
    let left = desk.mailer.sent().pop().unwrap();
    assert_eq!((left.to.as_str(), &*left.text), (ANN, "It was sent today."));
    assert!(!left.automatic);

    let before = desk.mailer.sent().len();
    for (raw, what) in [
        (format!("sue@aligned.example|s2@x|{token}|Re: Refund|x"), "a signature without a policy"),
        (format!("agent@example.org|s3@x|{token}|Re: Refund|x"), "no proof at all"),
        (format!("out@pass.example|s6@x|{token}|Re: Refund|x"), "an agent of another team"),
    ] {
        let mail = receive(&desk, &to, &raw).await;
        assert!(matches!(mail.outcome, InboundOutcome::Held { .. }), "{what}: {:?}", mail.outcome);
    }
    let guessed = receive(&desk, &to, &format!("sam@pass.example|s4@x||Re: Refund [#{number}]|x")).await;
    assert!(matches!(guessed.outcome, InboundOutcome::Opened { ticket, .. } if ticket != id), "no token");
    let inbound = receive(&desk, &to, "sam@pass.example|s5@x|m1@pass.example|Re: Refund|x").await;
    assert!(matches!(inbound.outcome, InboundOutcome::Held { .. }), "an id that others know is no token");
    assert_eq!(desk.mailer.sent().len(), before, "nothing left");
}

#[tokio::test]
async fn an_equal_message_id_is_kept_and_flagged_and_steals_no_thread() {
    let desk = Desk::open().await;
    let to = desk.support_address().await;
    let first = receive(&desk, &to, &format!("{ANN}|same@x||Refund|Where is it?")).await;
    let second = receive(&desk, &to, "eve@pass.example|same@x||Refund|Where is mine?").await;
    let (own, other) = (first.outcome.ticket().unwrap(), second.outcome.ticket().unwrap());
    assert_ne!(own, other);
    assert_eq!(second.reading.unwrap().findings, [MailFinding::RepeatedMessageId]);
    let note = messages(&desk, other).await.pop().unwrap();
    assert!(note.kind == MessageKind::System && note.body.contains("mail_repeated_message_id"), "{note:?}");
    for (from, expected) in [(ANN, own), ("eve@pass.example", other)] {
        let mail = receive(&desk, &to, &format!("{from}|{from}.2|same@x|Re: Refund|And?")).await;
        assert!(
            matches!(mail.outcome, InboundOutcome::Appended { ticket, .. } if ticket == expected),
            "{from}: {:?}",
            mail.outcome
        );
    }
}

#[tokio::test]
async fn what_a_machine_writes_is_kept_for_staff_and_answered_by_nothing() {
    let desk = Desk::open().await;
    desk.article(
        "refunds",
        "Refunds",
        "A refund takes five days.",
        autocrm_core::access::ArticleVisibility::Public,
    )
    .await;
    let (to, id, sent) = answered(&desk).await;
    let before = (desk.mailer.sent().len(), ticket(&desk, id).await.status.category);
    assert_eq!(before.1, StatusCategory::WaitingCustomer);
    let token = sent.message_id.to_string();

    let away =
        receive(&desk, &to, &format!("{ANN}|a1@x|{token}|Automatic reply|class:auto_reply:away")).await;
    assert!(matches!(away.outcome, InboundOutcome::Reported { ticket, .. } if ticket == id));
    assert_eq!(away.reading.unwrap().class, MailClass::AutoReply);
    let read = receive(&desk, &to, &format!("{ANN}|a2@x|{token}|Read|class:disposition")).await;
    assert!(matches!(read.outcome, InboundOutcome::Reported { ticket, .. } if ticket == id));
    assert_eq!(
        ticket(&desk, id).await.status.category,
        StatusCategory::WaitingCustomer,
        "the ticket does not move"
    );
    assert!(messages(&desk, id).await.iter().filter(|message| message.held).count() == 2);

    for (raw, report) in [
        ("ann@pass.example|a3@x||How long does a refund take?|class:auto_reply", false),
        ("mailer-daemon@pass.example|a4@x||Undelivered|bounce:unknown@x:ann@pass.example:5.1.1", true),
    ] {
        let mail = receive(&desk, &to, raw).await;
        let InboundOutcome::Reported { ticket: own, .. } = mail.outcome else { panic!("{:?}", mail.outcome) };
        let row = ticket(&desk, own).await;
        assert!(row.tags.contains("automatic-mail") && row.priority == Priority::Low, "{:?}", row.tags);
        assert_eq!(row.tags.contains("mail-report"), report);
        assert!(row.team.is_none() && row.category.is_none(), "nothing processed it");
        assert!(messages(&desk, own).await.iter().all(|message| message.held), "no draft, no answer");
    }
    assert_eq!(desk.mailer.sent().len(), before.0, "nothing left");
}

#[tokio::test]
async fn a_mail_of_the_desks_own_that_comes_back_is_not_believed() {
    let desk = Desk::open().await;
    let (to, id, sent) = answered(&desk).await;
    let looped = receive(&desk, &to, &format!("{ANN}|{}||Re: Refund|On its way.", sent.message_id)).await;
    assert!(matches!(looped.outcome, InboundOutcome::Reported { ticket, .. } if ticket == id));
    let own = receive(&desk, &to, &format!("{to}|x1@x||Hello|Hello from me")).await;
    assert!(matches!(own.outcome, InboundOutcome::Reported { .. }), "{:?}", own.outcome);
    assert_eq!(own.trust, SenderTrust::Unverified);
    let vouched = Envelope::to(to.clone()).vouched();
    let raw = Bytes::from(format!("{to}|x2@x||Hello|Hello again"));
    let received = desk.crm.mailbox().receive(&vouched, &raw).await.unwrap();
    desk.drain().await;
    let mail = desk.crm.mailbox().inbound(&desk.admin, received.mail).await.unwrap();
    assert_eq!(mail.trust, SenderTrust::Unverified, "whoever vouches for it");
}
