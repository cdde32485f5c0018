//! One of each row of the mail path, with every field set, and each variant of what a row holds.

use autocrm_core::{
    mail::{
        BlobHash, BounceClass, Check, ClientHost, Correspondent, DeliveryState, Engagement, InboundMail,
        InboundOutcome, MailClass, MailFinding, MailReading, MailRef, MailRefDirection, MessageIdHeader,
        OutboundMail, OutboundState, SenderTrust, SenderVerdict, SoftBounce, Suppression, SuppressionReason,
        UnsubscribeLink, VerdictSource,
    },
    tenant::TriggerEvent,
    transition::Version,
};

use super::{Shelf, at, id, text};

fn classes(shelf: &mut Shelf) {
    for class in [
        MailClass::Human,
        MailClass::List,
        MailClass::Calendar,
        MailClass::AutoReply,
        MailClass::Delivery,
        MailClass::Complaint,
        MailClass::Disposition,
    ] {
        shelf.keep(&format!("mail_class.{}", class.code()), &class);
    }
}

fn correspondents(shelf: &mut Shelf) {
    for reason in [SuppressionReason::HardBounce, SuppressionReason::Complaint, SuppressionReason::Manual] {
        shelf.strict(
            &format!("correspondent.{}", reason.code()),
            &Correspondent {
                id: id(19),
                tenant: id(11),
                version: Version::new(3),
                address: text("ann@example.org"),
                suppression: Some(Suppression { reason, mail: Some(id(5)), at: at(2) }),
                soft_bounces: vec![SoftBounce { mail: id(5), at: at(1) }],
                acknowledged: vec![at(1), at(2)],
                created_at: at(0),
                updated_at: at(2),
            },
        );
    }
}

pub(super) fn mails(shelf: &mut Shelf) {
    let (ticket, message) = (id(1), id(2));
    let verdict = SenderVerdict {
        domain: "example.org".to_owned(),
        dmarc: Check::Pass,
        dkim: Check::Fail,
        spf: Check::Unknown,
        source: VerdictSource::Provider,
    };
    let reading = MailReading {
        class: MailClass::AutoReply,
        trust: SenderTrust::Authenticated,
        verdict: Some(verdict),
        reply_to: Some(text("other@example.org")),
        findings: vec![MailFinding::RepeatedMessageId],
    };
    classes(shelf);
    for (name, outcome, trust) in [
        ("received", InboundOutcome::Received, SenderTrust::Unverified),
        ("opened", InboundOutcome::Opened { ticket, message }, SenderTrust::Vouched),
        ("appended", InboundOutcome::Appended { ticket, message }, SenderTrust::Vouched),
        ("held", InboundOutcome::Held { ticket, message }, SenderTrust::Failed),
        ("reported", InboundOutcome::Reported { ticket, message }, SenderTrust::Aligned),
        (
            "failed",
            InboundOutcome::Failed { ticket, message, code: "mail_unreadable".to_owned() },
            SenderTrust::Unverified,
        ),
    ] {
        shelf.strict(
            &format!("inbound.{name}"),
            &InboundMail {
                id: id(4),
                tenant: id(11),
                version: Version::new(2),
                recipient: text("help@example.org"),
                sender: Some(text("ann@example.org")),
                provider_id: Some(text("p-4")),
                client: (name == "reported")
                    .then(|| ClientHost { ip: [192, 0, 2, 1].into(), helo: "mx.example.org".to_owned() }),
                trust,
                raw: BlobHash::of(b"raw"),
                size: 3,
                reading: (name == "reported").then(|| reading.clone()),
                outcome,
                received_at: at(0),
            },
        );
    }
    outbounds(shelf);
    correspondents(shelf);
    let header = |name: &str| MessageIdHeader::new(name).unwrap();
    for (name, direction) in
        [("inbound", MailRefDirection::Inbound), ("outbound", MailRefDirection::Outbound { outbound: id(5) })]
    {
        shelf.strict(
            &format!("mail_ref.{name}"),
            &MailRef {
                tenant: id(11),
                message_id: header("5@example.org"),
                ticket,
                message,
                direction,
                user: id(6),
            },
        );
    }
}

fn outbounds(shelf: &mut Shelf) {
    let (ticket, message) = (id(1), id(2));
    let header = |name: &str| MessageIdHeader::new(name).unwrap();
    for (name, state) in [
        ("pending", OutboundState::Pending),
        ("leaving", OutboundState::Leaving),
        ("cancelled", OutboundState::Cancelled { at: at(2) }),
        ("sent", OutboundState::Sent { provider_id: "s-5".to_owned(), at: at(2) }),
        ("needs_review", OutboundState::NeedsReview { code: "invalid".to_owned() }),
    ] {
        shelf.strict(
            &format!("outbound.{name}"),
            &OutboundMail {
                id: id(5),
                tenant: id(11),
                version: Version::new(1),
                ticket,
                message,
                message_id: header("<5@example.org>"),
                from: text("help@example.org"),
                from_name: text("Acme"),
                to: text("ann@example.org"),
                cc: vec![text("bob@example.org")],
                bcc: vec![text("log@example.org")],
                reply_to: Some(text("help+42.token@example.org")),
                subject: text("Re: printer"),
                text: text("Dear Ann,\n"),
                html: Some(text("<p>Dear Ann,</p>")),
                in_reply_to: Some(header("4@example.org")),
                references: vec![header("3@example.org"), header("4@example.org")],
                automatic: true,
                trigger: Some(TriggerEvent::Resolved),
                unsubscribe: Some(UnsubscribeLink::new("https://example.org/u/5").unwrap()),
                state,
                delivery: DeliveryState::Bounced { class: BounceClass::Hard },
                engagement: Engagement { opens: 1, machine_opens: 2, clicks: 3, machine_clicks: 4 },
                created_at: at(0),
                due_at: at(1),
            },
        );
    }
}
