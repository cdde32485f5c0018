//! One Rust type per kind of column: ids, hashes, times, enums as small numbers, JSON as text.

use autocrm_core::{
    access::{ActorRef, ArticleVisibility, MessageAudience},
    change::{EntityRef, JobState},
    clock::Timestamp,
    conversation::Author,
    error::{Error, ErrorKind, Result},
    id::UserId,
    knowledge::{ArticleState, FeedbackTarget},
    mail::BlobHash,
    ticket::{CategorySource, Channel, Priority, StatusCategory},
    user::Role,
};
use serde::{Serialize, de::DeserializeOwned};
use uuid::Uuid;

#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "sqlite")]
mod sqlite;

/// An id as its 16 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "sqlite", derive(diesel::expression::AsExpression, diesel::deserialize::FromSqlRow))]
#[cfg_attr(feature = "sqlite", diesel(sql_type = diesel::sql_types::Binary))]
pub(crate) struct Uid(pub(crate) Uuid);

impl Uid {
    /// Wraps an id of any noun.
    pub(crate) fn of(id: impl Into<Uuid>) -> Self {
        Self(id.into())
    }

    /// Returns the id as one of a noun.
    pub(crate) fn to<T: From<Uuid>>(self) -> T {
        T::from(self.0)
    }
}

/// A SHA-256 as its 32 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "sqlite", derive(diesel::expression::AsExpression, diesel::deserialize::FromSqlRow))]
#[cfg_attr(feature = "sqlite", diesel(sql_type = diesel::sql_types::Binary))]
pub(crate) struct Digest(pub(crate) BlobHash);

/// Returns the failure to read a column.
pub(crate) fn corrupt(what: &'static str) -> Error {
    Error::new(ErrorKind::Corrupt, "read a stored row").context(what)
}

/// Returns a value as JSON.
pub(crate) fn to_json<T: Serialize>(value: &T) -> Result<String> {
    serde_json::to_string(value)
        .map_err(|error| Error::new(ErrorKind::Internal, "encode a row as JSON").source(error))
}

/// Reads JSON.
pub(crate) fn from_json<T: DeserializeOwned>(text: &str, what: &'static str) -> Result<T> {
    serde_json::from_str(text).map_err(|error| corrupt(what).source(error))
}

/// Returns a number of this process as a column; what no column can hold becomes the largest number.
pub(crate) fn number(value: impl TryInto<i64>) -> i64 {
    value.try_into().unwrap_or(i64::MAX)
}

/// Reads a number that is stored as a wider one.
pub(crate) fn narrow<T: TryFrom<i64>>(value: i64, what: &'static str) -> Result<T> {
    T::try_from(value).map_err(|_| corrupt(what))
}

/// Reads a time.
pub(crate) fn time(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros)
}

/// An enum that is stored as a small number. The numbers are a stored format and never change their meaning.
pub(crate) trait Code: Sized + Copy {
    /// Returns the number.
    fn code(self) -> i64;

    /// Reads the number.
    fn decode(code: i64) -> Result<Self>;
}

macro_rules! codes {
    ($($name:ident { $($variant:ident = $code:literal),+ $(,)? })+) => {$(
        impl Code for $name {
            fn code(self) -> i64 {
                match self {
                    $(Self::$variant => $code,)+
                }
            }

            fn decode(code: i64) -> Result<Self> {
                match code {
                    $($code => Ok(Self::$variant),)+
                    _ => Err(corrupt(stringify!($name))),
                }
            }
        }
    )+};
}

codes! {
    ArticleState { Draft = 0, Published = 1, Archived = 2 }
    ArticleVisibility { Public = 0, Tenant = 1, Internal = 2 }
    CategorySource { Model = 0, Person = 1 }
    Channel { Portal = 0, Email = 1, Chat = 2, Api = 3 }
    JobState { Ready = 0, Leased = 1, Dead = 2 }
    MessageAudience { Public = 0, Internal = 1 }
    Priority { Low = 0, Normal = 1, High = 2, Urgent = 3 }
    Role { Customer = 0, Agent = 1, Admin = 2 }
    StatusCategory { New = 0, Open = 1, WaitingCustomer = 2, OnHold = 3, Resolved = 4, Closed = 5 }
}

