//! Mail rows: once per raw mail, found by Message-ID, shown to the tenant's eyes only.

use bytes::Bytes;

use crate::{
    access::Scope,
    conformance::{
        Backend,
        rig::{assert_conflict, assert_refused},
        world::World,
    },
    error::{ErrorKind, Result},
    id::{MessageId, TicketId},
    mail::{
        self, AttemptOutcome, BlobHash, Envelope, InboundMail, InboundOutcome, MailReading, MailRef,
        MailRefDirection, MessageIdHeader, OutboundMail, OutboundSpec, RawBlob,
    },
    text::{Body, EmailAddress, ExternalId, Name, Subject},
    user::Role,
};

fn address(text: &str) -> EmailAddress {
    EmailAddress::new(text).unwrap()
}

fn header(text: &str) -> MessageIdHeader {
    MessageIdHeader::new(text).unwrap()
}

/// Takes in a mail with its raw bytes in the same commit.
async fn receive(world: &World, to: &str, raw: &str, provider: Option<&str>) -> Result<InboundMail> {
    take_in(world, to, raw, provider, true).await
}

/// Takes in a mail, with its raw bytes as a row or without, as one whose bytes lie in the blob store.
async fn take_in(
    world: &World,
    to: &str,
    raw: &str,
    provider: Option<&str>,
    as_row: bool,
) -> Result<InboundMail> {
    let bytes = Bytes::copy_from_slice(raw.as_bytes());
    let hash = BlobHash::of(&bytes);
    let provider_id = provider.map(|id| ExternalId::new(id).unwrap());
    let envelope = Envelope { provider_id, ..Envelope::to(address(to)) };
    let received = mail::receive(world.tenant, envelope, hash, bytes.len(), &world.stamp()).unwrap();
    let row = InboundMail { version: received.state.version.next(), ..received.state.clone() };
    let set = world.plan(|set, stamp| {
        if as_row {
            set.raw(RawBlob { tenant: world.tenant, hash, bytes });
        }
        set.mail(received, stamp);
    });
    world.store.commit(&set).await.map(|_| row)
}

async fn settle(world: &World, mail: InboundMail, ticket: TicketId, message: MessageId) -> InboundMail {
    let settled =
        mail::settle(mail, MailReading::default(), InboundOutcome::Opened { ticket, message }).unwrap();
    let row = InboundMail { version: settled.state.version.next(), ..settled.state.clone() };
    world
        .apply(|set, stamp| {
            set.mail(settled, stamp);
        })
        .await;
    row
}

async fn compose(world: &World, ticket: TicketId, message: MessageId, id: &str) -> OutboundMail {
    let spec = OutboundSpec {
        id: world.stamp().id(),
        tenant: world.tenant,
        ticket,
        message,
        message_id: header(id),
        from: address("help@acme.example"),
        from_name: Name::new("Acme").unwrap(),
        to: address("cleo@example.org"),
        cc: Vec::new(),
        bcc: Vec::new(),
        reply_to: None,
        subject: Subject::new("Re: it").unwrap(),
        text: Body::new("").unwrap(),
        html: None,
        in_reply_to: None,
        references: Vec::new(),
        automatic: false,
        trigger: None,
        unsubscribe: None,
        undo: std::time::Duration::ZERO,
    };
    let composed = mail::compose(spec, &world.stamp());
    let row = OutboundMail { version: composed.state.version.next(), ..composed.state.clone() };
    world
        .apply(|set, stamp| {
            set.outbound(composed, stamp);
        })
        .await;
    row
}

fn reference(world: &World, id: &str, ticket: TicketId) -> MailRef {
    MailRef {
        tenant: world.tenant,
        message_id: header(id),
        ticket,
        message: world.stamp().id(),
        direction: MailRefDirection::Inbound,
        user: world.stamp().id(),
    }
}

async fn refer(world: &World, reference: &MailRef) {
    let stored = reference.clone();
    world
        .apply(|set, _| {
            set.mail_ref(stored);
        })
        .await;
}

/// C1: mails read back in every state: received, settled, pending, sent, refused.
pub async fn c1_mails_read_back_in_every_state(backend: Backend) {
    let world = World::open(&backend).await;
    let (ticket, message) = (world.stamp().id(), world.stamp().id());
    let received = receive(&world, "help@acme.example", "raw", None).await.unwrap();
    assert_eq!(world.store.inbound(&world.wide(), received.id).await.unwrap(), Some(received.clone()));
    let settled = settle(&world, received, ticket, message).await;
    let outcomes = [
        AttemptOutcome::Accepted { provider_id: "<x>\"'\u{202E}".to_owned() },
        AttemptOutcome::Refused { code: "mailbox_unknown".to_owned() },
    ];
    for outcome in outcomes {
        let pending = compose(&world, ticket, message, "m@acme.example").await;
        assert_eq!(world.store.outbound(&world.wide(), pending.id).await.unwrap(), Some(pending.clone()));
        let recorded = mail::record_attempt(pending, outcome, &world.stamp());
        let row = OutboundMail { version: recorded.state.version.next(), ..recorded.state.clone() };
        world
            .apply(|set, stamp| {
                set.outbound(recorded, stamp);
            })
            .await;
        for store in [backend.store(), backend.other()] {
            assert_eq!(store.outbound(&world.wide(), row.id).await.unwrap(), Some(row.clone()));
            assert_eq!(store.inbound(&world.wide(), settled.id).await.unwrap(), Some(settled.clone()));
        }
    }
}

