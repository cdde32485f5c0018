//! One of each event and job, and what goes with them.

use autocrm_core::{
    access::{ActorRef, MessageAudience},
    assist::{Analysis, AssistEvent, Disposition, ReasonCode, Scored},
    change::{EntityRef, Event, EventRecord, Job, Position, Receipt},
    conversation::{AnswerState, Author, MessageEvent, TemplateEvent},
    knowledge::{ArticleEvent, ArticleState, FeedbackEvent, FeedbackTarget},
    mail::{DeliveryState, InboundOutcome, MailEvent, SuppressionReason},
    notify::{NotificationEvent, NotificationKind},
    team::TeamEvent,
    tenant::{FeatureFlags, TenantEvent, TenantPolicy, TriggerEvent},
    ticket::{
        CategorySource, Channel, LinkKind, Priority, SchemeEvent, Status, StatusCategory, TicketEvent,
        TicketLink, TicketNumber,
    },
    transition::Version,
    user::{Role, UserEvent},
};

use super::{Shelf, at, id, key, text};

pub(super) const EVENTS: usize = 49;
pub(super) const JOBS: usize = 10;

/// Numbers the events without a gap: a new one does not compile until it has a number, and fails until it is kept.
pub(super) fn place_of_event(event: &Event) -> usize {
    match event {
        Event::Article(ArticleEvent::Written) => 0,
        Event::Article(ArticleEvent::Edited { .. }) => 1,
        Event::Article(ArticleEvent::RolledBack { .. }) => 2,
        Event::Article(ArticleEvent::StateChanged { .. }) => 3,
        Event::Assist(AssistEvent::Processed { .. }) => 4,
        Event::Erased => 5,
        Event::Feedback(FeedbackEvent::Given { .. }) => 6,
        Event::Mail(MailEvent::Received { .. }) => 7,
        Event::Mail(MailEvent::Settled { .. }) => 8,
        Event::Mail(MailEvent::Composed { .. }) => 9,
        Event::Mail(MailEvent::Sent { .. }) => 10,
        Event::Mail(MailEvent::Refused { .. }) => 11,
        Event::Message(MessageEvent::Written { .. }) => 12,
        Event::Message(MessageEvent::AnswerJudged { .. }) => 13,
        Event::Notification(NotificationEvent::Raised) => 14,
        Event::Notification(NotificationEvent::Read) => 15,
        Event::Scheme(SchemeEvent::Set) => 16,
        Event::Team(TeamEvent::Created) => 17,
        Event::Team(TeamEvent::Updated) => 18,
        Event::Team(TeamEvent::MembersChanged { .. }) => 19,
        Event::Template(TemplateEvent::Created) => 20,
        Event::Template(TemplateEvent::Updated) => 21,
        Event::Tenant(TenantEvent::Founded) => 22,
        Event::Tenant(TenantEvent::FlagsChanged { .. }) => 23,
        Event::Ticket(TicketEvent::Created { .. }) => 24,
        Event::Ticket(TicketEvent::Edited { .. }) => 25,
        Event::Ticket(TicketEvent::PriorityChanged { .. }) => 26,
        Event::Ticket(TicketEvent::CategoryChanged { .. }) => 27,
        Event::Ticket(TicketEvent::StatusChanged { .. }) => 28,
        Event::Ticket(TicketEvent::Assigned { .. }) => 29,
        Event::Ticket(TicketEvent::Snoozed { .. }) => 30,
        Event::Ticket(TicketEvent::Woken) => 31,
        Event::Ticket(TicketEvent::Linked { .. }) => 32,
        Event::Ticket(TicketEvent::ParentChanged { .. }) => 33,
        Event::Ticket(TicketEvent::Deleted { .. }) => 34,
        Event::User(UserEvent::Created { .. }) => 35,
        Event::User(UserEvent::Updated { .. }) => 36,
        Event::Mail(MailEvent::Suppressed { .. }) => 37,
        Event::Mail(MailEvent::Released { .. }) => 38,
        Event::Mail(MailEvent::SoftBounced { .. }) => 39,
        Event::Mail(MailEvent::Acknowledged { .. }) => 40,
        Event::Mail(MailEvent::AcknowledgementDue { .. }) => 41,
        Event::Tenant(TenantEvent::PolicyChanged { .. }) => 42,
        Event::Mail(MailEvent::Departed { .. }) => 43,
        Event::Mail(MailEvent::Cancelled { .. }) => 44,
        Event::Message(MessageEvent::TakenBack { .. }) => 45,
        Event::Tenant(TenantEvent::TriggersSet { .. }) => 46,
        Event::Mail(MailEvent::DeliveryChanged { .. }) => 47,
        Event::Mail(MailEvent::Engaged { .. }) => 48,
    }
}

