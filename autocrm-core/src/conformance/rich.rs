//! A change set with a write of every kind, whose texts and times are as hostile as their types allow.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use bytes::Bytes;

use crate::{
    access::{Actor, ArticleVisibility},
    assist::{Analysis, AssistEvent, Disposition, ReasonCode, Scored},
    change::{ChangeSet, EntityRef},
    clock::{Stamp, Timestamp},
    conformance::world::World,
    conversation::{
        self, AnswerMeta, AnswerState, Attachment, Citation, Draft, Message, MessageEvent, MessageKind,
        NewMessage, TemplateSpec,
    },
    id::{ArticleId, MessageId, UserId},
    knowledge::{self, ArticleSpec, FeedbackTarget},
    mail::{
        self, BlobHash, Check, ClientHost, Correspondent, Envelope, Fate, InboundMail, InboundOutcome,
        MailClass, MailEvent, MailFinding, MailReading, MailRef, MailRefDirection, MessageIdHeader,
        OutboundMail, OutboundSpec, RawBlob, SenderTrust, SenderVerdict, UnsubscribeLink, VerdictSource,
    },
    notify::{self, NotificationKind},
    routing::{Candidate, RoutingDecision, RoutingReason, TeamVerdict, WhyNot},
    team::{Availability, Capacity, Member, SkillLevel, TeamSpec},
    text::{Body, EmailAddress, ExternalId, Key, Language, Name, Note, Subject, Tag},
    ticket::{
        self, Category, CategorySource, Channel, EntityLink, FieldDefinition, FieldKind, FieldValue,
        LinkKind, NewTicket, Priority, Scheme, SchemeEvent, Ticket, TicketEvent, TicketLink,
    },
    transition::Transition,
    user::{self, NewUser, Role},
};

/// One line that tries quoting, collation, normal forms, direction marks, wide planes and the parsers of SQL and JSON.
pub(crate) const LINE: &str = "'; DROP TABLE x;-- \"q\" \\u0000 %_ ﬁ e\u{301} É ß İ \u{202E}abc\u{202C} \u{FEFF}👩🏽‍🚀 \u{10FFFF} \u{FFFD} {{x}} $1 ?1 :a";

/// Several lines with every control character but NUL, and every kind of line end.
pub(crate) fn text() -> Body {
    let controls: String =
        (1_u8..32).map(char::from).chain(['\u{7F}', '\u{85}', '\u{2028}', '\u{2029}']).collect();
    Body::new(format!("\u{FEFF} \t{LINE}\r\nline\rline\nline\n{controls}\n\n  \t ")).expect("a text")
}

fn key(text: &str) -> Key {
    Key::new(text).expect("a key")
}

fn note() -> Note {
    Note::new(LINE).expect("a note")
}

fn name(text: &str) -> Name {
    Name::new(text).expect("a name")
}

fn language() -> Language {
    Language::new("fil").expect("a language")
}

/// Plans a set that writes every noun once, the scheme too, which a tenant has only once.
pub(crate) fn whole(world: &World, mark: &str) -> ChangeSet {
    let mut set = rich(world, mark);
    set.scheme(Transition::new(scheme(world), SchemeEvent::Set), &world.stamp());
    set
}

/// Plans a set that writes every noun but the scheme once, with every optional field set. `mark` keeps what is unique apart.
pub(crate) fn rich(world: &World, mark: &str) -> ChangeSet {
    let stamp = world.stamp();
    let mut set = ChangeSet::new(&world.system(), &stamp);
    let scheme = scheme(world);
    let customer = people(world, &mut set, mark, &stamp);
    let article = articles(world, &mut set, customer, mark, &stamp);
    desk(world, &mut set, &scheme, customer, article, mark, &stamp);
    set
}

/// Returns a scheme with every kind of status, category and field.
pub(crate) fn scheme(world: &World) -> Scheme {
    let standard = world.scheme();
    let mut statuses = standard.statuses.clone();
    statuses.push(ticket::StatusDefinition {
        key: key("waiting_supplier"),
        name: name(LINE),
        category: ticket::StatusCategory::OnHold,
    });
    let categories = vec![
        Category {
            key: key("billing"),
            name: name(LINE),
            description: Some(note()),
            skills: BTreeSet::from([key("tax"), key("a.b-c_9")]),
            team: Some(world.stamp().id()),
            auto_send: true,
        },
        Category {
            key: key("other"),
            name: name("o"),
            description: None,
            skills: BTreeSet::new(),
            team: None,
            auto_send: false,
        },
    ];
    let field = |kind, customer_visible| FieldDefinition { name: name(LINE), kind, customer_visible };
    let fields = BTreeMap::from([
        (key("flag"), field(FieldKind::Flag, true)),
        (key("number"), field(FieldKind::Number { min: i64::MIN, max: i64::MAX }, false)),
        (key("least"), field(FieldKind::Number { min: i64::MIN, max: 0 }, false)),
        (key("text"), field(FieldKind::Text, true)),
        (
            key("choice"),
            field(FieldKind::Choice { options: vec![note(), Note::new("b").expect("a note")] }, false),
        ),
    ]);
    ticket::set_scheme(standard, statuses, categories, fields, &world.stamp()).expect("a scheme").state
}