/// Returns an actor as two columns.
pub(crate) fn actor_columns(actor: ActorRef) -> (i64, Option<Uid>) {
    match actor {
        ActorRef::System => (0, None),
        ActorRef::Customer { user } => (1, Some(Uid::of(user))),
        ActorRef::Agent { user } => (2, Some(Uid::of(user))),
        ActorRef::Admin { user } => (3, Some(Uid::of(user))),
    }
}

/// Reads an actor.
pub(crate) fn actor(code: i64, user: Option<Uid>) -> Result<ActorRef> {
    let user = user.map(Uid::to::<UserId>);
    match (code, user) {
        (0, None) => Ok(ActorRef::System),
        (1, Some(user)) => Ok(ActorRef::Customer { user }),
        (2, Some(user)) => Ok(ActorRef::Agent { user }),
        (3, Some(user)) => Ok(ActorRef::Admin { user }),
        _ => Err(corrupt("ActorRef")),
    }
}

/// Returns an author as two columns.
pub(crate) fn author_columns(author: Author) -> (i64, Option<Uid>) {
    match author {
        Author::System => (0, None),
        Author::Assistant => (1, None),
        Author::Customer { user } => (2, Some(Uid::of(user))),
        Author::Agent { user } => (3, Some(Uid::of(user))),
    }
}

/// Reads an author.
pub(crate) fn author(code: i64, user: Option<Uid>) -> Result<Author> {
    let user = user.map(Uid::to::<UserId>);
    match (code, user) {
        (0, None) => Ok(Author::System),
        (1, None) => Ok(Author::Assistant),
        (2, Some(user)) => Ok(Author::Customer { user }),
        (3, Some(user)) => Ok(Author::Agent { user }),
        _ => Err(corrupt("Author")),
    }
}

/// Returns the target of feedback as two columns.
pub(crate) fn target_columns(target: FeedbackTarget) -> (i64, Uid) {
    match target {
        FeedbackTarget::Article { article } => (0, Uid::of(article)),
        FeedbackTarget::Message { message } => (1, Uid::of(message)),
    }
}

/// Returns a reference to a row as two columns.
pub(crate) fn entity_columns(entity: EntityRef) -> (i64, Option<Uid>) {
    match entity {
        EntityRef::Tenant => (0, None),
        EntityRef::Scheme => (1, None),
        EntityRef::User(id) => (2, Some(Uid::of(id))),
        EntityRef::Team(id) => (3, Some(Uid::of(id))),
        EntityRef::Ticket(id) => (4, Some(Uid::of(id))),
        EntityRef::Message(id) => (5, Some(Uid::of(id))),
        EntityRef::Template(id) => (6, Some(Uid::of(id))),
        EntityRef::Article(id) => (7, Some(Uid::of(id))),
        EntityRef::Feedback(id) => (8, Some(Uid::of(id))),
        EntityRef::Mail(id) => (9, Some(Uid::of(id))),
        EntityRef::Outbound(id) => (10, Some(Uid::of(id))),
        EntityRef::Notification(id) => (11, Some(Uid::of(id))),
        EntityRef::Correspondent(id) => (12, Some(Uid::of(id))),
    }
}

/// Reads a reference to a row.
pub(crate) fn entity(code: i64, id: Option<Uid>) -> Result<EntityRef> {
    match (code, id) {
        (0, None) => Ok(EntityRef::Tenant),
        (1, None) => Ok(EntityRef::Scheme),
        (2, Some(id)) => Ok(EntityRef::User(id.to())),
        (3, Some(id)) => Ok(EntityRef::Team(id.to())),
        (4, Some(id)) => Ok(EntityRef::Ticket(id.to())),
        (5, Some(id)) => Ok(EntityRef::Message(id.to())),
        (6, Some(id)) => Ok(EntityRef::Template(id.to())),
        (7, Some(id)) => Ok(EntityRef::Article(id.to())),
        (8, Some(id)) => Ok(EntityRef::Feedback(id.to())),
        (9, Some(id)) => Ok(EntityRef::Mail(id.to())),
        (10, Some(id)) => Ok(EntityRef::Outbound(id.to())),
        (11, Some(id)) => Ok(EntityRef::Notification(id.to())),
        (12, Some(id)) => Ok(EntityRef::Correspondent(id.to())),
        _ => Err(corrupt("EntityRef")),
    }
}
