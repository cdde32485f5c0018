//! What a use case answers when it does not do what was asked.

use std::time::Duration;

use crate::{
    conversation::{ConversationRefusal, TemplateRefusal},
    error::{Error as PortError, ErrorKind, Retry},
    knowledge::ArticleRefusal,
    mail::MailRefusal,
    team::TeamRefusal,
    tenant::TenantRefusal,
    text::TextError,
    ticket::{SchemeRefusal, TicketRefusal},
    user::UserRefusal,
};

/// The result of a use case.
pub type Result<T> = std::result::Result<T, Error>;

/// What a use case answers when it does not do what was asked. Its [`code`](Error::code) is stable.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no such thing within the actor's sight.
    #[error("no such {what}")]
    NotFound {
        /// The noun.
        what: &'static str,
    },
    /// The actor sees it, yet may not do this.
    #[error("this is not allowed")]
    Denied,
    /// Others kept changing the same rows; try again.
    #[error("others kept changing the same rows")]
    Contended,
    /// The tenant has switched this off.
    #[error("{flag} is switched off")]
    SwitchedOff {
        /// The flag, by its name on the wire.
        flag: &'static str,
    },
    /// The host gave no adapter for this.
    #[error("the host gave no {adapter}")]
    NoAdapter {
        /// The adapter.
        adapter: &'static str,
    },
    /// There is nothing to do for the agent.
    #[error("the queue is empty")]
    QueueEmpty,
    /// An article command was refused.
    #[error(transparent)]
    Article(#[from] ArticleRefusal),
    /// A conversation command was refused.
    #[error(transparent)]
    Conversation(#[from] ConversationRefusal),
    /// A mail was refused.
    #[error(transparent)]
    Mail(#[from] MailRefusal),
    /// A scheme was refused.
    #[error(transparent)]
    Scheme(#[from] SchemeRefusal),
    /// A team command was refused.
    #[error(transparent)]
    Team(#[from] TeamRefusal),
    /// A template was refused.
    #[error(transparent)]
    Template(#[from] TemplateRefusal),
    /// A tenant command was refused.
    #[error(transparent)]
    Tenant(#[from] TenantRefusal),
    /// A text was refused.
    #[error(transparent)]
    Text(#[from] TextError),
    /// A ticket command was refused.
    #[error(transparent)]
    Ticket(#[from] TicketRefusal),
    /// A user command was refused.
    #[error(transparent)]
    User(#[from] UserRefusal),
    /// A port failed.
    #[error("{0}")]
    Port(#[source] PortError),
}

impl From<PortError> for Error {
    fn from(error: PortError) -> Self {
        Self::Port(error)
    }
}

impl Error {
    /// Returns the stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotFound { .. } => "not_found",
            Self::Denied => "denied",
            Self::Contended => "contended",
            Self::SwitchedOff { .. } => "switched_off",
            Self::NoAdapter { .. } => "no_adapter",
            Self::QueueEmpty => "queue_empty",
            Self::Article(refusal) => refusal.code(),
            Self::Conversation(refusal) => refusal.code(),
            Self::Mail(refusal) => refusal.code(),
            Self::Scheme(refusal) => refusal.code(),
            Self::Team(refusal) => refusal.code(),
            Self::Template(refusal) => refusal.code(),
            Self::Tenant(refusal) => refusal.code(),
            Self::Text(refusal) => refusal.code(),
            Self::Ticket(refusal) => refusal.code(),
            Self::User(refusal) => refusal.code(),
            Self::Port(error) => error.code(),
        }
    }

    /// Returns whether the thing is not there, for this actor.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::NotFound { .. })
    }

    /// Returns whether what the caller saw is no longer what is stored.
    pub fn is_conflict(&self) -> bool {
        match self {
            Self::Contended | Self::Ticket(TicketRefusal::Stale { .. }) => true,
            Self::Port(error) => error.is_conflict(),
            _ => false,
        }
    }

    /// Returns whether the same call may succeed later.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Contended => true,
            Self::Port(error) => error.is_retryable(),
            _ => false,
        }
    }

    /// Returns how long a repetition has to wait at least, where an adapter says so; otherwise zero.
    pub fn retry_after(&self) -> Duration {
        match self {
            Self::Port(error) => match error.retry_advice() {
                Retry::Later(pause) => pause,
                Retry::Never | Retry::FromFreshLoad => Duration::ZERO,
            },
            _ => Duration::ZERO,
        }
    }

    /// Returns whether an idempotency key came back with another request.
    pub fn is_key_reused(&self) -> bool {
        matches!(self, Self::Port(error) if error.kind() == ErrorKind::KeyReused)
    }
}
