//! Mails that Resend holds: they are fetched raw, so that nothing of their header is lost.

use std::sync::Arc;

use autocrm_core::{
    app::{self, AutoCrm},
    error::{Error, ErrorKind, Result},
    mail::{BlobHash, Envelope, MAX_RAW, MailRefusal},
    text::{EmailAddress, ExternalId},
};
use bytes::{Bytes, BytesMut};
use reqwest::{Response, StatusCode, Url};
use serde_json::Value;

use super::{
    config::is_safe,
    failure::{failure, judge, shown},
    mailer::{ResendMailer, Shared},
    wire::Refusal,
};
use crate::webhook::ReceivedMail;

/// The largest answer of the interface that is read, in bytes.
const MAX_ANSWER: usize = 1_048_576;
/// How many mails are listed at once.
const LISTED: usize = 100;
/// How many mails one reconciliation looks at.
const MAX_LOOKED_AT: usize = 1_000;

/// What a reconciliation found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reconciled {
    /// Mails that Resend listed.
    pub listed: usize,
    /// Mails that the desk had missed and took in now, counted by recipient.
    pub taken_in: usize,
    /// Mails that could not be fetched; the next reconciliation tries again.
    pub failed: usize,
}

/// Fetches mails from Resend and hands them to the desk. Clones share connections and the rate with the mailer that they
/// were made of.
#[derive(Debug, Clone)]
pub struct ResendInbox {
    shared: Arc<Shared>,
}

impl ResendInbox {
    /// Returns the inbox of the account that a mailer sends through.
    pub fn of(mailer: &ResendMailer) -> Self {
        Self { shared: Arc::clone(&mailer.shared) }
    }

    /// Fetches a mail and hands it to the desk, once for each recipient who is the desk's; nobody vouches for its sender.
    /// What the desk has already is not fetched again. Answers how many times it was taken in.
    ///
    /// # Errors
    /// If Resend or the store fails: the same call may succeed later.
    pub async fn receive(&self, crm: &AutoCrm, mail: &ReceivedMail) -> app::Result<usize> {
        let mailbox = crm.mailbox();
        let mut raw: Option<Bytes> = None;
        let mut taken = 0;
        for recipient in &mail.recipients {
            let provider_id = provider_id(&mail.email_id, recipient)?;
            if mailbox.has_received(recipient, &provider_id).await? {
                continue;
            }
            let bytes = match &raw {
                Some(bytes) => bytes.clone(),
                None => raw.insert(self.fetch(&mail.email_id).await?).clone(),
            };
            let envelope = Envelope { provider_id: Some(provider_id), ..Envelope::to(recipient.clone()) };
            match mailbox.receive(&envelope, &bytes).await {
                Ok(received) => taken += usize::from(!received.duplicate),
                Err(app::Error::Mail(MailRefusal::UnknownRecipient)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(taken)
    }

    /// Looks through the latest mails that Resend holds, at most 1,000, and takes in what the desk has missed, such as
    /// while it was down. Meant to run every 15 minutes.
    ///
    /// # Errors
    /// If the list cannot be had. A mail that cannot be fetched is counted, and holds up no other.
    pub async fn reconcile(&self, crm: &AutoCrm) -> app::Result<Reconciled> {
        let mut found = Reconciled::default();
        let mut after: Option<String> = None;
        while found.listed < MAX_LOOKED_AT {
            let mut path = format!("emails/receiving?limit={LISTED}");
            if let Some(id) = after.filter(|id| is_plain(id)) {
                path = format!("{path}&after={id}");
            }
            let page = self.json(&path, "list").await?;
            let items = page.get("data").and_then(Value::as_array).cloned().unwrap_or_default();
            found.listed += items.len();
            for item in &items {
                let Some(mail) = ReceivedMail::read(item) else { continue };
                match self.receive(crm, &mail).await {
                    Ok(taken) => found.taken_in += taken,
                    Err(error) => {
                        tracing::warn!(code = error.code(), "a mail could not be fetched from Resend");
                        found.failed += 1;
                    }
                }
            }
            let last = items.last().and_then(|item| item.get("id")).and_then(Value::as_str);
            after = last.map(str::to_owned);
            if after.is_none() || page.get("has_more").and_then(Value::as_bool) != Some(true) {
                break;
            }
        }
        Ok(found)
    }

    /// Returns the raw bytes of a mail.
    async fn fetch(&self, id: &ExternalId) -> Result<Bytes> {
        if !is_plain(id) {
            return Err(Error::new(ErrorKind::Invalid, "resend.fetch"));
        }
        let found = self.json(&format!("emails/receiving/{}", id.as_str()), id).await?;
        let link = found.pointer("/raw/download_url").and_then(Value::as_str).unwrap_or_default();
        // The link carries its own right; the key stays here.
        let target = Url::parse(link).ok().filter(|url| self.may_fetch(url));
        let Some(target) = target else {
            return Err(Error::new(ErrorKind::Unavailable, "resend.fetch").context(id));
        };
        let request = self.shared.client.get(target);
        let response = request.send().await.map_err(|error| unreachable(error, id))?;
        if !response.status().is_success() {
            return Err(refused(response.status(), "", id));
        }
        read(response, MAX_RAW, id).await
    }

    /// A link to this machine is followed only when the interface is here as well.
    fn may_fetch(&self, url: &Url) -> bool {
        url.scheme() == "https" || is_safe(url) && self.shared.config.base.starts_with("http://")
    }

    async fn json(&self, path: &str, context: &str) -> Result<Value> {
        self.shared.wait(context).await?;
        let request =
            self.shared.client.get(self.shared.config.url(path)).bearer_auth(self.shared.config.key.reveal());
        let response = request.send().await.map_err(|error| unreachable(error, context))?;
        self.shared.pace.note(response.headers());
        let status = response.status();
        let bytes = read(response, MAX_ANSWER, context).await?;
        if !status.is_success() {
            let refusal: Refusal = serde_json::from_slice(&bytes).unwrap_or_default();
            return Err(refused(status, &refusal.name, context));
        }
        serde_json::from_slice(&bytes)
            .map_err(|_| Error::new(ErrorKind::Unavailable, "resend.fetch").context(context))
    }
}

/// Returns whether an id can stand in a path as it is.
fn is_plain(id: &str) -> bool {
    !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

/// One mail for several recipients is one row for each.
fn provider_id(id: &ExternalId, recipient: &EmailAddress) -> app::Result<ExternalId> {
    let hash = BlobHash::of(recipient.as_str().as_bytes()).to_string();
    Ok(ExternalId::new(format!("resend/{}/{}", id.as_str(), hash.get(..16).unwrap_or_default()))?)
}

async fn read(mut response: Response, max: usize, context: &str) -> Result<Bytes> {
    let mut bytes = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| unreachable(error, context))? {
        if bytes.len() + chunk.len() > max {
            return Err(Error::new(ErrorKind::LimitExceeded, "resend.fetch").context(context));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes.freeze())
}

fn refused(status: StatusCode, name: &str, context: &str) -> Error {
    let told = format_args!("{context}, {} {}", status.as_u16(), shown(name)).to_string();
    failure(judge(status, name), None, told)
}

fn unreachable(error: reqwest::Error, context: &str) -> Error {
    let kind = if error.is_timeout() { ErrorKind::Timeout } else { ErrorKind::Unavailable };
    Error::new(kind, "resend.fetch").context(context).source(error.without_url())
}
