//! Header fields that every way out writes alike.

use autocrm_core::{
    error::{Error, ErrorKind},
    mail::{MAX_RECIPIENTS, MessageIdHeader, OutboundMail},
    text::EmailAddress,
};
use lettre::{Address, message::Mailbox};

/// Returns the fields beyond those of an ordinary mail.
///
/// What no person wrote is marked, so that no other machine answers it (RFC 3834, section 5); a person's mail never is.
/// `X-Auto-Response-Suppress` is Exchange's word for it, `X-AutoCRM-Loop` catches loops of our own. Only mail of a
/// subscription says where it ends (RFC 8058, section 3.1).
pub(crate) fn extra_fields(mail: &OutboundMail) -> Vec<(&'static str, String)> {
    let mut fields = Vec::new();
    if mail.automatic {
        // An answer is replied, what a trigger asked for is generated; a direct answer is never the latter.
        let how = if mail.trigger.is_some() { "auto-generated" } else { "auto-replied" };
        fields.push(("Auto-Submitted", how.to_owned()));
        fields.push(("X-Auto-Response-Suppress", "All".to_owned()));
        fields.push(("X-AutoCRM-Loop", mail.tenant.to_string()));
    }
    if let Some(link) = &mail.unsubscribe {
        fields.push(("List-Unsubscribe", format!("<{}>", link.as_str())));
        fields.push(("List-Unsubscribe-Post", "List-Unsubscribe=One-Click".to_owned()));
    }
    fields
}

/// Returns an address as it stands in a header; `None` unless it is ASCII, as mail without SMTPUTF8 needs it.
pub(crate) fn mailbox(address: &EmailAddress, name: Option<&str>) -> Option<Mailbox> {
    if !address.is_ascii() {
        return None;
    }
    let (local, domain) = address.as_str().rsplit_once('@')?;
    Some(Mailbox::new(name.map(str::to_owned), Address::new(local, domain).ok()?))
}

pub(crate) fn bracketed(id: &MessageIdHeader) -> String {
    format!("<{id}>")
}

/// Returns the refusal of a mail with too many recipients.
pub(crate) fn too_many(mail: &OutboundMail, operation: &'static str) -> Option<Error> {
    let count = mail.recipients().count();
    let context =
        format_args!("{count} recipients of {}, the limit is {MAX_RECIPIENTS}", mail.id).to_string();
    (count > MAX_RECIPIENTS).then(|| Error::new(ErrorKind::Invalid, operation).context(context))
}
