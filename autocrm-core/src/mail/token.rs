//! Keyed tokens: Message-IDs and reply addresses that only this desk can make.

use std::fmt;

use data_encoding::BASE32_NOPAD;
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use crate::{
    id::{MessageId, OutboundId, TenantId, TicketId, UserId},
    text::{EmailAddress, TextError, TextProblem},
    ticket::TicketNumber,
};

/// The characters of a token: 130 bits in base 32.
const TOKEN_LENGTH: usize = 26;
/// The largest local part of an address (RFC 5321, section 4.5.3.1.1).
const MAX_LOCAL_PART: usize = 64;
const MESSAGE_ID_LABEL: &str = "autocrm message-id v1";
const REPLY_LABEL: &str = "autocrm reply v1";

/// A Message-ID without its angle brackets: 1..=250 visible ASCII characters, none of `<>`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageIdHeader(String);

impl MessageIdHeader {
    /// The largest length, in bytes.
    pub const MAX: usize = 250;

    /// Checks a Message-ID; surrounding angle brackets and white space are removed.
    pub fn new(text: impl AsRef<str>) -> Result<Self, TextError> {
        let error = |problem| TextError { kind: "MessageIdHeader", problem };
        let bare = text.as_ref().trim().trim_start_matches('<').trim_end_matches('>').trim();
        if bare.is_empty() {
            return Err(error(TextProblem::Empty));
        }
        if bare.len() > Self::MAX {
            return Err(error(TextProblem::TooLong { max: Self::MAX, actual: bare.len() }));
        }
        if !bare.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'<' && byte != b'>') {
            return Err(error(TextProblem::Malformed));
        }
        Ok(Self(bare.to_owned()))
    }

    /// Returns the id without angle brackets.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for MessageIdHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for MessageIdHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{}>", self.0)
    }
}

impl Serialize for MessageIdHeader {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for MessageIdHeader {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::new(text).map_err(serde::de::Error::custom)
    }
}

/// Whether a referenced mail came in or left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MailRefDirection {
    /// It came in.
    Inbound,
    /// It left.
    Outbound {
        /// The mail.
        outbound: OutboundId,
    },
}

/// A Message-ID seen or made, and the message that it belongs to. Several messages may share one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MailRef {
    /// The tenant.
    pub tenant: TenantId,
    /// The Message-ID.
    pub message_id: MessageIdHeader,
    /// The ticket.
    pub ticket: TicketId,
    /// The message.
    pub message: MessageId,
    /// Whether it came in or left.
    pub direction: MailRefDirection,
    /// The customer who sent it, or to whom it went.
    pub user: UserId,
}

/// A secret of at least 32 bytes, shown nowhere.
#[derive(Clone, PartialEq, Eq)]
pub struct MailKey(Vec<u8>);

impl MailKey {
    /// Wraps a secret; `None` below 32 bytes.
    pub fn new(secret: impl Into<Vec<u8>>) -> Option<Self> {
        let bytes = secret.into();
        (bytes.len() >= 32).then_some(Self(bytes))
    }
}

impl fmt::Debug for MailKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MailKey(…)")
    }
}

/// The keys of a desk: the current one signs, all of them verify.
#[derive(Debug, Clone)]
pub struct MailKeys {
    current: MailKey,
    previous: Vec<MailKey>,
}

impl MailKeys {
    /// Returns keys of which `current` signs and all verify.
    pub fn new(current: MailKey, previous: Vec<MailKey>) -> Self {
        Self { current, previous }
    }

    /// Returns the Message-ID of a mail that leaves: its id, a token, and the sender's domain.
    pub fn message_id(
        &self,
        tenant: TenantId,
        outbound: OutboundId,
        sender: &EmailAddress,
    ) -> Result<MessageIdHeader, TextError> {
        let token = token_for(&self.current, MESSAGE_ID_LABEL, tenant, outbound.as_uuid());
        let domain = sender.rsplit_once('@').map_or("localhost", |(_, domain)| domain);
        MessageIdHeader::new(format!("{}.{token}@{domain}", outbound.as_uuid().simple()))
    }

    /// Returns whether a Message-ID was made by this desk for that mail.
    pub fn owns_message_id(&self, tenant: TenantId, outbound: OutboundId, id: &MessageIdHeader) -> bool {
        let local = id.as_str().split('@').next().unwrap_or_default();
        let Some((name, given)) = local.split_once('.') else { return false };
        name == outbound.as_uuid().simple().to_string()
            && self.verify(MESSAGE_ID_LABEL, tenant, outbound.as_uuid(), given)
    }

