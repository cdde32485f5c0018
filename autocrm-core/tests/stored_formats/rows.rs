//! One of each row, with every field set, and each variant of what a row holds.

use std::collections::{BTreeMap, BTreeSet};

use autocrm_core::{
    access::ArticleVisibility,
    conversation::{AnswerMeta, AnswerState, Attachment, Author, Citation, Message, MessageKind, Template},
    knowledge::{Article, ArticleState, Chunk, Feedback, FeedbackTarget, Revision},
    mail::BlobHash,
    notify::{Notification, NotificationKind},
    page::Cursor,
    routing::{Candidate, RoutingDecision, RoutingReason, TeamVerdict, WhyNot},
    team::{Availability, Capacity, Member, SkillLevel, Team},
    tenant::{FeatureFlags, Party, Tenant, TenantPolicy, Trigger, TriggerEvent},
    ticket::{
        Category, CategorySource, Channel, EntityLink, FieldDefinition, FieldKind, FieldValue, LinkKind,
        Priority, Scheme, Status, StatusCategory, Ticket, TicketLink, TicketNumber,
    },
    transition::Version,
    user::{Role, User},
};

use super::{Shelf, at, id, key, note, text};

fn field(name: &str, kind: FieldKind) -> FieldDefinition {
    FieldDefinition { name: text(name), kind, customer_visible: true }
}

pub(super) fn settings(shelf: &mut Shelf) {
    shelf.strict(
        "tenant",
        &Tenant {
            id: id(11),
            version: Version::new(2),
            name: text("Acme"),
            support_address: Some(text("help@example.org")),
            flags: FeatureFlags::default(),
            policy: TenantPolicy::default(),
            triggers: vec![Trigger {
                event: TriggerEvent::Resolved,
                template: key("ticket.resolved"),
                to: vec![Party::Requester, Party::Address { address: text("log@example.org") }],
                cc: vec![Party::Participants],
                bcc: vec![Party::Assignee],
            }],
            created_at: at(0),
            updated_at: at(1),
        },
    );
    shelf.strict("flags", &FeatureFlags::default());
    shelf.strict("policy", &TenantPolicy::default());
    let mut scheme = Scheme::standard(id(11), at(0));
    scheme.categories = vec![Category {
        key: key("billing"),
        name: text("Billing"),
        description: Some(note("Invoices and payments")),
        skills: BTreeSet::from([key("accounting")]),
        team: Some(id(8)),
        auto_send: true,
    }];
    scheme.fields = BTreeMap::from([
        (key("urgent"), field("Urgent", FieldKind::Flag)),
        (key("seats"), field("Seats", FieldKind::Number { min: -1, max: 100 })),
        (key("order"), field("Order", FieldKind::Text)),
        (key("plan"), field("Plan", FieldKind::Choice { options: vec![note("Basic"), note("Pro")] })),
    ]);
    shelf.strict("scheme", &scheme);
    for (name, definition) in &scheme.fields {
        shelf.strict(&format!("field.{name}"), definition);
        shelf.keep(&format!("field_kind.{name}"), &definition.kind);
    }
    shelf.strict("cursor", &Cursor { key: -7, id: uuid::Uuid::from_u128(7) });
}

pub(super) fn people(shelf: &mut Shelf) {
    let user = |role| User {
        id: id(6),
        tenant: id(11),
        version: Version::new(1),
        external_id: Some(text("crm-6")),
        role,
        name: text("Ann Önal"),
        email: Some(text("ann@example.org")),
        email_verified: true,
        language: Some(text("tr")),
        active: true,
        created_at: at(0),
        updated_at: at(0),
    };
    for role in [Role::Customer, Role::Agent, Role::Admin] {
        shelf.strict(&format!("user.{}", role.as_str()), &user(role));
    }
    let member = |availability| Member {
        user: id(7),
        skills: BTreeMap::from([(key("accounting"), SkillLevel::new(5).unwrap())]),
        languages: BTreeSet::from([text("de"), text("en")]),
        capacity: Capacity::new(12).unwrap(),
        availability,
    };
    shelf.strict(
        "team",
        &Team {
            id: id(8),
            tenant: id(11),
            version: Version::new(1),
            name: text("Billing"),
            description: Some(note("Everything about money")),
            categories: BTreeSet::from([key("billing")]),
            members: vec![member(Availability::Online), member(Availability::Away)],
            created_at: at(0),
            updated_at: at(0),
        },
    );
    for kind in [NotificationKind::Assigned, NotificationKind::CustomerReplied, NotificationKind::MessageHeld]
    {
        shelf.strict(
            &format!("notification.{}", kind.as_str()),
            &Notification {
                id: id(12),
                tenant: id(11),
                version: Version::new(2),
                recipient: id(7),
                kind,
                ticket: id(1),
                created_at: at(0),
                read_at: Some(at(1)),
            },
        );
    }
}

