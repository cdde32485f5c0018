//! The mailer.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use autocrm_core::{
    error::{Error, ErrorKind, Result, Retry},
    mail::{BlobHash, OutboundMail},
    port::{Delivery, Mailer},
    text::one_line,
};
use reqwest::{Client, redirect::Policy};
use serde::{Serialize, de::DeserializeOwned};
use tokio::time::sleep;

use super::{
    ResendConfig,
    failure::{SEND, Verdict, failure, judge, shown},
    pace::{Pace, asked_pause},
    wire::{Accepted, AcceptedBatch, Email, Refusal},
};

/// The largest number of mails of one batch.
pub const MAX_BATCH: usize = 100;
/// How often a mail that Resend is taking in at this moment is asked for again here.
const CONCURRENT_TRIES: u32 = 6;
/// The pause before the first of these; it grows by itself each time.
const CONCURRENT_PAUSE: Duration = Duration::from_millis(100);
/// The longest answer that is read, in bytes.
const MAX_ANSWER: usize = 65_536;
/// The longest id of a mail at Resend, in characters.
const MAX_ID: usize = 200;

/// Hands mails to Resend. Clones share connections and the rate.
///
/// The idempotency key is `autocrm/<tenant>/<mail>`, which Resend keeps for 24 hours: a process that dies before it
/// recorded the answer asks again and gets the same id.
#[derive(Debug, Clone)]
pub struct ResendMailer {
    pub(super) shared: Arc<Shared>,
}

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) client: Client,
    pub(super) pace: Pace,
    pub(super) config: ResendConfig,
}

impl ResendMailer {
    /// Returns a mailer; nothing is connected before the first mail. Redirects are not followed, and no proxy of the
    /// environment is used.
    ///
    /// # Errors
    /// `Unavailable` if TLS cannot be set up.
    pub fn new(config: ResendConfig) -> Result<Self> {
        let client = Client::builder()
            .user_agent(concat!("autocrm/", env!("CARGO_PKG_VERSION")))
            .timeout(config.timeout)
            .redirect(Policy::none())
            .no_proxy()
            .build()
            .map_err(|error| Error::new(ErrorKind::Unavailable, "resend.open").source(error))?;
        let pace = Pace::new(config.per_second);
        Ok(Self { shared: Arc::new(Shared { client, pace, config }) })
    }

    /// Hands over 1..=100 mails of one tenant in one request: all or none are taken. The key is made of the mails' ids
    /// and their order, so that only the same batch is recognised again: mails of a batch must not be sent alone. The
    /// desk's own worker sends each mail alone.
    ///
    /// # Errors
    /// `Invalid` for no mails, more than 100 or several tenants; otherwise as [`Mailer::send`].
    pub async fn send_batch(&self, mails: &[OutboundMail]) -> Result<Vec<Delivery>> {
        let invalid = || Error::new(ErrorKind::Invalid, SEND).context(format_args!("{} mails", mails.len()));
        let tenant = mails.first().map(|mail| mail.tenant).ok_or_else(invalid)?;
        if mails.len() > MAX_BATCH || mails.iter().any(|mail| mail.tenant != tenant) {
            return Err(invalid());
        }
        let emails = mails.iter().map(Email::of).collect::<Result<Vec<_>>>()?;
        let ids: Vec<String> = mails.iter().map(|mail| mail.id.to_string()).collect();
        let key = format!("autocrm/{tenant}/batch/{}", BlobHash::of(ids.join("\n").as_bytes()));
        let context = format!("{} mails", mails.len());
        let taken: AcceptedBatch = self.shared.post("emails/batch", &key, &emails, &context).await?;
        if taken.data.len() != mails.len() {
            return Err(failure(Verdict::Moment, None, context));
        }
        taken.data.iter().map(|accepted| delivery(accepted, &context)).collect()
    }
}

#[async_trait]
impl Mailer for ResendMailer {
    async fn send(&self, mail: &OutboundMail) -> Result<Delivery> {
        let key = format!("autocrm/{}/{}", mail.tenant, mail.id);
        let context = mail.id.to_string();
        let accepted: Accepted = self.shared.post("emails", &key, &Email::of(mail)?, &context).await?;
        delivery(&accepted, &context)
    }
}

fn delivery(accepted: &Accepted, context: &str) -> Result<Delivery> {
    let provider_id = one_line(&accepted.id, MAX_ID);
    if provider_id.is_empty() {
        return Err(failure(Verdict::Moment, None, context));
    }
    Ok(Delivery { provider_id })
}

/// What came of one request.
enum Answer<T> {
    Taken(T),
    Failed(Verdict, Error),
}

impl Shared {
    async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        key: &str,
        body: &(impl Serialize + Sync),
        context: &str,
    ) -> Result<T> {
        let text = serde_json::to_vec(body)
            .map_err(|error| Error::new(ErrorKind::Internal, SEND).context(context).source(error))?;
        let mut tries = 0;
        loop {
            match self.ask(path, key, text.clone(), context).await? {
                Answer::Taken(taken) => return Ok(taken),
                Answer::Failed(Verdict::Concurrent, _) if tries < CONCURRENT_TRIES => {
                    tries += 1;
                    sleep(CONCURRENT_PAUSE * tries).await;
                }
                Answer::Failed(_, error) => return Err(error),
            }
        }
    }

    /// Waits for a turn; a turn that is too far off is a failure to be repeated then.
    pub(super) async fn wait(&self, context: &str) -> Result<()> {
        self.pace.turn().await.map_err(|wait| {
            Error::new(ErrorKind::Overloaded, SEND).context(context).retry(Retry::Later(wait))
        })
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        path: &str,
        key: &str,
        text: Vec<u8>,
        context: &str,
    ) -> Result<Answer<T>> {
        self.wait(context).await?;
        let request = self
            .client
            .post(self.config.url(path))
            .bearer_auth(self.config.key.reveal())
            .header("idempotency-key", key)
            .header("content-type", "application/json")
            .body(text);
        let mut response = request.send().await.map_err(|error| unreachable(error, context))?;
        let (status, pause) = (response.status(), asked_pause(response.headers()));
        self.pace.note(response.headers());
        let mut answer = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| unreachable(error, context))? {
            if answer.len() + chunk.len() > MAX_ANSWER {
                return Err(failure(Verdict::Moment, pause, context));
            }
            answer.extend_from_slice(&chunk);
        }
        if status.is_success() {
            // A success that cannot be read is asked for again: the key makes that harmless.
            let taken =
                serde_json::from_slice(&answer).map_err(|_| failure(Verdict::Moment, None, context))?;
            return Ok(Answer::Taken(taken));
        }
        let refusal: Refusal = serde_json::from_slice(&answer).unwrap_or_default();
        let verdict = judge(status, &refusal.name);
        if verdict == Verdict::TooFast {
            self.pace.pause(pause.unwrap_or(Duration::from_secs(1)));
        }
        let told = format_args!("{context}, {} {}", status.as_u16(), shown(&refusal.name)).to_string();
        Ok(Answer::Failed(verdict, failure(verdict, pause, told)))
    }
}

/// Whether Resend took the mail is not known: it is asked again under the same key.
fn unreachable(error: reqwest::Error, context: &str) -> Error {
    let kind = if error.is_timeout() { ErrorKind::Timeout } else { ErrorKind::Unavailable };
    Error::new(kind, SEND).context(context).source(error.without_url())
}