    /// Returns the address under which replies to a ticket arrive, such as `support+1042.k7f2…@example.org`; `None`
    /// when the support address is too long for it.
    pub fn reply_address(
        &self,
        tenant: TenantId,
        ticket: TicketId,
        number: TicketNumber,
        support: &EmailAddress,
    ) -> Option<EmailAddress> {
        let (local, domain) = support.rsplit_once('@')?;
        let token = token_for(&self.current, REPLY_LABEL, tenant, ticket.as_uuid());
        let tagged = format!("{local}+{number}.{token}");
        if tagged.len() > MAX_LOCAL_PART {
            return None;
        }
        EmailAddress::new(format!("{tagged}@{domain}")).ok()
    }

    /// Splits a recipient such as `support+1042.k7f2…@example.org` into the support address, the number and the token.
    pub fn split_reply_address(recipient: &EmailAddress) -> Option<(EmailAddress, TicketNumber, String)> {
        let (local, domain) = recipient.rsplit_once('@')?;
        let (support, tag) = local.rsplit_once('+')?;
        let (number, token) = tag.split_once('.')?;
        let number = number.parse().ok().map(TicketNumber::new)?;
        if token.len() != TOKEN_LENGTH {
            return None;
        }
        Some((EmailAddress::new(format!("{support}@{domain}")).ok()?, number, token.to_owned()))
    }

    /// Returns whether a token was made by this desk for replies to the ticket.
    pub fn owns_reply_token(&self, tenant: TenantId, ticket: TicketId, given: &str) -> bool {
        self.verify(REPLY_LABEL, tenant, ticket.as_uuid(), given)
    }

    fn verify(&self, label: &str, tenant: TenantId, id: uuid::Uuid, given: &str) -> bool {
        let given = given.to_ascii_lowercase();
        std::iter::once(&self.current)
            .chain(&self.previous)
            .any(|key| token_for(key, label, tenant, id).as_bytes().ct_eq(given.as_bytes()).into())
    }
}

/// What a token is made for. The label keeps a token of one kind from passing as one of another.
fn token_for(key: &MailKey, label: &str, tenant: TenantId, id: uuid::Uuid) -> String {
    // HMAC takes a key of any length (RFC 2104), so this never fails.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&key.0) else { return String::new() };
    mac.update(label.as_bytes());
    mac.update(tenant.as_uuid().as_bytes());
    mac.update(id.as_bytes());
    let mut encoded = BASE32_NOPAD.encode(&mac.finalize().into_bytes());
    encoded.truncate(TOKEN_LENGTH);
    encoded.make_ascii_lowercase();
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        clock::Timestamp,
        id::{IdSource, RandomIds},
    };

    fn keys(fill: u8) -> MailKeys {
        MailKeys::new(MailKey::new(vec![fill; 32]).unwrap(), Vec::new())
    }

    fn fresh<T: From<uuid::Uuid>>() -> T {
        T::from(RandomIds.uuid(Timestamp::EPOCH))
    }

    #[test]
    fn message_ids_are_owned_by_key_tenant_and_mail() {
        let (tenant, mail): (TenantId, OutboundId) = (fresh(), fresh());
        let sender = EmailAddress::new("support@example.org").unwrap();
        let id = keys(1).message_id(tenant, mail, &sender).unwrap();
        assert!(keys(1).owns_message_id(tenant, mail, &id));
        assert!(!keys(2).owns_message_id(tenant, mail, &id));
        assert!(!keys(1).owns_message_id(fresh(), mail, &id));
        assert!(!keys(1).owns_message_id(tenant, fresh(), &id));
        let rotated =
            MailKeys::new(MailKey::new(vec![9; 32]).unwrap(), vec![MailKey::new(vec![1; 32]).unwrap()]);
        assert!(rotated.owns_message_id(tenant, mail, &id));
    }

    #[test]
    fn reply_addresses_are_owned_by_key_and_ticket() {
        let (tenant, ticket): (TenantId, TicketId) = (fresh(), fresh());
        let support = EmailAddress::new("support@example.org").unwrap();
        let address = keys(1).reply_address(tenant, ticket, TicketNumber::new(1_042), &support).unwrap();
        let (back, number, token) = MailKeys::split_reply_address(&address).unwrap();
        assert_eq!((back, number), (support.clone(), TicketNumber::new(1_042)));
        assert!(keys(1).owns_reply_token(tenant, ticket, &token));
        assert!(!keys(1).owns_reply_token(tenant, fresh(), &token));
        assert!(!keys(2).owns_reply_token(tenant, ticket, &token));
        assert!(MailKeys::split_reply_address(&support).is_none());
        assert!(MailKey::new(vec![0; 31]).is_none());
        let long = EmailAddress::new(format!("{}@example.org", "s".repeat(40))).unwrap();
        assert!(keys(1).reply_address(tenant, ticket, TicketNumber::new(1), &long).is_none());
    }
}
