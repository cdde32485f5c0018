//! Identifiers: one type per noun, all UUIDv7, in one alphabetical registry.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::clock::Timestamp;

/// An identifier type of the registry below.
pub trait Id: Copy + From<Uuid> + Into<Uuid> {}

/// The text is not a UUID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an id: expected a UUID")]
pub struct ParseIdError;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident,)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// Wraps a UUID that already names this noun.
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// Returns the UUID.
            pub const fn as_uuid(self) -> Uuid {
                self.0
            }
        }

        impl Id for $name {}

        impl From<Uuid> for $name {
            fn from(uuid: Uuid) -> Self {
                Self(uuid)
            }
        }

        impl From<$name> for Uuid {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                Uuid::parse_str(text).map(Self).map_err(|_| ParseIdError)
            }
        }
    )+};
}

ids! {
    /// Names a knowledge base article.
    ArticleId,
    /// Names a file attached to a message.
    AttachmentId,
    /// Names a passage of an article's current revision.
    ChunkId,
    /// Names an address that the desk writes to.
    CorrespondentId,
    /// Names an event of the log.
    EventId,
    /// Names a piece of feedback.
    FeedbackId,
    /// Names a job row.
    JobId,
    /// Names a received mail.
    MailId,
    /// Names a message of a conversation.
    MessageId,
    /// Names a notification.
    NotificationId,
    /// Names a mail that leaves.
    OutboundId,
    /// Names a team.
    TeamId,
    /// Names a response template.
    TemplateId,
    /// Names a tenant.
    TenantId,
    /// Names a ticket.
    TicketId,
    /// Names a user: customer, agent or admin.
    UserId,
}

/// Makes fresh UUIDv7 values (RFC 9562, section 5.7).
///
/// # Contract
/// * **I1** Two calls never return the same value, from any thread.
/// * **I2** The first 48 bits are the milliseconds of `at`.
pub trait IdSource: Send + Sync + fmt::Debug {
    /// Returns a fresh UUIDv7 stamped with `at`.
    fn uuid(&self, at: Timestamp) -> Uuid;
}

/// Ids whose 62 free bits come from the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct RandomIds;

impl IdSource for RandomIds {
    fn uuid(&self, at: Timestamp) -> Uuid {
        let mut random = [0_u8; 8];
        if getrandom::fill(&mut random).is_err() {
            // Without an entropy source ids would repeat; a process in that state cannot keep any promise.
            std::process::abort();
        }
        uuid_v7(at, u64::from_be_bytes(random))
    }
}

/// Builds a UUIDv7 from a time and 62 free bits; the 12 bits after the version hold the fraction of the millisecond,
/// so that ids of one source sort by time to about a quarter of a microsecond (RFC 9562, section 6.2, method 3).
pub fn uuid_v7(at: Timestamp, free: u64) -> Uuid {
    let micros = u128::from(at.as_micros().max(0).unsigned_abs());
    let millis = (micros / 1_000) & 0xFFFF_FFFF_FFFF;
    let fraction = (micros % 1_000) * 4_096 / 1_000;
    let value = (millis << 80) | (0x7 << 76) | (fraction << 64) | (0b10 << 62) | u128::from(free >> 2);
    Uuid::from_u128(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_time_and_carry_version_seven() {
        let early = uuid_v7(Timestamp::from_micros(1_700_000_000_000_001), u64::MAX);
        let late = uuid_v7(Timestamp::from_micros(1_700_000_000_000_010), 0);
        assert!(early < late);
        assert_eq!(early.get_version_num(), 7);
        assert_eq!(early.get_variant(), uuid::Variant::RFC4122);
    }

    #[test]
    fn random_ids_differ() {
        let at = Timestamp::from_micros(1);
        assert_ne!(RandomIds.uuid(at), RandomIds.uuid(at));
    }

    #[test]
    fn text_round_trips_and_bad_text_is_refused() {
        let id = TicketId::from_uuid(uuid_v7(Timestamp::from_micros(5), 7));
        assert_eq!(id.to_string().parse::<TicketId>(), Ok(id));
        assert_eq!("ticket".parse::<TicketId>(), Err(ParseIdError));
    }
}
