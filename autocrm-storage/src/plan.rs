//! A change set as rows: encoded by the caller, so that the writer only binds and steps.

use autocrm_core::{
    change::{ChangeSet, EntityRef, IdempotencyKey, JobFinish, Requirement, Save, Write},
    error::{Error, ErrorKind, Result},
    id::{ArticleId, TenantId, TicketId},
    mail::RawBlob,
    ticket::Ticket,
    transition::Version,
};

use crate::{
    column::{Digest, Uid, number},
    record::{
        ArticleRecord, ChunkRecord, CorrespondentRecord, EventRow, FeedbackRecord, InboundRecord,
        MailRefRecord, MessageRecord, NewJobRecord, NotificationRecord, OutboundRecord, RawRecord,
        RevisionRecord, RoutingRecord, Saved, SchemeRecord, TeamRecord, TemplateRecord, TenantRecord,
        TicketRecord, UserRecord,
    },
};

const COMMIT: &str = "commit";

/// A ticket's row, and those that repeat it to be searched by.
#[derive(Debug)]
pub(crate) struct TicketPlan {
    pub(crate) id: TicketId,
    pub(crate) saved: Saved<TicketRecord>,
    /// The requester and the participants, each once.
    pub(crate) involved: Vec<Uid>,
    pub(crate) tags: Vec<String>,
}

/// A write as rows.
#[derive(Debug)]
pub(crate) enum Row {
    Tenant(Saved<TenantRecord>),
    Scheme(Saved<SchemeRecord>),
    User(Saved<UserRecord>),
    Team(Saved<TeamRecord>),
    Ticket(Box<TicketPlan>),
    EraseTicket(TicketId),
    Message(Box<Saved<MessageRecord>>),
    Template(Saved<TemplateRecord>),
    Routing(RoutingRecord),
    Article(Box<Saved<ArticleRecord>>),
    Revision(RevisionRecord),
    Chunks(ArticleId, Vec<ChunkRecord>),
    Feedback(FeedbackRecord),
    Inbound(Box<Saved<InboundRecord>>),
    Raw(RawRecord),
    Outbound(Saved<OutboundRecord>),
    Correspondent(Saved<CorrespondentRecord>),
    MailRef(MailRefRecord),
    Notification(Saved<NotificationRecord>),
    FinishJob(JobFinish),
}

/// An idempotency key as columns.
#[derive(Debug)]
pub(crate) struct KeyPlan {
    pub(crate) principal: String,
    pub(crate) key: String,
    pub(crate) request: Digest,
}

impl KeyPlan {
    /// Encodes a key.
    pub(crate) fn of(key: &IdempotencyKey) -> Self {
        Self {
            principal: key.principal.clone(),
            key: key.key.as_str().to_owned(),
            request: Digest(key.request),
        }
    }
}

/// A change set as rows.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) tenant: Uid,
    pub(crate) at: i64,
    pub(crate) requirements: Vec<Requirement>,
    pub(crate) rows: Vec<Row>,
    pub(crate) events: Vec<EventRow>,
    pub(crate) jobs: Vec<NewJobRecord>,
    pub(crate) key: Option<KeyPlan>,
    pub(crate) answer: Option<EntityRef>,
}

impl Plan {
    /// Encodes a change set. `Invalid`: a row or the key names another tenant.
    pub(crate) fn of(changes: &ChangeSet) -> Result<Self> {
        let tenant = changes.tenant_id();
        let key = match changes.idempotency() {
            Some(key) => {
                own(tenant, key.tenant)?;
                Some(KeyPlan::of(key))
            }
            None => None,
        };
        let rows = changes.writes().iter().map(|write| row(tenant, write)).collect::<Result<_>>()?;
        let events = changes.events().iter().map(|new| EventRow::of(changes, new)).collect::<Result<_>>()?;
        let jobs = changes.jobs().iter().map(|new| NewJobRecord::of(changes, new)).collect::<Result<_>>()?;
        Ok(Self {
            tenant: Uid::of(tenant),
            at: changes.at().as_micros(),
            requirements: changes.requirements().to_vec(),
            rows,
            events,
            jobs,
            key,
            answer: changes.answer(),
        })
    }
}

