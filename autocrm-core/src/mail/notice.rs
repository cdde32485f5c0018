//! What a template is filled with, and what comes out of it.

use serde::Serialize;

use crate::{
    tenant::TriggerEvent,
    text::{Body, Language, Subject},
};

/// How much of a message a notice quotes, in bytes.
pub const MAX_QUOTED: usize = 10_000;

/// A ticket, as far as a notice tells of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NoticeTicket {
    /// The number.
    pub number: u64,
    /// The subject.
    pub subject: String,
    /// The name of the status.
    pub status: String,
    /// The urgency, such as `high`.
    pub priority: String,
}

/// The latest public message, as far as a notice tells of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NoticeMessage {
    /// Who wrote it.
    pub author: String,
    /// The newest part of its text, at most [`MAX_QUOTED`] bytes.
    pub text: String,
}

/// What a template is filled with. It holds nothing that the customer may not read: public messages only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NoticeData {
    /// What happened, such as `ticket.created`.
    pub event: TriggerEvent,
    /// The name of the tenant.
    pub desk: String,
    /// The ticket.
    pub ticket: NoticeTicket,
    /// The name of the customer.
    pub requester: String,
    /// The name of the agent in charge.
    pub agent: Option<String>,
    /// The latest public message; `None`: the mail goes to nobody who may see it, or there is none.
    pub message: Option<NoticeMessage>,
}

impl NoticeData {
    /// Returns data to show a template with.
    pub fn sample(event: TriggerEvent) -> Self {
        Self {
            event,
            desk: "Acme Ltd".to_owned(),
            ticket: NoticeTicket {
                number: 42,
                subject: "The printer is on fire <again> & \"smokes\"".to_owned(),
                status: "Open".to_owned(),
                priority: "high".to_owned(),
            },
            requester: "Ann O'Brien".to_owned(),
            agent: Some("Cleo & Co".to_owned()),
            message: Some(NoticeMessage {
                author: "Cleo & Co".to_owned(),
                text: "Please pull the plug.\n\nThen <b>wait</b> until tray 2 is cold.".to_owned(),
            }),
        }
    }
}

/// A mail that a template gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// The subject.
    pub subject: Subject,
    /// The plain twin.
    pub text: Body,
    /// The same as HTML.
    pub html: Body,
    /// The language of the template that was found.
    pub language: Language,
}