/// C2: recipient and raw bytes together are unique within the tenant, and so is the provider's id.
pub async fn c2_a_mail_is_taken_in_once(backend: Backend) {
    let world = World::open(&backend).await;
    let other = world.sibling().await;
    let first = receive(&world, "help@acme.example", "raw", Some("p1")).await.unwrap();
    let refused = [
        ("help@acme.example", "raw", None, "the same mail"),
        ("sales@acme.example", "another", Some("p1"), "the same provider's id"),
    ];
    for (to, raw, provider, what) in refused {
        assert_conflict(receive(&world, to, raw, provider).await, what);
    }
    assert_eq!(
        world.store.raw(&world.wide(), BlobHash::of(b"another")).await.unwrap(),
        None,
        "a refused mail leaves no bytes"
    );
    let second = receive(&world, "sales@acme.example", "raw", Some("p2")).await.unwrap();
    let third = receive(&world, "help@acme.example", "third", None).await.unwrap();
    receive(&world, "help@acme.example", "fourth", None).await.unwrap();
    receive(&other, "help@acme.example", "raw", Some("p1")).await.unwrap();
    let scope = world.wide();
    for mail in [&first, &second, &third] {
        let found = world.store.inbound_by_raw(&scope, &mail.recipient, mail.raw).await.unwrap();
        assert_eq!(found.as_ref(), Some(mail));
    }
    for (provider, mail) in [("p1", Some(&first)), ("p2", Some(&second)), ("P1", None), ("p3", None)] {
        let id = ExternalId::new(provider).unwrap();
        assert_eq!(world.store.inbound_by_provider(&scope, &id).await.unwrap().as_ref(), mail);
    }
    let unknown = world.store.inbound_by_raw(&scope, &address("x@acme.example"), first.raw).await.unwrap();
    assert_eq!(unknown, None);
}

/// C1: raw bytes read back byte for byte, up to the largest row; the same bytes again are nothing to do.
pub async fn c1_raw_bytes_read_back(backend: Backend) {
    let world = World::open(&backend).await;
    let largest: Vec<u8> =
        (0..mail::INLINE_BLOB).map(|index| index.to_le_bytes()[0].wrapping_mul(31)).collect();
    for bytes in [vec![0], vec![0xFF, 0, 0x80, b'\r', b'\n'], largest] {
        let hash = BlobHash::of(&bytes);
        assert_eq!(world.store.raw(&world.wide(), hash).await.unwrap(), None);
        for _ in 0..2 {
            let blob = RawBlob { tenant: world.tenant, hash, bytes: Bytes::from(bytes.clone()) };
            world
                .apply(|set, _| {
                    set.raw(blob);
                })
                .await;
        }
        for store in [backend.store(), backend.other()] {
            let found = store.raw(&world.wide(), hash).await.unwrap();
            assert_eq!(found.as_deref(), Some(&bytes[..]));
        }
    }
}

/// R2: what is known of Message-IDs: several messages may share one, the same again is nothing to do, and a ticket's
/// latest come oldest first.
pub async fn r2_message_ids_lead_to_their_messages(backend: Backend) {
    let world = World::open(&backend).await;
    let (one, two): (TicketId, TicketId) = (world.stamp().id(), world.stamp().id());
    let mut of_one = Vec::new();
    for index in 0..6 {
        let known = reference(&world, &format!("m{index}@example.org"), one);
        refer(&world, &known).await;
        refer(&world, &known).await;
        of_one.push(known);
    }
    let shared = reference(&world, "m0@example.org", two);
    refer(&world, &shared).await;
    let scope = world.wide();
    let asked =
        [header("m0@example.org"), header("m3@example.org"), header("M3@example.org"), header("x@y.z")];
    let mut found = world.store.mail_refs(&scope, &asked).await.unwrap();
    found.sort_by_key(|known| known.message);
    let mut expected = vec![of_one[0].clone(), shared.clone(), of_one[3].clone()];
    expected.sort_by_key(|known| known.message);
    assert_eq!(found, expected);
    assert_eq!(world.store.mail_refs(&scope, &[]).await.unwrap(), vec![]);
    for limit in [1, 2, 6, 50] {
        let latest = world.store.ticket_mail_refs(&scope, one, limit).await.unwrap();
        let from = 6_usize.saturating_sub(usize::from(limit));
        assert_eq!(latest, of_one[from..], "the latest {limit}");
    }
    assert_eq!(world.store.ticket_mail_refs(&scope, two, 50).await.unwrap(), vec![shared]);
}

