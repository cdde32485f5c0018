//! Mails that somebody sends to write on another's ticket, to read it, to have the desk speak for them, or to silence
//! somebody: each named, all made here. After every one of them the victim's ticket is what it was.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "attacks/corpus.rs"]
mod corpus;
#[path = "attacks/desk.rs"]
mod desk;
#[path = "support/signing.rs"]
mod signing;

use std::collections::BTreeMap;

use autocrm_core::{
    conversation::Message,
    id::MessageId,
    mail::{InboundOutcome, SenderTrust},
    ticket::Ticket,
};

use corpus::{Attack, attacks};
use desk::{Desk, SECRET, VICTIM};

/// What stands in every attack, and may stand in nothing that the desk sends.
pub(crate) const MARK: &str = "ATTACK";

/// What of a ticket an outsider must not change.
fn protected(ticket: &Ticket) -> impl PartialEq + std::fmt::Debug + use<> {
    let status = ticket.status.clone();
    (status, ticket.requester, ticket.participants.clone(), ticket.assignee, ticket.team, ticket.priority)
}

fn public(messages: &[Message]) -> Vec<MessageId> {
    messages.iter().filter(|message| !message.held).map(|message| message.id).collect()
}

async fn assert_harmless(attack: &Attack, desk: &Desk) {
    let (row, seen) = (desk.ticket().await, desk.as_victim().await);
    let before = desk.mailer.sent().len();
    let mail = desk.receive(attack).await;
    let name = attack.name;
    assert!(mail.outcome != InboundOutcome::Received, "{name}: it is filed");
    assert!(
        !matches!(mail.outcome, InboundOutcome::Appended { ticket, .. } if ticket == row.id),
        "{name}: it was written on the victim's ticket"
    );
    let after = desk.ticket().await;
    assert_eq!(protected(&row), protected(&after), "{name}: the ticket moved");
    assert_eq!(public(&seen), public(&desk.as_victim().await), "{name}: the victim reads something new");
    for message in desk.as_victim().await {
        assert!(!message.body.contains(SECRET) && !message.body.contains(MARK), "{name}: {message:?}");
    }
    for sent in desk.mailer.sent().iter().skip(before) {
        for text in [sent.text.as_str(), sent.subject.as_str(), sent.from_name.as_str()] {
            assert!(!text.contains(MARK) && !text.contains(SECRET), "{name}: the desk said {text:?}");
        }
        assert_ne!(sent.to.as_str(), VICTIM, "{name}: the victim is written to");
    }
    assert!(!desk.attacker_sees_ticket().await, "{name}: the attacker reads the ticket");
    for address in [VICTIM, "agent@desk.example", "support@desk.example"] {
        assert!(!desk.is_suppressed(address).await, "{name}: {address} is silenced");
    }
    if attack.is_unproved {
        assert!(!mail.trust.is_verified(), "{name}: {:?}", mail.trust);
    }
}

#[tokio::test]
async fn no_attack_writes_reads_speaks_or_silences() {
    let desk = Desk::open().await;
    let attacks = attacks(&desk);
    assert!(attacks.len() >= 80, "{} attacks", attacks.len());
    let mut names = BTreeMap::<&str, usize>::new();
    for attack in &attacks {
        assert_harmless(attack, &desk).await;
        *names.entry(attack.name).or_default() += 1;
    }
    assert!(names.len() >= 40, "{} kinds", names.len());
    let mut told = BTreeMap::<String, usize>::new();
    for sent in desk.mailer.sent().iter().skip(1) {
        assert!(sent.automatic, "only acknowledgements leave");
        *told.entry(sent.to.to_string()).or_default() += 1;
    }
    assert!(told.values().all(|count| *count == 1), "one acknowledgement in ten minutes: {told:?}");
}

#[tokio::test]
async fn spoofed_cc_gains_nothing() {
    let desk = Desk::open().await;
    let raw = format!(
        "From: {VICTIM}\r\nCc: eve@evil.example\r\nSubject: Re: Refund [#1]\r\nIn-Reply-To: <{}>\r\n\r\n{MARK}\r\n",
        desk.sent.message_id
    );
    let attack = Attack::forged("cc", raw.clone());
    assert_harmless(&attack, &desk).await;
    let row = desk.ticket().await;
    assert!(row.participants.is_empty());
    // Even the victim's own genuine mail brings nobody in.
    let genuine = desk.victim.sign(&raw.replace(MARK, "My colleague may read this"));
    let mail = desk.receive(&Attack::forged("genuine", genuine)).await;
    assert_eq!(mail.trust, SenderTrust::Authenticated);
    assert!(matches!(mail.outcome, InboundOutcome::Appended { ticket, .. } if ticket == row.id));
    assert!(desk.ticket().await.participants.is_empty() && !desk.attacker_sees_ticket().await);
    assert_eq!(desk.mailer.sent().len(), 1, "nobody is told");
}
