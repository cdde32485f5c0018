//! Broken indexes, blob stores and mailers.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;

use crate::{
    access::ArticleVisibility,
    change::Position,
    error::{Error, ErrorKind, Result},
    id::TenantId,
    mail::{BlobHash, OutboundMail},
    port::{BlobStore, Delivery, IndexChange, Mailer, TextHit, TextIndex, TextQuery},
};

/// How an index is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IndexFault {
    /// X1: every visibility is searched.
    VisibilityIgnored,
    /// X1: all tenants share one shelf.
    TenantsMixed,
    /// X1: the worst come first.
    WorstFirst,
    /// X2: the cursor moves before the changes are stored.
    CursorFirst,
    /// X2: the cursor stays where it was without changes.
    CursorStays,
    /// X3: applying again files passages once more, under ids of their own.
    FiledTwice,
    /// X4: changes are seen one `apply` late.
    SeenLate,
    /// X4: earlier passages of an article stay.
    NothingReplaced,
    /// X5: cursors outlive a clearance.
    CursorKept,
    /// X6: operators mean something.
    Operators,
    /// X7: offsets are ignored.
    OffsetIgnored,
}

pub(crate) struct BrokenIndex {
    pub(crate) index: Arc<dyn TextIndex>,
    pub(crate) fault: IndexFault,
    late: Mutex<Vec<(TenantId, Vec<IndexChange>, Position)>>,
    kept: Mutex<Option<(TenantId, Position)>>,
}

impl BrokenIndex {
    pub(crate) fn new(index: Arc<dyn TextIndex>, fault: IndexFault) -> Self {
        Self { index, fault, late: Mutex::default(), kept: Mutex::default() }
    }

    fn shelf(&self, tenant: TenantId) -> TenantId {
        if self.fault == IndexFault::TenantsMixed { TenantId::from_uuid(uuid::Uuid::nil()) } else { tenant }
    }
}

fn renamed(change: &IndexChange) -> IndexChange {
    match change.clone() {
        IndexChange::Replace { article, title, visibility, language, chunks } => {
            let article =
                crate::id::ArticleId::from_uuid(uuid::Uuid::from_u128(article.as_uuid().as_u128() ^ 1));
            let chunks = chunks
                .into_iter()
                .map(|mut chunk| {
                    let id = chunk.id.as_uuid().as_u128() ^ (1 << 40);
                    chunk.id = crate::id::ChunkId::from_uuid(uuid::Uuid::from_u128(id));
                    chunk
                })
                .collect();
            IndexChange::Replace { article, title, visibility, language, chunks }
        }
        removed @ IndexChange::Remove { .. } => removed,
    }
}

#[async_trait]
impl TextIndex for BrokenIndex {
    async fn apply(&self, tenant: TenantId, changes: &[IndexChange], upto: Position) -> Result<()> {
        let place = self.shelf(tenant);
        match self.fault {
            IndexFault::CursorFirst => {
                self.index.apply(place, &[], upto).await?;
                tokio::task::yield_now().await;
            }
            IndexFault::CursorStays if changes.is_empty() => return Ok(()),
            IndexFault::SeenLate => {
                let late = std::mem::take(&mut *self.late.lock().expect("no panic under the lock"));
                for (tenant, changes, upto) in late {
                    self.index.apply(tenant, &changes, upto).await?;
                }
                let entry = (tenant, changes.to_vec(), upto);
                self.late.lock().expect("no panic under the lock").push(entry);
                return self.index.apply(tenant, &[], upto).await;
            }
            IndexFault::FiledTwice if self.index.cursor(place).await? == upto && !changes.is_empty() => {
                let again: Vec<IndexChange> = changes.iter().map(renamed).collect();
                return self.index.apply(place, &again, upto).await;
            }
            IndexFault::NothingReplaced => {
                let moved: Vec<IndexChange> = changes
                    .iter()
                    .map(|change| match change {
                        IndexChange::Replace { chunks, .. } => {
                            let mut moved = change.clone();
                            if let IndexChange::Replace { article, .. } = &mut moved
                                && let Some(first) = chunks.first()
                            {
                                *article = crate::id::ArticleId::from_uuid(first.id.as_uuid());
                            }
                            moved
                        }
                        IndexChange::Remove { .. } => change.clone(),
                    })
                    .collect();
                return self.index.apply(place, &moved, upto).await;
            }
            IndexFault::CursorKept => {
                *self.kept.lock().expect("no panic under the lock") = Some((tenant, upto));
            }
            _ => {}
        }
        self.index.apply(place, changes, upto).await
    }

    async fn cursor(&self, tenant: TenantId) -> Result<Position> {
        let kept = *self.kept.lock().expect("no panic under the lock");
        match kept {
            Some((own, position)) if own == tenant => Ok(position),
            _ => self.index.cursor(self.shelf(tenant)).await,
        }
    }