/// A customer, a team with a member of every skill, and a template.
fn people(world: &World, set: &mut ChangeSet, mark: &str, stamp: &Stamp<'_>) -> UserId {
    let new = NewUser {
        role: Role::Customer,
        name: name(LINE),
        email: Some(EmailAddress::new(format!("ümlaut.{mark}@bücher.example")).expect("an address")),
        email_verified: true,
        external_id: Some(ExternalId::new(format!("{LINE}{mark}")).expect("an id")),
        language: Some(language()),
    };
    let made = user::create(&world.system(), world.tenant, new, stamp).expect("a user");
    let customer = made.state.id;
    let spec = TeamSpec {
        name: name(&format!("Team {mark} É")),
        description: Some(note()),
        categories: BTreeSet::from([key("billing"), key("other")]),
        members: vec![Member {
            user: customer,
            skills: BTreeMap::from([
                (key("tax"), SkillLevel::new(5).expect("a level")),
                (key("law"), SkillLevel::new(1).expect("a level")),
            ]),
            languages: BTreeSet::from([language(), Language::new("en").expect("a language")]),
            capacity: Capacity::new(1_000).expect("a capacity"),
            availability: Availability::Away,
        }],
    };
    let team = crate::team::create(world.tenant, spec, |_| true, stamp).expect("a team");
    let template = TemplateSpec {
        name: name(LINE),
        body: text(),
        team: Some(team.state.id),
        language: Some(language()),
    };
    let template = conversation::create_template(world.tenant, template, stamp).expect("a template");
    set.user(made, stamp).team(team, stamp).template(template, stamp);
    customer
}

/// A published article with a revision and chunks, and a word on it.
fn articles(
    world: &World,
    set: &mut ChangeSet,
    customer: UserId,
    mark: &str,
    stamp: &Stamp<'_>,
) -> ArticleId {
    let spec = ArticleSpec {
        slug: key(&format!("slug-{mark}")),
        title: Subject::new(LINE).expect("a title"),
        body: Body::new(format!("# {LINE}\r\n\r\nNaïve 𝕏 text.\n\n## Zwei\n\n{}\n", text().as_str()))
            .expect("a text"),
        category: Some(key("billing")),
        visibility: ArticleVisibility::Tenant,
        language: Some(language()),
    };
    let author = Actor::admin(world.tenant, customer);
    let (written, revision) = knowledge::write(&author, world.tenant, spec, stamp).expect("an article");
    let published = written
        .and_then(|article| {
            Ok::<_, knowledge::ArticleRefusal>(knowledge::change_state(
                article,
                knowledge::ArticleState::Published,
                stamp,
            ))
        })
        .expect("a state");
    let article = published.state.clone();
    let chunks = knowledge::cut(&article, stamp);
    assert!(chunks.len() > 1, "the article is cut");
    let target = FeedbackTarget::Article { article: article.id };
    let said = knowledge::give_feedback(&author, target, true, Some(note()), stamp).expect("feedback");
    set.article(published, stamp).revision(revision).chunks(&article, chunks).feedback(said, stamp);
    article.id
}

/// A ticket with every field set that sleeps. Whatever an import brings along is kept, although no command sets all of
/// it at once.
fn sleeping_ticket(
    world: &World,
    scheme: &Scheme,
    customer: UserId,
    stamp: &Stamp<'_>,
) -> Transition<Ticket, TicketEvent> {
    let new = NewTicket {
        subject: Subject::new(LINE).expect("a subject"),
        priority: Priority::Urgent,
        category: Some(key("billing")),
        language: Some(language()),
        tags: BTreeSet::from([Tag::new("ÄÖ, \"x\"").expect("a tag"), Tag::new("b").expect("a tag")]),
        fields: BTreeMap::from([
            (key("flag"), FieldValue::Flag(false)),
            (key("number"), FieldValue::Number(i64::MAX)),
            (key("least"), FieldValue::Number(i64::MIN)),
            (key("text"), FieldValue::Text(note())),
        ]),
        entity: Some(EntityLink { kind: key("order"), id: ExternalId::new(LINE).expect("an id") }),
        parent: Some(stamp.id()),
        links: vec![
            TicketLink { kind: LinkKind::FollowsUp, ticket: stamp.id() },
            TicketLink { kind: LinkKind::Duplicates, ticket: stamp.id() },
            TicketLink { kind: LinkKind::Related, ticket: stamp.id() },
        ],
    };
    let mut opened =
        ticket::create(scheme, &world.system(), customer, Channel::Email, new, stamp).expect("a ticket");
    opened.state.participants = vec![stamp.id(), stamp.id()];
    opened.state.team = Some(stamp.id());
    opened.state.assignee = Some(stamp.id());
    opened.state.category_source = Some(CategorySource::Model);
    let noted = opened
        .and_then(|state| ticket::note_activity(state, scheme, true, true, stamp))
        .expect("activity is noted")
        .and_then(|state| ticket::snooze(state, scheme, stamp.at().plus(Duration::from_micros(7)), stamp))
        .expect("a sleeping ticket");
    let mut row = noted.state.clone();
    row.first_response_at = Some(Timestamp::from_micros(-1));
    row.resolved_at = Some(Timestamp::from_micros(1_772_000_000_000_001));
    row.closed_at = Some(Timestamp::from_micros(1_772_000_000_999_999));
    Transition { state: row, events: noted.events }
}

