//! Mails out of an IMAP mailbox (RFC 9051): looked for again and again, each handed to the desk once.
//!
//! The desk remembers each mail under the mailbox's name, its UIDVALIDITY and the mail's UID; the mailbox remembers by a
//! keyword which mails were taken in. Whichever of both is lost, nothing is taken in twice and nothing is left out: a mail
//! is marked only after the desk has stored it.

mod connect;
mod envelope;

use std::{fmt, time::Duration};

use async_imap::Session;
use autocrm_core::{
    app::{Error as AppError, Mailbox},
    error::{Error, ErrorKind, Result},
    mail::MAX_RAW,
    text::EmailAddress,
};
use bytes::Bytes;
use futures_util::TryStreamExt as _;

pub use connect::{Login, Security};

use connect::{Failed, Stream};

const POLL: &str = "poll_imap";
/// The keyword of mails that were taken in.
const TAKEN: &str = "$AutoCRMTaken";
/// The keyword of mails that the desk refuses for good: too large, or empty.
const REFUSED: &str = "$AutoCRMRefused";
/// How many mails are taken in by one look.
const BATCH: usize = 200;
/// How long one look may take.
const PATIENCE: Duration = Duration::from_mins(10);

/// A mailbox whose mails are taken in.
#[derive(Clone, PartialEq, Eq)]
pub struct ImapConfig {
    /// The server's name, which its certificate has to bear.
    pub host: String,
    /// The port, 993 as a rule.
    pub port: u16,
    /// Whether the connection is encrypted.
    pub security: Security,
    /// The user's name.
    pub user: String,
    /// How the user is known.
    pub login: Login,
    /// The folder, such as `INBOX`.
    pub folder: String,
    /// The desk's address whose mail lies in the folder.
    pub recipient: EmailAddress,
    /// The field in which the server that delivers to the folder writes the address that it delivered to, such as
    /// `Delivered-To`; only its topmost occurrence counts, and only for `recipient` with a tag behind a plus. Without it
    /// answers are located by their Message-IDs alone.
    pub delivered_to: Option<String>,
}

impl fmt::Debug for ImapConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ImapConfig")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("security", &self.security)
            .field("folder", &self.folder)
            .finish_non_exhaustive()
    }
}

/// What one look into the mailbox brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Polled {
    /// Mails that the desk stored.
    pub taken: usize,
    /// Mails that it knew already.
    pub duplicates: usize,
    /// Mails that it refuses for good; they stay in the folder, marked.
    pub refused: usize,
    /// Whether more mails wait.
    pub more: bool,
}

/// What became of one mail.
enum Fate {
    Taken,
    Known,
    Refused,
    Gone,
}

/// Takes mails out of a mailbox. It spawns nothing: the host calls [`poll`](Self::poll) as often as it likes.
#[derive(Debug, Clone)]
pub struct ImapPoller {
    config: ImapConfig,
    mailbox: Mailbox,
}

impl ImapPoller {
    /// Returns a poller that hands the mails of a folder to the desk.
    pub fn new(config: ImapConfig, mailbox: Mailbox) -> Self {
        Self { config, mailbox }
    }

    /// Looks once: takes in at most 200 mails. A failure leaves the rest for the next look.
    pub async fn poll(&self) -> Result<Polled> {
        let looked = tokio::time::timeout(PATIENCE, self.look()).await;
        looked.map_err(|_| Error::new(ErrorKind::Timeout, POLL).context(&self.config.host))?
    }

    async fn look(&self) -> Result<Polled> {
        let mut session = connect::open(&self.config).await?;
        let polled = self.take(&mut session).await;
        // What was taken is marked; a server that does not say goodbye changes nothing.
        let _ = session.logout().await;
        polled
    }

    async fn take(&self, session: &mut Session<Box<dyn Stream>>) -> Result<Polled> {
        let folder = session.select(&self.config.folder).await.failed(POLL)?;
        let validity = folder.uid_validity.ok_or_else(|| {
            // A connection that breaks here looks the same as a server that has none.
            Error::new(ErrorKind::Unavailable, POLL).context("the folder has no UIDVALIDITY")
        })?;
        let query = format!("UNDELETED UNKEYWORD {TAKEN} UNKEYWORD {REFUSED}");
        let found = session.uid_search(query).await.failed(POLL)?;
        let mut waiting: Vec<u32> = found.into_iter().collect();
        waiting.sort_unstable();
        let mut polled = Polled { more: waiting.len() > BATCH, ..Polled::default() };
        waiting.truncate(BATCH);
        for uid in waiting {
            let mark = match self.one(session, validity, uid).await? {
                Fate::Taken => {
                    polled.taken += 1;
                    TAKEN
                }
                Fate::Known => {
                    polled.duplicates += 1;
                    TAKEN
                }
                Fate::Refused => {
                    polled.refused += 1;
                    REFUSED
                }
                Fate::Gone => continue,
            };
            let change = format!("+FLAGS.SILENT ({mark})");
            let told = session.uid_store(uid.to_string(), change).await.failed(POLL)?;
            told.try_collect::<Vec<_>>().await.failed(POLL)?;
        }
        Ok(polled)
    }

    /// Hands one mail to the desk.
    async fn one(&self, session: &mut Session<Box<dyn Stream>>, validity: u32, uid: u32) -> Result<Fate> {
        let size = fetched(session, uid, "(UID RFC822.SIZE)").await?.and_then(|mail| mail.size);
        if size.is_some_and(|size| usize::try_from(size).unwrap_or(usize::MAX) > MAX_RAW) {
            return Ok(Fate::Refused);
        }
        let mail = fetched(session, uid, "(UID BODY.PEEK[])").await?;
        let Some(raw) = mail.as_ref().and_then(|mail| mail.body()) else {
            // Somebody else has moved it away, or the connection has broken.
            return Ok(Fate::Gone);
        };
        let envelope = envelope::of(&self.config, validity, uid, raw);
        match self.mailbox.receive(&envelope, &Bytes::copy_from_slice(raw)).await {
            Ok(received) if received.duplicate => Ok(Fate::Known),
            Ok(_) => Ok(Fate::Taken),
            Err(AppError::Mail(_)) => Ok(Fate::Refused),
            Err(AppError::Port(error)) => Err(error),
            Err(error) => Err(Error::new(ErrorKind::Unavailable, POLL).context(error.code())),
        }
    }
}

async fn fetched(
    session: &mut Session<Box<dyn Stream>>,
    uid: u32,
    what: &str,
) -> Result<Option<async_imap::types::Fetch>> {
    let answers = session.uid_fetch(uid.to_string(), what).await.failed(POLL)?;
    let mails: Vec<_> = answers.try_collect().await.failed(POLL)?;
    // A server may tell of other mails at any time.
    Ok(mails.into_iter().find(|mail| mail.uid == Some(uid)))
}