/// R1: mail rows are shown to the tenant's eyes only: not to agents, customers or another tenant.
pub async fn r1_mail_is_shown_to_the_tenants_eyes(backend: Backend) {
    let world = World::open(&backend).await;
    let other = world.sibling().await;
    let customer = world.person(Role::Customer, "Cleo", None).await;
    let ticket = world.ticket(customer.id, "by mail").await;
    let mail = receive(&world, "help@acme.example", "raw", Some("p")).await.unwrap();
    let mail = settle(&world, mail, ticket.id, world.stamp().id()).await;
    let sent = compose(&world, ticket.id, world.stamp().id(), "out@acme.example").await;
    let known = reference(&world, "in@example.org", ticket.id);
    refer(&world, &known).await;
    let scopes = [
        (world.wide(), true),
        (world.agent(customer.id, &[]), false),
        (world.customer(customer.id), false),
        (other.wide(), false),
    ];
    for (scope, shown) in scopes {
        let store = &world.store;
        let provider = ExternalId::new("p").unwrap();
        let by_raw = store.inbound_by_raw(&scope, &mail.recipient, mail.raw).await.unwrap();
        let by_provider = store.inbound_by_provider(&scope, &provider).await.unwrap();
        for found in [store.inbound(&scope, mail.id).await.unwrap(), by_raw, by_provider] {
            assert_eq!(found.as_ref(), shown.then_some(&mail), "{scope:?}");
        }
        assert_eq!(store.outbound(&scope, sent.id).await.unwrap().as_ref(), shown.then_some(&sent));
        let all = store.outbounds(&scope, uuid::Uuid::nil().into(), 10).await.unwrap();
        assert_eq!(all.first(), shown.then_some(&sent), "{scope:?}");
        let refs = if shown { vec![known.clone()] } else { Vec::new() };
        let asked = [known.message_id.clone()];
        assert_eq!(store.mail_refs(&scope, &asked).await.unwrap(), refs, "{scope:?}");
        assert_eq!(store.ticket_mail_refs(&scope, ticket.id, 50).await.unwrap(), refs, "{scope:?}");
        assert_eq!(store.raw(&scope, mail.raw).await.unwrap().is_some(), shown, "{scope:?}");
    }
}

/// R1: with a ticket its mail rows, raw mails and Message-IDs are erased, and nobody else's.
pub async fn r1_mail_is_erased_with_its_ticket(backend: Backend) {
    let world = World::open(&backend).await;
    let customer = world.person(Role::Customer, "Cleo", None).await;
    let mut kept = Vec::new();
    for index in 0..2 {
        let ticket = world.ticket(customer.id, "by mail").await;
        let message: MessageId = world.stamp().id();
        let mail = receive(&world, "help@acme.example", &format!("raw {index}"), None).await.unwrap();
        let mail = settle(&world, mail, ticket.id, message).await;
        let sent = compose(&world, ticket.id, message, &format!("out{index}@acme.example")).await;
        let known = reference(&world, &format!("in{index}@example.org"), ticket.id);
        refer(&world, &known).await;
        kept.push((ticket, mail, sent, known));
    }
    world.delete(&kept[0].0).await;
    world.erase(kept[0].0.id).await;
    let scope: Scope = world.wide();
    for (index, (ticket, mail, sent, known)) in kept.iter().enumerate() {
        let there = index == 1;
        let store = &world.store;
        assert_eq!(store.inbound(&scope, mail.id).await.unwrap().is_some(), there);
        let by_raw = store.inbound_by_raw(&scope, &mail.recipient, mail.raw).await.unwrap();
        assert_eq!(by_raw.is_some(), there);
        assert_eq!(store.raw(&scope, mail.raw).await.unwrap().is_some(), there);
        assert_eq!(store.outbound(&scope, sent.id).await.unwrap().is_some(), there);
        let asked = [known.message_id.clone()];
        assert_eq!(store.mail_refs(&scope, &asked).await.unwrap().len(), usize::from(there));
        let of_ticket = store.ticket_mail_refs(&scope, ticket.id, 50).await.unwrap();
        assert_eq!(of_ticket.len(), usize::from(there));
    }
}