fn reading() -> MailReading {
    MailReading {
        class: MailClass::AutoReply,
        trust: SenderTrust::Aligned,
        verdict: Some(SenderVerdict {
            domain: LINE.to_owned(),
            dmarc: Check::None,
            dkim: Check::Pass,
            spf: Check::Unknown,
            source: VerdictSource::Provider,
        }),
        reply_to: Some(EmailAddress::new("other@example.net").expect("an address")),
        findings: vec![MailFinding::RepeatedMessageId, MailFinding::TextTooLarge],
    }
}

/// A mail with its raw bytes, and the message that it brought.
fn mail_in(
    world: &World,
    ticket: &Ticket,
    customer: UserId,
    mark: &str,
    stamp: &Stamp<'_>,
) -> (RawBlob, Transition<InboundMail, MailEvent>, Transition<Message, MessageEvent>) {
    let raw =
        Bytes::from([format!("Subject: {mark}\r\n\r\n").as_bytes(), &[0, 1, 0xFF, 0xFE, 0x80]].concat());
    let hash = BlobHash::of(&raw);
    let envelope = Envelope {
        recipient: EmailAddress::new("help@acme.example").expect("an address"),
        sender: Some(EmailAddress::new("bounce@acme.example").expect("an address")),
        provider_id: Some(ExternalId::new(format!("prov {LINE} {mark}")).expect("an id")),
        client: Some(ClientHost { ip: std::net::Ipv6Addr::LOCALHOST.into(), helo: LINE.to_owned() }),
        trust: SenderTrust::Vouched,
    };
    let received = mail::receive(world.tenant, envelope, hash, raw.len(), stamp).expect("a mail");
    let new = NewMessage {
        body: text(),
        reply_at: Some(3),
        trimmed_at: Some(3),
        internal: false,
        language: Some(language()),
        attachments: vec![Attachment {
            id: stamp.id(),
            name: name(LINE),
            content_type: "image/png; a=\"b\"".to_owned(),
            size: 1 << 40,
            blob: Some(hash),
        }],
        held: false,
        mail: Some(received.state.id),
        sent_at: Some(Timestamp::MIN),
    };
    let author = Actor::customer(world.tenant, customer);
    let message = conversation::write_message(&author, ticket, new, stamp).expect("a message");
    let outcome =
        InboundOutcome::Failed { ticket: ticket.id, message: message.state.id, code: LINE.to_owned() };
    let filed = received.and_then(|mail| mail::settle(mail, reading(), outcome)).expect("a settled mail");
    (RawBlob { tenant: world.tenant, hash, bytes: raw }, filed, message)
}

/// A mail that leaves, and its Message-ID.
fn mail_out(
    world: &World,
    ticket: &Ticket,
    customer: UserId,
    message: MessageId,
    mark: &str,
    stamp: &Stamp<'_>,
) -> (Transition<OutboundMail, MailEvent>, MailRef) {
    let header =
        |text: &str| MessageIdHeader::new(format!("{text}.{mark}@acme.example")).expect("a Message-ID");
    let spec = OutboundSpec {
        id: stamp.id(),
        tenant: world.tenant,
        ticket: ticket.id,
        message,
        message_id: header("out"),
        from: EmailAddress::new("help@acme.example").expect("an address"),
        from_name: name(LINE),
        to: EmailAddress::new("ümlaut@bücher.example").expect("an address"),
        cc: vec![EmailAddress::new("copy@bücher.example").expect("an address")],
        bcc: vec![EmailAddress::new("blind@example.org").expect("an address")],
        reply_to: Some(EmailAddress::new("help+1.x@acme.example").expect("an address")),
        subject: Subject::new(LINE).expect("a subject"),
        text: text(),
        html: Some(text()),
        in_reply_to: Some(header("in")),
        references: vec![header("in"), header("IN~!#$%&'*+-/=?^_`{|}")],
        automatic: true,
        trigger: Some(crate::tenant::TriggerEvent::Resolved),
        unsubscribe: Some(UnsubscribeLink::new("https://acme.example/u/x?~").expect("a link")),
        undo: std::time::Duration::from_secs(30),
    };
    let outbound = mail::compose(spec, stamp);
    let reference = MailRef {
        tenant: world.tenant,
        message_id: header("out"),
        ticket: ticket.id,
        message,
        direction: MailRefDirection::Outbound { outbound: outbound.state.id },
        user: customer,
    };
    (outbound, reference)
}

