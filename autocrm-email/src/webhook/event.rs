//! What a webhook tells. Kinds and fields that Resend may add later are no error.

use autocrm_core::{
    clock::Timestamp,
    id::{OutboundId, TenantId},
    mail::{BounceClass, DeliveryNews, NewsKind},
    text::{EmailAddress, ExternalId},
};
use serde::Deserialize;
use serde_json::Value;

use crate::resend::{MAIL_TAG, TENANT_TAG};

/// The largest number of recipients of a received mail that are looked at.
const MAX_RECIPIENTS: usize = 50;

/// What a webhook tells.
#[derive(Debug, Clone, PartialEq)]
pub enum ResendEvent {
    /// What became of a mail of the desk.
    News(DeliveryNews),
    /// A mail came in; its bytes are to be fetched.
    Received(ReceivedMail),
    /// Something that does not concern the desk, or that is not known yet.
    Other {
        /// Its kind, as Resend names it, at most 100 characters.
        kind: String,
    },
}

/// A mail that Resend holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceivedMail {
    /// Its id at Resend.
    pub email_id: ExternalId,
    /// To whom it was delivered, by the envelope, at most 50. `To` is never looked at.
    pub recipients: Vec<EmailAddress>,
}

/// The body is no event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the body is no event of Resend")]
pub struct EventError;

#[derive(Deserialize)]
struct Raw {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    created_at: Option<String>,
    #[serde(default)]
    data: Value,
}

impl ResendEvent {
    /// Reads the body of a webhook whose signature was checked. `id` is the webhook's own id, `now` stands in for a time
    /// that cannot be read.
    ///
    /// # Errors
    /// If the body is no JSON object with a type.
    pub fn read(id: &ExternalId, body: &[u8], now: Timestamp) -> Result<Self, EventError> {
        let raw: Raw = serde_json::from_slice(body).map_err(|_| EventError)?;
        let other = || Self::Other { kind: raw.kind.chars().take(100).collect() };
        if raw.kind == "email.received" {
            return Ok(ReceivedMail::read(&raw.data).map_or_else(other, Self::Received));
        }
        let Some(kind) = news_kind(&raw.kind, &raw.data) else { return Ok(other()) };
        let tag = |name: &str| tag(raw.data.get("tags").unwrap_or(&Value::Null), name);
        let tenant = tag(TENANT_TAG).and_then(|text| text.parse::<TenantId>().ok());
        let mail = tag(MAIL_TAG).and_then(|text| text.parse::<OutboundId>().ok());
        let (Some(tenant), Some(mail)) = (tenant, mail) else { return Ok(other()) };
        let at = raw.created_at.as_deref().and_then(|text| text.parse().ok()).unwrap_or(now);
        Ok(Self::News(DeliveryNews { id: id.clone(), tenant, mail, kind, at }))
    }
}

impl ReceivedMail {
    /// Reads a mail as events and lists show it; `None` without an id or a recipient.
    pub(crate) fn read(data: &Value) -> Option<Self> {
        let text = |name: &str| data.get(name).and_then(Value::as_str);
        let email_id = ExternalId::new(text("email_id").or_else(|| text("id"))?).ok()?;
        let listed = data.get("received_for").and_then(Value::as_array)?;
        let recipients: Vec<EmailAddress> = listed
            .iter()
            .take(MAX_RECIPIENTS)
            .filter_map(|one| EmailAddress::new(one.as_str()?).ok())
            .collect();
        (!recipients.is_empty()).then_some(Self { email_id, recipients })
    }
}

fn news_kind(kind: &str, data: &Value) -> Option<NewsKind> {
    Some(match kind {
        "email.delivered" => NewsKind::Delivered,
        "email.delivery_delayed" => NewsKind::Delayed,
        "email.bounced" => NewsKind::Bounced { class: bounce(data.get("bounce").unwrap_or(&Value::Null)) },
        "email.complained" => NewsKind::Complained,
        "email.failed" => NewsKind::Failed,
        "email.suppressed" => NewsKind::Suppressed,
        "email.opened" => NewsKind::Opened { machine: agent(data, "open").is_none_or(is_machine) },
        "email.clicked" => NewsKind::Clicked { machine: agent(data, "click").is_none_or(is_machine) },
        _ => return None,
    })
}

/// Resend's words: `Permanent`, `Transient`, `Undetermined`; a policy is told by the subtype.
fn bounce(bounce: &Value) -> BounceClass {
    let word = |name: &str| bounce.get(name).and_then(Value::as_str).unwrap_or_default().to_ascii_lowercase();
    match (word("type").as_str(), word("subType").as_str()) {
        (_, "contentrejected" | "messagerejected" | "attachmentrejected" | "messagetoolarge") => {
            BounceClass::Policy
        }
        ("permanent", _) => BounceClass::Hard,
        _ => BounceClass::Soft,
    }
}

fn agent<'a>(data: &'a Value, what: &str) -> Option<&'a str> {
    data.get(what)?.get("userAgent")?.as_str()
}

/// Programs that fetch pictures or links by themselves: mail services' proxies and scanners.
fn is_machine(agent: &str) -> bool {
    let lower = agent.to_ascii_lowercase();
    lower.trim().is_empty()
        // Apple's privacy protection says nothing but this.
        || lower.trim() == "mozilla/5.0"
        || ["googleimageproxy", "yahoomailproxy", "bot", "crawler", "scanner", "preview", "python", "curl", "go-http"]
            .iter()
            .any(|word| lower.contains(word))
}

