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

/// The characters of a code of authentication: 130 bits in base 32.
const MAC_LENGTH: usize = 26;
const KEY_ID_LENGTH: usize = 2;
/// The characters of a token: the name of the key, then the code.
const TOKEN_LENGTH: usize = KEY_ID_LENGTH + MAC_LENGTH;
/// The largest local part of an address (RFC 5321, section 4.5.3.1.1).
const MAX_LOCAL_PART: usize = 64;
const MESSAGE_ID_LABEL: &str = "autocrm message-id v1";
const REPLY_LABEL: &str = "autocrm reply v1";
const KEY_ID_LABEL: &str = "autocrm key id v1";

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

/// The short public name of a key: two characters of base 32, derived from the secret. It stands in every token, so that
/// one key is tried and not all of them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId([u8; KEY_ID_LENGTH]);

impl KeyId {
    fn of(secret: &[u8]) -> Self {
        let mut id = [b'a'; KEY_ID_LENGTH];
        for (place, byte) in id.iter_mut().zip(mac(secret, &[KEY_ID_LABEL.as_bytes()]).bytes()) {
            *place = byte;
        }
        Self(id)
    }

    /// Returns the name.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({})", self.as_str())
    }
}

/// A secret of at least 32 bytes, shown nowhere.
#[derive(Clone, PartialEq, Eq)]
pub struct MailKey {
    id: KeyId,
    secret: Vec<u8>,
}

impl MailKey {
    /// Wraps a secret; `None` below 32 bytes.
    pub fn new(secret: impl Into<Vec<u8>>) -> Option<Self> {
        let secret = secret.into();
        (secret.len() >= 32).then(|| Self { id: KeyId::of(&secret), secret })
    }

    /// Returns the key's public name.
    pub const fn id(&self) -> KeyId {
        self.id
    }
}

impl fmt::Debug for MailKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MailKey({}, …)", self.id)
    }
}

/// The key ring of a desk: the current key signs, and all of them verify until they are retired.
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

    /// Returns the ring in which `next` signs; the present keys go on verifying.
    #[must_use]
    pub fn rotated(mut self, next: MailKey) -> Self {
        if next != self.current {
            self.previous.retain(|key| *key != next);
            self.previous.insert(0, std::mem::replace(&mut self.current, next));
        }
        self
    }

    /// Returns the ring without an earlier key: what it signed is no longer believed. The current key stays.
    #[must_use]
    pub fn retired(mut self, id: KeyId) -> Self {
        self.previous.retain(|key| key.id != id);
        self
    }

    /// Returns the names of the keys, the current one first, then the latest.
    pub fn ids(&self) -> Vec<KeyId> {
        self.ring().map(MailKey::id).collect()
    }

    fn ring(&self) -> impl Iterator<Item = &MailKey> {
        std::iter::once(&self.current).chain(&self.previous)
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
        self.ring()
            .filter(|key| given.starts_with(key.id.as_str()))
            .any(|key| token_for(key, label, tenant, id).as_bytes().ct_eq(given.as_bytes()).into())
    }
}

/// What a token is made for. The label keeps a token of one kind from passing as one of another.
fn token_for(key: &MailKey, label: &str, tenant: TenantId, id: uuid::Uuid) -> String {
    let code = mac(
        &key.secret,
        &[label.as_bytes(), tenant.as_uuid().as_bytes().as_slice(), id.as_bytes().as_slice()],
    );
    format!("{}{code}", key.id)
}

/// HMAC-SHA-256 (RFC 2104) of the parts, cut to 130 bits, in base 32.
fn mac(secret: &[u8], parts: &[&[u8]]) -> String {
    // HMAC takes a key of any length, so this never fails.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret) else { return String::new() };
    for part in parts {
        mac.update(part);
    }
    let mut encoded = BASE32_NOPAD.encode(&mac.finalize().into_bytes());
    encoded.truncate(MAC_LENGTH);
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
    }

    #[test]
    fn earlier_keys_verify_until_they_are_retired() {
        let (tenant, mail): (TenantId, OutboundId) = (fresh(), fresh());
        let sender = EmailAddress::new("support@example.org").unwrap();
        let old = keys(1);
        let id = old.message_id(tenant, mail, &sender).unwrap();
        let rotated = old.clone().rotated(MailKey::new(vec![9; 32]).unwrap());
        assert_eq!(rotated.ids().len(), 2);
        assert!(rotated.owns_message_id(tenant, mail, &id), "what the old key signed is believed");
        let newer = rotated.message_id(tenant, mail, &sender).unwrap();
        assert!(newer != id && !old.owns_message_id(tenant, mail, &newer), "the new key signs");
        assert!(newer.as_str().contains(&format!(".{}", rotated.ids()[0])), "{newer}");
        let retired = rotated.clone().retired(old.ids()[0]);
        assert!(!retired.owns_message_id(tenant, mail, &id), "what a retired key signed is not");
        assert!(retired.owns_message_id(tenant, mail, &newer));
        assert_eq!(retired.clone().retired(retired.ids()[0]).ids(), retired.ids(), "one key always stays");
        let again = rotated.clone().rotated(MailKey::new(vec![9; 32]).unwrap());
        assert_eq!(again.ids(), rotated.ids(), "the current key is no new one");
    }

    #[test]
    fn a_token_is_of_its_kind_and_whole() {
        let (tenant, ticket): (TenantId, TicketId) = (fresh(), fresh());
        let support = EmailAddress::new("support@example.org").unwrap();
        let keys = keys(1);
        let address = keys.reply_address(tenant, ticket, TicketNumber::new(7), &support).unwrap();
        let (_, _, token) = MailKeys::split_reply_address(&address).unwrap();
        assert!(token.len() * 5 >= 128 + KEY_ID_LENGTH * 5, "at least 128 bits of authentication");
        assert!(
            keys.owns_reply_token(tenant, ticket, &token.to_ascii_uppercase()),
            "case is lost on the way"
        );
        for place in 0..token.len() {
            let mut other = token.clone().into_bytes();
            other[place] = if other[place] == b'a' { b'b' } else { b'a' };
            assert!(!keys.owns_reply_token(tenant, ticket, std::str::from_utf8(&other).unwrap()), "{place}");
        }
        let as_message = OutboundId::from_uuid(ticket.as_uuid());
        let forged = format!("{}.{token}@example.org", ticket.as_uuid().simple());
        assert!(!keys.owns_message_id(tenant, as_message, &MessageIdHeader::new(forged).unwrap()));
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