/// Numbers the jobs without a gap, to the same end.
pub(super) fn place_of_job(job: &Job) -> usize {
    match job {
        Job::FileMail { .. } => 0,
        Job::ProcessTicket { .. } => 1,
        Job::DeliverMail { .. } => 2,
        Job::Notify { .. } => 3,
        Job::WakeTicket { .. } => 4,
        Job::EraseTicket { .. } => 5,
        Job::LearnCategory { .. } => 6,
        Job::CloseResolved => 7,
        Job::AcknowledgeMail { .. } => 8,
        Job::SendNotices { .. } => 9,
    }
}

fn status(category: StatusCategory) -> Status {
    Status { key: key(category.as_str()), category }
}

pub(super) fn analysis() -> Analysis {
    Analysis {
        language: Some(text("en")),
        category: Some(Scored { value: key("billing"), confidence: 0.75 }),
        alternatives: vec![Scored { value: key("delivery"), confidence: 0.125 }],
        priority: Scored { value: Priority::High, confidence: 0.5 },
        model: "linear".to_owned(),
    }
}

pub(super) fn events() -> Vec<Event> {
    let mut events = desk_events();
    events.extend(ticket_events().into_iter().map(Event::Ticket));
    events.sort_by_key(place_of_event);
    events
}

fn desk_events() -> Vec<Event> {
    vec![
        Event::Article(ArticleEvent::Written),
        Event::Article(ArticleEvent::Edited { revision: 2 }),
        Event::Article(ArticleEvent::RolledBack { to: 1, revision: 3 }),
        Event::Article(ArticleEvent::StateChanged { from: ArticleState::Draft, to: ArticleState::Published }),
        Event::Assist(AssistEvent::Processed {
            ticket: id(1),
            message: id(2),
            analysis: analysis(),
            disposition: Disposition::Suggest,
            reasons: vec![
                ReasonCode::FlagOff,
                ReasonCode::Abstained,
                ReasonCode::CategoryNotAllowed,
                ReasonCode::LowConfidence,
                ReasonCode::Uncited,
                ReasonCode::SenderUnverified,
                ReasonCode::PersonInvolved,
                ReasonCode::AutomaticMail,
            ],
            answer: Some(id(3)),
        }),
        Event::Erased,
        Event::Feedback(FeedbackEvent::Given {
            target: FeedbackTarget::Message { message: id(3) },
            helpful: true,
        }),
        Event::Mail(MailEvent::Received { mail: id(4) }),
        Event::Mail(MailEvent::Settled {
            mail: id(4),
            outcome: InboundOutcome::Opened { ticket: id(1), message: id(2) },
        }),
        Event::Mail(MailEvent::Composed { mail: id(5), ticket: id(1), due_at: at(1) }),
        Event::Mail(MailEvent::Departed { mail: id(5), ticket: id(1) }),
        Event::Mail(MailEvent::Cancelled { mail: id(5), ticket: id(1) }),
        Event::Mail(MailEvent::DeliveryChanged {
            mail: id(5),
            ticket: id(1),
            state: DeliveryState::Delivered,
        }),
        Event::Mail(MailEvent::Engaged { mail: id(5), ticket: id(1), clicked: true, machine: false }),
        Event::Mail(MailEvent::Sent { mail: id(5), ticket: id(1) }),
        Event::Mail(MailEvent::Refused { mail: id(5), ticket: id(1), code: "invalid".to_owned() }),
        Event::Mail(MailEvent::Suppressed { correspondent: id(19), reason: SuppressionReason::HardBounce }),
        Event::Mail(MailEvent::Released { correspondent: id(19) }),
        Event::Mail(MailEvent::SoftBounced { correspondent: id(19), mail: id(5) }),
        Event::Mail(MailEvent::Acknowledged { correspondent: id(19) }),
        Event::Mail(MailEvent::AcknowledgementDue { mail: id(4), ticket: id(1) }),
        Event::Message(MessageEvent::Written {
            ticket: id(1),
            message: id(2),
            sequence: 1,
            author: Author::Customer { user: id(6) },
            audience: MessageAudience::Public,
            held: false,
        }),
        Event::Message(MessageEvent::TakenBack { ticket: id(1), message: id(2) }),
        Event::Message(MessageEvent::AnswerJudged {
            ticket: id(1),
            message: id(3),
            state: AnswerState::Sent,
            edited: true,
        }),
        Event::Notification(NotificationEvent::Raised),
        Event::Notification(NotificationEvent::Read),
        Event::Scheme(SchemeEvent::Set),
        Event::Team(TeamEvent::Created),
        Event::Team(TeamEvent::Updated),
        Event::Team(TeamEvent::MembersChanged { members: vec![id(7)] }),
        Event::Template(TemplateEvent::Created),
        Event::Template(TemplateEvent::Updated),
        Event::Tenant(TenantEvent::Founded),
        Event::Tenant(TenantEvent::PolicyChanged { policy: TenantPolicy::default() }),
        Event::Tenant(TenantEvent::FlagsChanged { flags: FeatureFlags::default() }),
        Event::Tenant(TenantEvent::TriggersSet { count: 2 }),
        Event::User(UserEvent::Created { role: Role::Customer }),
        Event::User(UserEvent::Updated { role: Role::Agent, active: false }),
    ]
}

