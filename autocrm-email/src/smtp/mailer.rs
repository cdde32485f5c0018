//! The mailer.

use std::sync::Arc;

use async_trait::async_trait;
use autocrm_core::{
    error::{Error, ErrorKind, Result},
    mail::{BlobHash, OutboundMail},
    port::{Delivery, Mailer},
    text::{EmailAddress, one_line},
};
use lettre::{
    SmtpTransport, Transport as _,
    address::{Address, Envelope},
    transport::smtp::{
        PoolConfig,
        authentication::Credentials,
        client::{Certificate, Tls, TlsParameters},
        extension::ClientId,
    },
};
use tokio::{sync::Semaphore, task::spawn_blocking, time::timeout};

use super::{
    SmtpConfig, SmtpSecurity,
    failure::{Cause, SEND, cause, failure},
    once::{Once, Taken},
};
use crate::compose::{Blind, render};

const OPEN: &str = "smtp.open";
/// The longest answer of a server that is kept as the provider's id, in characters.
const MAX_ANSWER: usize = 200;

/// Hands mails to an SMTP server. Clones share connections and memory.
///
/// A mail that was begun is handed over even when its caller is dropped, so that a second call with the same id waits
/// and learns what came of it. SMTP has no idempotency key: a process that dies between the server's answer and its
/// record sends that one mail again, with the same Message-ID. Either all recipients get a mail, or none.
#[derive(Debug, Clone)]
pub struct SmtpMailer {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    transport: SmtpTransport,
    places: Once,
    connections: Arc<Semaphore>,
    config: SmtpConfig,
}

impl Drop for Shared {
    /// Taking leave of the server waits for its answers, which no task may do.
    fn drop(&mut self) {
        let transport = self.transport.clone();
        std::thread::spawn(move || transport.shutdown());
    }
}

impl SmtpMailer {
    /// Returns a mailer; nothing is connected before the first mail. One thread closes connections that are idle.
    ///
    /// # Errors
    /// `Invalid` if a certificate cannot be used, `Unavailable` if TLS cannot be set up.
    pub fn new(config: SmtpConfig) -> Result<Self> {
        let mut builder = SmtpTransport::builder_dangerous(&config.host)
            .port(config.port)
            .timeout(Some(config.timeout))
            .pool_config(PoolConfig::new().max_size(u32::from(config.connections)))
            .tls(tls(&config)?);
        if let Some((user, password)) = &config.credentials {
            builder = builder.credentials(Credentials::new(user.clone(), password.clone()));
        }
        if let Some(name) = &config.hello {
            builder = builder.hello_name(ClientId::Domain(name.clone()));
        }
        let shared = Shared {
            transport: builder.build(),
            places: Once::default(),
            connections: Arc::new(Semaphore::new(usize::from(config.connections))),
            config,
        };
        Ok(Self { shared: Arc::new(shared) })
    }
}

fn tls(config: &SmtpConfig) -> Result<Tls> {
    if config.security == SmtpSecurity::None {
        return Ok(Tls::None);
    }
    let mut parameters = TlsParameters::builder(config.host.clone());
    for pem in &config.roots {
        let certificate =
            Certificate::from_pem(pem).map_err(|error| Error::new(ErrorKind::Invalid, OPEN).source(error))?;
        parameters = parameters.add_root_certificate(certificate);
    }
    let built = parameters.build().map_err(|error| Error::new(ErrorKind::Unavailable, OPEN).source(error))?;
    Ok(if config.security == SmtpSecurity::Implicit { Tls::Wrapper(built) } else { Tls::Required(built) })
}

fn envelope(mail: &OutboundMail) -> Result<Envelope> {
    let invalid = || Error::new(ErrorKind::Invalid, SEND).context(mail.id);
    let read = |address: &EmailAddress| address.as_str().parse::<Address>().map_err(|_| invalid());
    let recipients = mail.recipients().map(read).collect::<Result<Vec<_>>>()?;
    Envelope::new(Some(read(&mail.from)?), recipients).map_err(|_| invalid())
}

impl Shared {
    /// Speaks to the server; blocks.
    fn speak(&self, envelope: &Envelope, bytes: &[u8], mail: &OutboundMail) -> Result<Delivery> {
        match self.transport.send_raw(envelope, bytes) {
            Ok(answer) => {
                let told = one_line(answer.first_line().unwrap_or_default(), MAX_ANSWER);
                Ok(Delivery { provider_id: if told.is_empty() { mail.id.to_string() } else { told } })
            }
            Err(error) => {
                let about = cause(&error, || self.transport.test_connection().unwrap_or(false));
                Err(failure(about, error.status().map(u16::from), mail.id))
            }
        }
    }
}

#[async_trait]
impl Mailer for SmtpMailer {
    async fn send(&self, mail: &OutboundMail) -> Result<Delivery> {
        let (envelope, bytes) = (envelope(mail)?, render(mail, Blind::Dropped)?);
        let content = content(mail, &bytes);
        let (shared, owned) = (Arc::clone(&self.shared), mail.clone());
        let attempt = async {
            let mut place = shared.places.place(mail.id).lock_owned().await;
            if let Some(taken) = place.as_ref() {
                let same = taken.content == content;
                return if same { Ok(taken.delivery.clone()) } else { Err(reused(mail)) };
            }
            let stopped = || failure(Cause::Moment, None, mail.id);
            let permit = Arc::clone(&shared.connections).acquire_owned().await.map_err(|_| stopped())?;
            let speaker = Arc::clone(&shared);
            let spoken = spawn_blocking(move || {
                let _permit = permit;
                let delivery = speaker.speak(&envelope, &bytes, &owned)?;
                *place = Some(Taken { content, delivery: delivery.clone() });
                Ok(delivery)
            });
            spoken.await.map_err(|_| stopped())?
        };
        match timeout(self.shared.config.deadline, attempt).await {
            Ok(answer) => answer,
            Err(_) => Err(failure(Cause::Silence, None, mail.id)),
        }
    }
}

/// Returns the hash of what recipients get, and of who gets it.
fn content(mail: &OutboundMail, bytes: &[u8]) -> BlobHash {
    let mut whole = bytes.to_vec();
    for recipient in mail.recipients() {
        whole.push(0);
        whole.extend_from_slice(recipient.as_str().as_bytes());
    }
    BlobHash::of(&whole)
}

fn reused(mail: &OutboundMail) -> Error {
    Error::new(ErrorKind::KeyReused, SEND).context(mail.id)
}
