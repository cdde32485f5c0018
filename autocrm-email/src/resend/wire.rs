//! What is said to Resend and what it answers.

use autocrm_core::{
    error::{Error, ErrorKind, Result},
    mail::OutboundMail,
    text::EmailAddress,
};
use lettre::message::Mailbox;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

use super::{MAIL_TAG, TENANT_TAG, failure::SEND};
use crate::compose::{bracketed, extra_fields, mailbox, too_many};

/// A mail as `POST /emails` takes it. The same mail always gives the same text, as its idempotency key demands.
#[derive(Debug, Serialize)]
pub(super) struct Email<'a> {
    from: String,
    to: [&'a str; 1],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    cc: &'a [EmailAddress],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    bcc: &'a [EmailAddress],
    #[serde(skip_serializing_if = "Option::is_none")]
    reply_to: Option<&'a str>,
    subject: &'a str,
    text: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    html: Option<&'a str>,
    headers: BTreeMap<&'static str, String>,
    tags: [Tag; 2],
}

/// What a webhook brings back.
#[derive(Debug, Serialize)]
struct Tag {
    name: &'static str,
    value: String,
}

impl<'a> Email<'a> {
    /// Encodes a mail.
    ///
    /// # Errors
    /// `Invalid` if an address is not ASCII or there are more than 50 recipients.
    pub(super) fn of(mail: &'a OutboundMail) -> Result<Self> {
        if let Some(error) = too_many(mail, SEND) {
            return Err(error);
        }
        let invalid = || Error::new(ErrorKind::Invalid, SEND).context(mail.id);
        let from: Mailbox = mailbox(&mail.from, Some(mail.from_name.as_str())).ok_or_else(invalid)?;
        if mail.recipients().chain(&mail.reply_to).any(|address| mailbox(address, None).is_none()) {
            return Err(invalid());
        }
        let mut headers: BTreeMap<&'static str, String> = extra_fields(mail).into_iter().collect();
        headers.insert("Message-ID", bracketed(&mail.message_id));
        if let Some(answered) = &mail.in_reply_to {
            headers.insert("In-Reply-To", bracketed(answered));
        }
        if !mail.references.is_empty() {
            let thread: Vec<String> = mail.references.iter().map(bracketed).collect();
            headers.insert("References", thread.join(" "));
        }
        Ok(Self {
            from: from.to_string(),
            to: [mail.to.as_str()],
            cc: &mail.cc,
            bcc: &mail.bcc,
            reply_to: mail.reply_to.as_deref(),
            subject: &mail.subject,
            text: &mail.text,
            html: mail.html.as_deref(),
            headers,
            tags: [
                Tag { name: TENANT_TAG, value: mail.tenant.to_string() },
                Tag { name: MAIL_TAG, value: mail.id.to_string() },
            ],
        })
    }
}

/// What Resend answers to a mail that it takes.
#[derive(Debug, Deserialize)]
pub(super) struct Accepted {
    pub(super) id: String,
}

/// What Resend answers to a batch that it takes.
#[derive(Debug, Deserialize)]
pub(super) struct AcceptedBatch {
    pub(super) data: Vec<Accepted>,
}

/// What Resend answers when it does not take a mail. Only the name counts: the message quotes addresses.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Refusal {
    #[serde(default)]
    pub(super) name: String,
}
