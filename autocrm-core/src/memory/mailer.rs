//! A mailer that keeps what it is given.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;

use crate::{
    error::{Error, ErrorKind, Result},
    id::OutboundId,
    mail::{OutboundMail, OutboundState},
    memory::lock,
    port::{Delivery, Mailer},
    text::EmailAddress,
    transition::Version,
};

/// A mailer that keeps mails in this process instead of sending them. Clones are handles on the same mails.
#[derive(Clone, Default)]
pub struct MemoryMailer {
    shared: Arc<Mutex<Outbox>>,
}

#[derive(Default)]
struct Outbox {
    mails: Vec<OutboundMail>,
    places: BTreeMap<OutboundId, usize>,
    refused: BTreeSet<EmailAddress>,
}

impl MemoryMailer {
    /// Returns a mailer without mails.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns every mail taken, in order.
    pub fn sent(&self) -> Vec<OutboundMail> {
        lock(&self.shared).mails.clone()
    }

    /// Refuses mails to an address for good from now on.
    pub fn refuse(&self, recipient: EmailAddress) {
        lock(&self.shared).refused.insert(recipient);
    }
}

impl fmt::Debug for MemoryMailer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryMailer").field("mails", &lock(&self.shared).mails.len()).finish()
    }
}

/// What a recipient would read: version and state belong to the store.
fn content(mail: &OutboundMail) -> OutboundMail {
    OutboundMail { version: Version::NEW, state: OutboundState::Pending, ..mail.clone() }
}

#[async_trait]
impl Mailer for MemoryMailer {
    async fn send(&self, mail: &OutboundMail) -> Result<Delivery> {
        let mut outbox = lock(&self.shared);
        if let Some(taken) = outbox.places.get(&mail.id).and_then(|place| outbox.mails.get(*place)) {
            if content(taken) != content(mail) {
                return Err(Error::new(ErrorKind::KeyReused, "send").context(mail.id));
            }
        } else if outbox.refused.contains(&mail.to) {
            return Err(Error::new(ErrorKind::Invalid, "send").context(mail.id));
        } else {
            let place = outbox.mails.len();
            outbox.places.insert(mail.id, place);
            outbox.mails.push(mail.clone());
        }
        Ok(Delivery { provider_id: format!("memory-{}", mail.id) })
    }
}