    async fn search(&self, query: &TextQuery) -> Result<Vec<TextHit>> {
        let mut asked = query.clone();
        asked.tenant = self.shelf(query.tenant);
        match self.fault {
            IndexFault::VisibilityIgnored => {
                asked.visibilities =
                    vec![ArticleVisibility::Public, ArticleVisibility::Tenant, ArticleVisibility::Internal];
            }
            IndexFault::OffsetIgnored if asked.offset < 100 => asked.offset = 0,
            IndexFault::Operators if asked.text.contains(['"', '(', ':']) => {
                return Err(Error::new(ErrorKind::Invalid, "search"));
            }
            _ => {}
        }
        let mut hits = self.index.search(&asked).await?;
        if self.fault == IndexFault::WorstFirst {
            hits.reverse();
        }
        Ok(hits)
    }

    async fn clear(&self) -> Result<()> {
        self.index.clear().await
    }
}

/// How a blob store is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BlobFault {
    /// B1: large bytes are cut.
    Cut,
    /// B1: nothing is stored, although the hash is returned.
    NotStored,
    /// B2: the same bytes again are refused.
    AgainRefused,
    /// B3: tenants share their bytes.
    TenantsMixed,
    /// B4: deleting what is missing fails.
    MissingRefused,
    /// B5: bytes are returned whatever their hash is.
    HashUnchecked,
}

pub(crate) struct BrokenBlobs {
    pub(crate) blobs: Arc<dyn BlobStore>,
    pub(crate) fault: BlobFault,
}

impl BrokenBlobs {
    fn shelf(&self, tenant: TenantId) -> TenantId {
        if self.fault == BlobFault::TenantsMixed { TenantId::from_uuid(uuid::Uuid::nil()) } else { tenant }
    }
}

#[async_trait]
impl BlobStore for BrokenBlobs {
    async fn put(&self, tenant: TenantId, bytes: Bytes) -> Result<BlobHash> {
        let hash = BlobHash::of(&bytes);
        match self.fault {
            BlobFault::NotStored => Ok(hash),
            BlobFault::Cut => {
                self.blobs.put(tenant, bytes.slice(..bytes.len().min(65_536))).await?;
                Ok(hash)
            }
            BlobFault::AgainRefused if self.blobs.get(tenant, hash).await?.is_some() => {
                Err(Error::new(ErrorKind::Conflict, "put"))
            }
            _ => self.blobs.put(self.shelf(tenant), bytes).await,
        }
    }

    async fn get(&self, tenant: TenantId, hash: BlobHash) -> Result<Option<Bytes>> {
        match self.blobs.get(self.shelf(tenant), hash).await {
            Err(error) if self.fault == BlobFault::HashUnchecked && error.kind() == ErrorKind::Corrupt => {
                Ok(Some(Bytes::from_static(b"other bytes")))
            }
            answer => answer,
        }
    }

    async fn delete(&self, tenant: TenantId, hash: BlobHash) -> Result<()> {
        if self.fault == BlobFault::MissingRefused && self.blobs.get(tenant, hash).await?.is_none() {
            return Err(Error::new(ErrorKind::NotFound, "delete"));
        }
        self.blobs.delete(self.shelf(tenant), hash).await
    }
}

/// How a mailer is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MailerFault {
    /// D1: a repetition is sent again.
    SentAgain,
    /// D1: a repetition is answered with another id.
    OtherAnswer,
    /// D2: other content under an id is answered with the first id.
    ContentIgnored,
    /// D3: a refusal looks as if it might pass.
    RefusalRetryable,
}

pub(crate) struct BrokenMailer {
    pub(crate) mailer: Arc<dyn Mailer>,
    pub(crate) fault: MailerFault,
    sent: Mutex<Vec<OutboundMail>>,
}

impl BrokenMailer {
    pub(crate) fn new(mailer: Arc<dyn Mailer>, fault: MailerFault) -> Self {
        Self { mailer, fault, sent: Mutex::default() }
    }
}

#[async_trait]
impl Mailer for BrokenMailer {
    async fn send(&self, mail: &OutboundMail) -> Result<Delivery> {
        let (first, times) = {
            let mut sent = self.sent.lock().expect("no panic under the lock");
            sent.push(mail.clone());
            let first = sent.iter().find(|sent| sent.id == mail.id).cloned();
            (first.unwrap_or_else(|| mail.clone()), sent.iter().filter(|sent| sent.id == mail.id).count())
        };
        match self.fault {
            MailerFault::SentAgain if times > 1 => {
                let fresh: uuid::Uuid = uuid::Uuid::from_u128(mail.id.as_uuid().as_u128() ^ times as u128);
                self.mailer.send(&OutboundMail { id: fresh.into(), ..mail.clone() }).await
            }
            MailerFault::ContentIgnored => self.mailer.send(&first).await,
            _ => match self.mailer.send(mail).await {
                Ok(taken) if self.fault == MailerFault::OtherAnswer => {
                    Ok(Delivery { provider_id: format!("{} {times}", taken.provider_id) })
                }
                Err(error)
                    if self.fault == MailerFault::RefusalRetryable && error.kind() == ErrorKind::Invalid =>
                {
                    Err(Error::new(ErrorKind::Unavailable, "send"))
                }
                answer => answer,
            },
        }
    }
}