/// An address that bounced for now, was written to unasked, and is then sent to no more.
fn correspondent(world: &World, mark: &str, stamp: &Stamp<'_>) -> Transition<Correspondent, MailEvent> {
    let address = EmailAddress::new(format!("ümlaut.{mark}@bücher.example")).expect("an address");
    let known = mail::meet(world.tenant, address, stamp);
    mail::note_fate(known, Fate::Soft, stamp.id(), stamp)
        .and_then(|known| mail::note_acknowledgement(known, stamp))
        .expect("an acknowledgement")
        .and_then(|known| {
            Ok::<_, std::convert::Infallible>(mail::note_fate(known, Fate::Hard, stamp.id(), stamp))
        })
        .expect("a suppression")
}

fn decision(ticket: &Ticket, stamp: &Stamp<'_>) -> RoutingDecision {
    RoutingDecision {
        tenant: ticket.tenant,
        ticket: ticket.id,
        at: stamp.at(),
        team: ticket.team,
        reason: RoutingReason::CategoryRule,
        agent: ticket.assignee,
        teams: vec![TeamVerdict { team: stamp.id(), fits: true }],
        candidates: vec![
            Candidate { agent: stamp.id(), load: u32::MAX, score: 0, why_not: None },
            Candidate {
                agent: stamp.id(),
                load: 1,
                score: 2,
                why_not: Some(WhyNot::OtherLanguage { language: language() }),
            },
        ],
    }
}

fn processed(message: &Message, answer: &Message) -> AssistEvent {
    AssistEvent::Processed {
        ticket: message.ticket,
        message: message.id,
        analysis: Analysis {
            language: Some(language()),
            category: Some(Scored { value: key("billing"), confidence: 0.7 }),
            alternatives: vec![Scored { value: key("other"), confidence: f32::MIN_POSITIVE }],
            priority: Scored { value: Priority::Low, confidence: 1.0 },
            model: LINE.to_owned(),
        },
        disposition: Disposition::Suggest,
        reasons: vec![ReasonCode::LowConfidence, ReasonCode::Uncited],
        answer: Some(answer.id),
    }
}

/// A ticket with its messages, mail in and out, a routing decision and a notification.
fn desk(
    world: &World,
    set: &mut ChangeSet,
    scheme: &Scheme,
    customer: UserId,
    article: ArticleId,
    mark: &str,
    stamp: &Stamp<'_>,
) {
    let mut ticket = sleeping_ticket(world, scheme, customer, stamp);
    let (raw, filed, message) = mail_in(world, &ticket.state, customer, mark, stamp);
    ticket.state.messages += 1;
    let meta = AnswerMeta {
        model: LINE.to_owned(),
        sources: vec![Citation { article, revision: u32::MAX, start: 0, end: u32::MAX }],
        confidence: 0.1 + 0.2,
        state: AnswerState::Draft,
    };
    let answer =
        conversation::write_answer(&ticket.state, Draft { body: text(), meta }, stamp).expect("an answer");
    assert!(matches!(answer.state.kind, MessageKind::Answer(_)));
    let row = ticket.state.clone();
    let (outbound, reference) = mail_out(world, &row, customer, message.state.id, mark, stamp);
    let told = notify::raise(world.tenant, stamp.id(), NotificationKind::MessageHeld, row.id, stamp);
    let told = told
        .and_then(|row| Ok::<_, std::convert::Infallible>(notify::mark_read(row, stamp)))
        .expect("a notification");
    let assist = processed(&message.state, &answer.state);
    set.ticket(ticket, true, stamp)
        .message(message, stamp)
        .message(answer, stamp)
        .mail(filed, stamp)
        .raw(raw)
        .outbound(outbound, stamp)
        .mail_ref(reference)
        .routing(decision(&row, stamp))
        .correspondent(correspondent(world, mark, stamp), stamp)
        .notification(told, stamp)
        .assist(row.id, row.version.next(), assist, stamp)
        .answers(EntityRef::Ticket(row.id));
}