pub(super) fn tickets(shelf: &mut Shelf) {
    let links = [LinkKind::Related, LinkKind::Duplicates, LinkKind::FollowsUp];
    shelf.strict(
        "ticket",
        &Ticket {
            id: id(1),
            tenant: id(11),
            version: Version::new(9),
            number: TicketNumber::new(42),
            subject: text("The \"printer\" ☂ is on fire"),
            status: Status { key: key("waiting_supplier"), category: StatusCategory::OnHold },
            priority: Priority::Urgent,
            category: Some(key("billing")),
            category_source: Some(CategorySource::Model),
            language: Some(text("en")),
            channel: Channel::Portal,
            requester: id(6),
            participants: vec![id(13)],
            team: Some(id(8)),
            assignee: Some(id(7)),
            tags: BTreeSet::from([text("vip")]),
            fields: BTreeMap::from([
                (key("urgent"), FieldValue::Flag(true)),
                (key("seats"), FieldValue::Number(-1)),
                (key("order"), FieldValue::Text(note("42"))),
            ]),
            entity: Some(EntityLink { kind: key("order"), id: text("A-42") }),
            parent: Some(id(9)),
            links: links.iter().map(|kind| TicketLink { kind: *kind, ticket: id(9) }).collect(),
            pending_until: Some(at(5)),
            messages: 3,
            first_response_at: Some(at(1)),
            resolved_at: Some(at(2)),
            closed_at: Some(at(3)),
            deleted_at: Some(at(4)),
            created_at: at(0),
            updated_at: at(4),
        },
    );
    for category in StatusCategory::ALL {
        shelf.strict(&format!("status.{}", category.as_str()), &Status { key: key("own"), category });
    }
    for priority in Priority::ALL {
        shelf.keep(&format!("priority.{}", priority.as_str()), &priority);
    }
    for channel in [Channel::Portal, Channel::Email, Channel::Chat, Channel::Api] {
        shelf.keep(&format!("channel.{}", channel.as_str()), &channel);
    }
    routing(shelf);
}

fn routing(shelf: &mut Shelf) {
    let reasons = [
        None,
        Some(WhyNot::Away),
        Some(WhyNot::Inactive),
        Some(WhyNot::Full { load: 20, capacity: 20 }),
        Some(WhyNot::MissingSkill { skill: key("accounting") }),
        Some(WhyNot::OtherLanguage { language: text("fr") }),
        Some(WhyNot::Outscored),
    ];
    let candidates: Vec<Candidate> =
        reasons.into_iter().map(|why_not| Candidate { agent: id(7), load: 3, score: 850, why_not }).collect();
    for reason in [
        RoutingReason::CategoryRule,
        RoutingReason::TeamCategory,
        RoutingReason::AlreadyThere,
        RoutingReason::OnlyTeam,
        RoutingReason::NoTeam,
    ] {
        shelf.keep("routing_reason", &reason);
    }
    shelf.strict(
        "routing",
        &RoutingDecision {
            tenant: id(11),
            ticket: id(1),
            at: at(0),
            team: Some(id(8)),
            reason: RoutingReason::CategoryRule,
            agent: Some(id(7)),
            teams: vec![TeamVerdict { team: id(8), fits: true }],
            candidates,
        },
    );
}

