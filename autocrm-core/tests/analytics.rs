//! How far mails got, counted.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::time::Duration;

use autocrm_core::{
    access::Scope,
    app::{Error, TicketData},
    conversation::Reply,
    id::OutboundId,
    mail::{BounceClass, DeliveryNews, MailRefDirection, MailStats, NewsKind},
    metrics::TimeFrame,
    tenant::TenantPolicy,
    text::ExternalId,
    ticket::{Channel, NewTicket},
};

use support::{Desk, body, subject};

/// Answers a new mail ticket and returns the answer's mail.
async fn sent(desk: &Desk) -> OutboundId {
    let data = TicketData {
        requester: Some(desk.customer.user().unwrap()),
        channel: Channel::Email,
        ticket: NewTicket::about(subject("Refund")),
        body: body("Where is it?"),
    };
    let ticket = desk.crm.processor().create(&desk.agent, &data).await.unwrap().id;
    let reply = Reply { body: body("On its way."), internal: false };
    desk.crm.conversations().reply(&desk.agent, ticket, &reply, None).await.unwrap();
    desk.drain().await;
    let scope = Scope::tenant_wide(desk.admin.tenant);
    let refs = desk.crm.store().ticket_mail_refs(&scope, ticket, 50).await.unwrap();
    let MailRefDirection::Outbound { outbound } = refs[0].direction else { panic!("the desk wrote it") };
    outbound
}

fn news(desk: &Desk, id: &str, mail: OutboundId, kind: NewsKind) -> DeliveryNews {
    let (tenant, at) = (desk.admin.tenant, desk.clock.advance(Duration::ZERO));
    DeliveryNews { id: ExternalId::new(id).unwrap(), tenant, mail, kind, at }
}

async fn stats(desk: &Desk, frame: TimeFrame) -> MailStats {
    desk.crm.mailbox().get_stats(&desk.agent, frame).await.unwrap()
}

#[tokio::test]
async fn mails_are_counted_by_their_time_and_by_how_far_they_got() {
    let desk = Desk::open_with(TenantPolicy { track_engagement: true, ..TenantPolicy::default() }).await;
    let begun = desk.clock.advance(Duration::ZERO);
    let (first, second) = (sent(&desk).await, sent(&desk).await);
    let later = desk.clock.advance(Duration::from_hours(1));
    sent(&desk).await;
    let mailbox = desk.crm.mailbox();
    assert!(mailbox.track_delivery(&news(&desk, "n1", first, NewsKind::Delivered)).await.unwrap());
    let bounced = NewsKind::Bounced { class: BounceClass::Hard };
    assert!(mailbox.track_delivery(&news(&desk, "n2", second, bounced)).await.unwrap());
    assert!(!mailbox.track_delivery(&news(&desk, "n2", second, bounced)).await.unwrap(), "told before");
    assert!(
        !mailbox.track_delivery(&news(&desk, "n3", second, NewsKind::Delayed)).await.unwrap(),
        "overtaken"
    );
    for (id, machine) in [("n4", false), ("n5", false), ("n6", true)] {
        assert!(mailbox.track_open(news(&desk, id, first, NewsKind::Delivered), machine).await.unwrap());
    }
    assert!(mailbox.track_click(news(&desk, "n7", second, NewsKind::Delivered), true).await.unwrap());
    let expected = MailStats {
        mails: 2,
        sent: 2,
        delivered: 1,
        bounced_hard: 1,
        opened: 1,
        clicked_by_machines: 1,
        ..MailStats::default()
    };
    assert_eq!(stats(&desk, TimeFrame { from: begun, until: later }).await, expected);
    assert_eq!(
        stats(&desk, TimeFrame { from: later, until: later.plus(Duration::from_secs(1)) }).await.mails,
        1
    );
    assert_eq!(stats(&desk, TimeFrame::ALL).await.mails, 3);
    let denied = mailbox.get_stats(&desk.customer, TimeFrame::ALL).await;
    assert!(matches!(denied, Err(Error::Denied | Error::NotFound { .. })));
}

#[tokio::test]
async fn nobody_s_reading_is_counted_unless_the_tenant_asks() {
    let desk = Desk::open().await;
    let mail = sent(&desk).await;
    let mailbox = desk.crm.mailbox();
    assert!(!mailbox.track_open(news(&desk, "n1", mail, NewsKind::Delivered), false).await.unwrap());
    assert!(!mailbox.track_click(news(&desk, "n2", mail, NewsKind::Delivered), false).await.unwrap());
    let counted = stats(&desk, TimeFrame::ALL).await;
    assert_eq!((counted.mails, counted.opened, counted.clicked), (1, 0, 0));
    // A mail of nobody's changes nothing.
    let stranger = OutboundId::from(desk.admin.tenant.as_uuid());
    assert!(!mailbox.track_delivery(&news(&desk, "n3", stranger, NewsKind::Delivered)).await.unwrap());
}