fn ticket_events() -> Vec<TicketEvent> {
    vec![
        TicketEvent::Created {
            requester: id(6),
            channel: Channel::Email,
            priority: Priority::Normal,
            status: status(StatusCategory::New),
        },
        TicketEvent::Edited { fields: vec!["subject".to_owned(), "fields.order".to_owned()] },
        TicketEvent::PriorityChanged { from: Priority::Low, to: Priority::Urgent },
        TicketEvent::CategoryChanged { from: None, to: Some(key("billing")), source: CategorySource::Person },
        TicketEvent::StatusChanged {
            from: status(StatusCategory::New),
            to: status(StatusCategory::WaitingCustomer),
        },
        TicketEvent::Assigned { from_team: None, from_agent: None, team: Some(id(8)), agent: Some(id(7)) },
        TicketEvent::Snoozed { until: at(60) },
        TicketEvent::Woken,
        TicketEvent::Linked { link: TicketLink { kind: LinkKind::FollowsUp, ticket: id(9) } },
        TicketEvent::ParentChanged { parent: Some(id(9)) },
        TicketEvent::Deleted { erase_at: at(3_600) },
    ]
}

pub(super) fn jobs() -> Vec<Job> {
    vec![
        Job::FileMail { mail: id(4) },
        Job::ProcessTicket { ticket: id(1), message: id(2) },
        Job::DeliverMail { mail: id(5) },
        Job::Notify { recipient: id(7), notification: NotificationKind::CustomerReplied, ticket: id(1) },
        Job::WakeTicket { ticket: id(1) },
        Job::EraseTicket { ticket: id(1) },
        Job::LearnCategory { ticket: id(1) },
        Job::CloseResolved,
        Job::AcknowledgeMail { mail: id(4) },
        Job::SendNotices { ticket: id(1), trigger: TriggerEvent::Resolved, message: Some(id(2)) },
    ]
}

/// Keeps rows by name, actors, receipts, and an event of the log.
pub(super) fn entities(shelf: &mut Shelf) {
    for (name, entity) in [
        ("article", EntityRef::Article(id(1))),
        ("correspondent", EntityRef::Correspondent(id(1))),
        ("feedback", EntityRef::Feedback(id(1))),
        ("mail", EntityRef::Mail(id(1))),
        ("message", EntityRef::Message(id(1))),
        ("notification", EntityRef::Notification(id(1))),
        ("outbound", EntityRef::Outbound(id(1))),
        ("scheme", EntityRef::Scheme),
        ("team", EntityRef::Team(id(1))),
        ("template", EntityRef::Template(id(1))),
        ("tenant", EntityRef::Tenant),
        ("ticket", EntityRef::Ticket(id(1))),
        ("user", EntityRef::User(id(1))),
    ] {
        shelf.keep(&format!("entity.{name}"), &entity);
    }
    for (name, actor) in [
        ("customer", ActorRef::Customer { user: id(6) }),
        ("agent", ActorRef::Agent { user: id(7) }),
        ("admin", ActorRef::Admin { user: id(8) }),
        ("system", ActorRef::System),
    ] {
        shelf.keep(&format!("actor.{name}"), &actor);
    }
    for (name, disposition) in
        [("send", Disposition::Send), ("suggest", Disposition::Suggest), ("hand_off", Disposition::HandOff)]
    {
        shelf.keep(&format!("disposition.{name}"), &disposition);
    }
    shelf.keep(
        "receipt",
        &Receipt {
            numbers: vec![(id(1), TicketNumber::new(42))],
            answer: Some(EntityRef::Ticket(id(1))),
            replayed: false,
        },
    );
    shelf.strict(
        "event_record",
        &EventRecord {
            id: id(10),
            tenant: id(11),
            position: Position::new(7),
            at: at(0),
            actor: ActorRef::System,
            subject: EntityRef::Ticket(id(1)),
            version: Version::new(3),
            ticket: Some(id(1)),
            event: Event::Ticket(TicketEvent::Woken),
        },
    );
}