pub(super) fn messages(shelf: &mut Shelf) {
    let citation = Citation { article: id(14), revision: 2, start: 10, end: 90 };
    let answer = |state| AnswerMeta {
        model: "extractive".to_owned(),
        sources: vec![citation.clone()],
        confidence: 0.75,
        state,
    };
    shelf.strict("citation", &citation);
    shelf.strict("answer_meta", &answer(AnswerState::Draft));
    for (name, kind) in [
        ("public", MessageKind::Public),
        ("note", MessageKind::Note),
        ("draft", MessageKind::Draft),
        ("system", MessageKind::System),
        ("draft", MessageKind::Answer(answer(AnswerState::Draft))),
        ("sent", MessageKind::Answer(answer(AnswerState::Sent))),
        ("rejected", MessageKind::Answer(answer(AnswerState::Rejected))),
    ] {
        shelf.keep(&format!("message_kind.{name}"), &kind);
    }
    for (name, author) in [
        ("customer", Author::Customer { user: id(6) }),
        ("agent", Author::Agent { user: id(7) }),
        ("assistant", Author::Assistant),
        ("system", Author::System),
    ] {
        shelf.keep(&format!("author.{name}"), &author);
    }
    let attachment = Attachment {
        id: id(15),
        name: text("invoice.pdf"),
        content_type: "application/pdf".to_owned(),
        size: 1_024,
        blob: Some(BlobHash::of(b"invoice")),
    };
    shelf.strict("attachment", &attachment);
    shelf.strict(
        "message",
        &Message {
            id: id(2),
            tenant: id(11),
            ticket: id(1),
            version: Version::new(1),
            sequence: 1,
            kind: MessageKind::Public,
            author: Author::Customer { user: id(6) },
            body: text("Hello\r\n\t\"world\"\n> quoted"),
            reply_at: Some(4),
            trimmed_at: Some(16),
            language: Some(text("en")),
            attachments: vec![attachment],
            held: true,
            mail: Some(id(4)),
            sent_at: Some(at(-1)),
            created_at: at(0),
        },
    );
    shelf.strict(
        "template",
        &Template {
            id: id(16),
            tenant: id(11),
            version: Version::new(1),
            name: text("Greeting"),
            body: text("Dear {{customer.name}},"),
            team: Some(id(8)),
            language: Some(text("en")),
            updated_at: at(0),
        },
    );
}

pub(super) fn articles(shelf: &mut Shelf) {
    for (visibility, state) in [
        (ArticleVisibility::Public, ArticleState::Draft),
        (ArticleVisibility::Tenant, ArticleState::Published),
        (ArticleVisibility::Internal, ArticleState::Archived),
    ] {
        shelf.strict(
            &format!("article.{}", state.as_str()),
            &Article {
                id: id(14),
                tenant: id(11),
                version: Version::new(2),
                slug: key("refunds"),
                revision: 2,
                title: text("Refunds"),
                body: text("# Refunds\n\nWithin 14 days.\n"),
                category: Some(key("billing")),
                visibility,
                language: Some(text("en")),
                state,
                created_at: at(0),
                updated_at: at(1),
            },
        );
    }
    shelf.strict(
        "revision",
        &Revision {
            tenant: id(11),
            article: id(14),
            number: 2,
            title: text("Refunds"),
            body: text("# Refunds\n\nWithin 14 days.\n"),
            author: Some(id(7)),
            created_at: at(0),
        },
    );
    shelf.strict(
        "chunk",
        &Chunk {
            id: id(17),
            tenant: id(11),
            article: id(14),
            revision: 2,
            ordinal: 0,
            heading: "Refunds".to_owned(),
            start: 11,
            end: 26,
            text: "Within 14 days.".to_owned(),
        },
    );
    for (name, target) in [
        ("article", FeedbackTarget::Article { article: id(14) }),
        ("message", FeedbackTarget::Message { message: id(3) }),
    ] {
        shelf.strict(
            &format!("feedback.{name}"),
            &Feedback {
                id: id(18),
                tenant: id(11),
                target,
                user: id(6),
                helpful: false,
                comment: Some(note("Too short")),
                created_at: at(0),
            },
        );
    }
}