/// Tags come as an object, or as a list of names and values.
fn tag<'a>(tags: &'a Value, name: &str) -> Option<&'a str> {
    match tags {
        Value::Object(named) => named.get(name)?.as_str(),
        Value::Array(listed) => listed
            .iter()
            .find(|one| one.get("name").and_then(Value::as_str) == Some(name))?
            .get("value")?
            .as_str(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TENANT: &str = "01934b7e-0000-7000-8000-000000000002";
    const MAIL: &str = "01934b7e-0000-7000-8000-000000000001";

    fn read(body: &Value) -> ResendEvent {
        let now = "2026-11-24T09:30:00Z".parse().unwrap();
        ResendEvent::read(&ExternalId::new("msg_1").unwrap(), body.to_string().as_bytes(), now).unwrap()
    }

    fn kind(body: &Value) -> Option<NewsKind> {
        match read(body) {
            ResendEvent::News(news) => Some(news.kind),
            _ => None,
        }
    }

    fn event(kind: &str, more: &Value) -> Value {
        let mut data =
            serde_json::json!({ "email_id": "re-1", "tags": { TENANT_TAG: TENANT, MAIL_TAG: MAIL } });
        data.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        serde_json::json!({ "type": kind, "created_at": "2026-11-24T08:00:00.000Z", "data": data })
    }

    #[test]
    fn news_name_their_mail_by_its_tags() {
        let plain = serde_json::json!({});
        let ResendEvent::News(news) = read(&event("email.delivered", &plain)) else { panic!("no news") };
        assert_eq!((news.tenant.to_string(), news.mail.to_string()), (TENANT.to_owned(), MAIL.to_owned()));
        assert_eq!(news.at, "2026-11-24T08:00:00Z".parse().unwrap());
        let listed = serde_json::json!({ "tags": [
            { "name": TENANT_TAG, "value": TENANT }, { "name": MAIL_TAG, "value": MAIL },
        ] });
        assert_eq!(kind(&event("email.complained", &listed)), Some(NewsKind::Complained));
        for tags in [serde_json::json!({}), serde_json::json!({ TENANT_TAG: TENANT }), Value::Null] {
            let body = event("email.delivered", &serde_json::json!({ "tags": tags }));
            assert!(matches!(read(&body), ResendEvent::Other { .. }), "{body}");
        }
    }

    #[test]
    fn what_is_not_known_yet_is_no_error() {
        let new = event("email.teleported", &serde_json::json!({ "speed": 9 }));
        assert_eq!(read(&new), ResendEvent::Other { kind: "email.teleported".to_owned() });
        assert!(matches!(
            read(&serde_json::json!({ "type": "inbox.thread.created" })),
            ResendEvent::Other { .. }
        ));
        let bounce = |kind: &str, subtype: &str| {
            kind_of_bounce(&serde_json::json!({ "bounce": { "type": kind, "subType": subtype, "new": 1 } }))
        };
        assert_eq!(bounce("Permanent", "General"), BounceClass::Hard);
        assert_eq!(bounce("Permanent", "SomethingNew"), BounceClass::Hard);
        assert_eq!(bounce("Transient", "MailboxFull"), BounceClass::Soft);
        assert_eq!(bounce("SomethingNew", "General"), BounceClass::Soft);
        assert_eq!(bounce("Transient", "ContentRejected"), BounceClass::Policy);
    }

    fn kind_of_bounce(more: &Value) -> BounceClass {
        match kind(&event("email.bounced", more)) {
            Some(NewsKind::Bounced { class }) => class,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn machines_are_kept_apart_and_doubt_counts_as_one() {
        let opened = |agent: Value| {
            kind(&event("email.opened", &serde_json::json!({ "open": { "userAgent": agent } })))
        };
        let person = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Thunderbird/140.0";
        assert_eq!(opened(person.into()), Some(NewsKind::Opened { machine: false }));
        for machine in
            ["Mozilla/5.0", "", "Mozilla/5.0 (via ggpht.com GoogleImageProxy)", "SecurityScanner/1"]
        {
            assert_eq!(opened(machine.into()), Some(NewsKind::Opened { machine: true }), "{machine}");
        }
        assert_eq!(opened(Value::Null), Some(NewsKind::Opened { machine: true }));
        let clicked =
            event("email.clicked", &serde_json::json!({ "click": { "userAgent": person, "link": "x" } }));
        assert_eq!(kind(&clicked), Some(NewsKind::Clicked { machine: false }));
    }

    #[test]
    fn a_received_mail_is_routed_by_its_envelope() {
        let body = |data: Value| serde_json::json!({ "type": "email.received", "data": data });
        let found = read(&body(serde_json::json!({
            "email_id": "in-1", "to": ["eve@example.org"], "received_for": ["Help@Acme.example", 7, "not an address"],
        })));
        let ResendEvent::Received(mail) = found else { panic!("{found:?}") };
        assert_eq!(mail.email_id.as_str(), "in-1");
        assert_eq!(mail.recipients, [EmailAddress::new("help@acme.example").unwrap()]);
        for incomplete in [
            serde_json::json!({ "email_id": "in-1", "to": ["help@acme.example"] }),
            serde_json::json!({ "received_for": ["help@acme.example"] }),
            Value::Null,
        ] {
            assert!(matches!(read(&body(incomplete)), ResendEvent::Other { .. }));
        }
    }

    #[test]
    fn what_is_no_event_is_refused() {
        let id = ExternalId::new("msg_1").unwrap();
        for body in ["", "[]", "{}", "{\"type\":1}", "null", "{\"type\":\"email.sent\""] {
            assert_eq!(ResendEvent::read(&id, body.as_bytes(), Timestamp::EPOCH), Err(EventError), "{body}");
        }
    }
}