/// **R1**: what lies in the blob store for one ticket alone is told, so that its erasure can remove it there.
pub async fn r1_outlying_raw_mails_of_a_ticket_alone_are_told(backend: Backend) {
    let world = World::open(&backend).await;
    let customer = world.person(Role::Customer, "Ann", None).await;
    let (one, two) = (world.ticket(customer.id, "one").await, world.ticket(customer.id, "two").await);
    let mut outlying = Vec::new();
    for (to, raw, as_row, ticket) in [
        ("help@acme.example", "a row", true, &one),
        ("help@acme.example", "alone", false, &one),
        ("help@acme.example", "shared", false, &one),
        ("sales@acme.example", "shared", false, &two),
    ] {
        let mail = take_in(&world, to, raw, None, as_row).await.unwrap();
        outlying.push(mail.raw);
        settle(&world, mail, ticket.id, world.stamp().id()).await;
    }
    world.delete(&one).await;
    let told = world.store.outlying_raws(&world.wide(), one.id).await.unwrap();
    assert_eq!(told, [outlying[1]], "neither the row nor what another ticket needs");
    let customer = Scope::customer(world.tenant, customer.id);
    assert!(world.store.outlying_raws(&customer, one.id).await.unwrap().is_empty());
}

/// R1: an erasure is told which raw mails lie in the blob store for this ticket alone.
pub async fn r1_raw_mails_of_one_ticket_alone_are_named(backend: Backend) {
    let world = World::open(&backend).await;
    let other = world.sibling().await;
    let (one, two): (TicketId, TicketId) = (world.stamp().id(), world.stamp().id());
    let mut large = Vec::new();
    for (raw, to, ticket, size) in [
        ("own", "a@acme.example", one, mail::INLINE_BLOB + 1),
        ("shared", "a@acme.example", one, mail::INLINE_BLOB + 1),
        ("shared", "b@acme.example", two, mail::INLINE_BLOB + 1),
        ("twice", "a@acme.example", one, mail::MAX_RAW),
        ("twice", "b@acme.example", one, mail::MAX_RAW),
        ("a row", "a@acme.example", one, mail::INLINE_BLOB),
        ("theirs", "a@acme.example", two, mail::INLINE_BLOB + 1),
    ] {
        let hash = BlobHash::of(raw.as_bytes());
        let envelope = Envelope::to(address(to));
        let received = mail::receive(world.tenant, envelope, hash, size, &world.stamp()).unwrap();
        let row = InboundMail { version: received.state.version.next(), ..received.state.clone() };
        let bytes = Bytes::from_static(raw.as_bytes());
        world
            .apply(|set, stamp| {
                if size <= mail::INLINE_BLOB {
                    set.raw(RawBlob { tenant: world.tenant, hash, bytes });
                }
                set.mail(received, stamp);
            })
            .await;
        settle(&world, row, ticket, world.stamp().id()).await;
        if ["own", "twice"].contains(&raw) && !large.contains(&hash) {
            large.push(hash);
        }
    }
    large.sort_unstable();
    let user = world.stamp().id();
    for (scope, expected) in [
        (world.wide(), large),
        (world.agent(user, &[]), Vec::new()),
        (world.customer(user), Vec::new()),
        (other.wide(), Vec::new()),
    ] {
        let mut found = world.store.outlying_raws(&scope, one).await.unwrap();
        found.sort_unstable();
        found.dedup();
        assert_eq!(found, expected, "{scope:?}");
    }
}

/// R1, R2: the mails that leave come in the order of their making, within the tenant, page after page.
pub async fn r2_mails_that_leave_come_in_order(backend: Backend) {
    let world = World::open(&backend).await;
    let (ticket, message) = (world.stamp().id(), world.stamp().id());
    let mut written = Vec::new();
    for number in 0..7 {
        written.push(compose(&world, ticket, message, &format!("{number}@acme.example")).await);
    }
    written.sort_by_key(|mail| mail.id);
    let scope = Scope::tenant_wide(world.tenant);
    for limit in [1, 3, 7, 1_000] {
        let (mut found, mut after) = (Vec::new(), uuid::Uuid::nil().into());
        loop {
            let page = world.store.outbounds(&scope, after, limit).await.unwrap();
            assert!(page.len() <= usize::from(limit));
            let Some(last) = page.last() else { break };
            after = last.id;
            found.extend(page);
        }
        assert_eq!(found, written, "pages of {limit}");
    }
    for limit in [0, 1_001] {
        let refused = world.store.outbounds(&scope, uuid::Uuid::nil().into(), limit).await;
        assert_refused(refused, ErrorKind::Invalid, "a limit out of range");
    }
    let other = world.sibling().await;
    for stranger in [Scope::tenant_wide(other.tenant), Scope::customer(world.tenant, world.stamp().id())] {
        let shown = world.store.outbounds(&stranger, uuid::Uuid::nil().into(), 10).await.unwrap();
        assert!(shown.is_empty(), "{stranger:?}");
    }
}