fn own(tenant: TenantId, named: TenantId) -> Result<()> {
    if tenant == named {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Invalid, COMMIT).context("a row or the key names another tenant"))
}

fn saved<T, R>(
    tenant: TenantId,
    named: impl Fn(&T) -> TenantId,
    save: &Save<T>,
    encode: impl Fn(&T) -> Result<R>,
) -> Result<Saved<R>> {
    own(tenant, named(&save.row))?;
    Ok(Saved { from: from(save.from), record: encode(&save.row)? })
}

fn from(version: Version) -> i64 {
    number(version.get())
}

fn raw(tenant: TenantId, blob: &RawBlob) -> Result<RawRecord> {
    own(tenant, blob.tenant)?;
    Ok(RawRecord::of(tenant, blob))
}

fn ticket(tenant: TenantId, save: &Save<Ticket>) -> Result<TicketPlan> {
    let row = &save.row;
    let mut involved: Vec<Uid> = row.participants.iter().map(|user| Uid::of(*user)).collect();
    involved.push(Uid::of(row.requester));
    involved.sort_unstable();
    involved.dedup();
    Ok(TicketPlan {
        id: row.id,
        saved: saved(tenant, |row| row.tenant, save, TicketRecord::of)?,
        involved,
        tags: row.tags.iter().map(|tag| tag.as_str().to_owned()).collect(),
    })
}

fn row(tenant: TenantId, write: &Write) -> Result<Row> {
    Ok(match write {
        Write::Tenant(save) => Row::Tenant(saved(tenant, |row| row.id, save, TenantRecord::of)?),
        Write::Scheme(save) => Row::Scheme(saved(tenant, |row| row.tenant, save, SchemeRecord::of)?),
        Write::User(save) => Row::User(saved(tenant, |row| row.tenant, save, UserRecord::of)?),
        Write::Team(save) => Row::Team(saved(tenant, |row| row.tenant, save, TeamRecord::of)?),
        Write::Ticket(save) => Row::Ticket(Box::new(ticket(tenant, save)?)),
        Write::EraseTicket(id) => Row::EraseTicket(*id),
        Write::Message(save) => {
            Row::Message(Box::new(saved(tenant, |row| row.tenant, save, MessageRecord::of)?))
        }
        Write::Template(save) => Row::Template(saved(tenant, |row| row.tenant, save, TemplateRecord::of)?),
        Write::Routing(decision) => {
            own(tenant, decision.tenant)?;
            Row::Routing(RoutingRecord::of(decision)?)
        }
        Write::Article(save) => {
            Row::Article(Box::new(saved(tenant, |row| row.tenant, save, ArticleRecord::of)?))
        }
        Write::Revision(revision) => {
            own(tenant, revision.tenant)?;
            Row::Revision(RevisionRecord::of(revision)?)
        }
        Write::Chunks(set) => {
            for chunk in &set.chunks {
                own(tenant, chunk.tenant)?;
            }
            Row::Chunks(set.article, set.chunks.iter().map(ChunkRecord::of).collect::<Result<_>>()?)
        }
        Write::Feedback(feedback) => {
            own(tenant, feedback.tenant)?;
            Row::Feedback(FeedbackRecord::of(feedback)?)
        }
        Write::Mail(save) => {
            Row::Inbound(Box::new(saved(tenant, |row| row.tenant, save, InboundRecord::of)?))
        }
        Write::Raw(blob) => Row::Raw(raw(tenant, blob)?),
        Write::Outbound(save) => Row::Outbound(saved(tenant, |row| row.tenant, save, OutboundRecord::of)?),
        Write::Correspondent(save) => {
            Row::Correspondent(saved(tenant, |row| row.tenant, save, CorrespondentRecord::of)?)
        }
        Write::MailRef(reference) => {
            own(tenant, reference.tenant)?;
            Row::MailRef(MailRefRecord::of(reference))
        }
        Write::Notification(save) => {
            Row::Notification(saved(tenant, |row| row.tenant, save, NotificationRecord::of)?)
        }
        Write::FinishJob(finish) => Row::FinishJob(finish.clone()),
    })
}
