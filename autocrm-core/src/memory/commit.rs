//! The commit: check and write in order, and take everything back at the first refusal.

use async_trait::async_trait;

use crate::{
    change::{ChangeSet, IdempotencyKey, KEY_RETENTION, Receipt, Requirement},
    error::{Error, ErrorKind, Result},
    id::{TenantId, TicketId},
    memory::{
        MemoryStore,
        world::{Desk, KeptReceipt, World},
    },
    port::Committer,
    ticket::TicketNumber,
};

pub(super) const COMMIT: &str = "commit";

#[async_trait]
impl Committer for MemoryStore {
    async fn commit(&self, changes: &ChangeSet) -> Result<Receipt> {
        let receipt = apply(&mut self.world(), changes)?;
        if !changes.jobs().is_empty() {
            self.wake();
        }
        Ok(receipt)
    }

    async fn receipt(&self, key: &IdempotencyKey) -> Result<Option<Receipt>> {
        let world = self.world();
        let kept = world.desks.get(&key.tenant).and_then(|desk| desk.receipts.get(&name_of(key)));
        kept.map(|kept| replay(kept, key)).transpose()
    }
}

fn name_of(key: &IdempotencyKey) -> (String, crate::text::ExternalId) {
    (key.principal.clone(), key.key.clone())
}

fn replay(kept: &KeptReceipt, key: &IdempotencyKey) -> Result<Receipt> {
    if kept.request != key.request {
        return Err(Error::new(ErrorKind::KeyReused, COMMIT));
    }
    Ok(Receipt { replayed: true, ..kept.receipt.clone() })
}

pub(super) fn conflict(what: impl std::fmt::Debug) -> Error {
    Error::new(ErrorKind::Conflict, COMMIT).context(format!("{what:?}"))
}

/// Applies a change set, all or nothing.
fn apply(world: &mut World, changes: &ChangeSet) -> Result<Receipt> {
    let tenant = changes.tenant_id();
    if let Some(key) = changes.idempotency() {
        if key.tenant != tenant {
            return Err(Error::new(ErrorKind::Invalid, COMMIT).context("the key names another tenant"));
        }
        let kept = world.desks.get(&tenant).and_then(|desk| desk.receipts.get(&name_of(key)));
        if let Some(kept) = kept.filter(|kept| changes.at() <= kept.at.plus(KEY_RETENTION)) {
            return replay(kept, key);
        }
    }
    let known = world.desks.contains_key(&tenant);
    let mut attempt = Attempt { world, tenant, undo: Vec::new(), numbers: Vec::new() };
    if let Err(refusal) = attempt.run(changes) {
        attempt.take_back();
        if !known {
            world.desks.remove(&tenant);
        }
        return Err(refusal);
    }
    let receipt = Receipt { numbers: attempt.numbers, answer: changes.answer(), replayed: false };
    world.queue.enqueue(tenant, changes.at(), changes.jobs());
    let desk = world.desks.entry(tenant).or_default();
    desk.append_events(changes);
    if let Some(key) = changes.idempotency() {
        let kept = KeptReceipt { request: key.request, receipt: receipt.clone(), at: changes.at() };
        desk.receipts.insert(name_of(key), kept);
    }
    Ok(receipt)
}

pub(super) type Undo = Box<dyn FnOnce(&mut World)>;

/// A change set being applied, and how to take each write back.
pub(super) struct Attempt<'a> {
    pub(super) world: &'a mut World,
    pub(super) tenant: TenantId,
    pub(super) undo: Vec<Undo>,
    pub(super) numbers: Vec<(TicketId, TicketNumber)>,
}

impl Attempt<'_> {
    fn run(&mut self, changes: &ChangeSet) -> Result<()> {
        for requirement in changes.requirements() {
            self.require(*requirement)?;
        }
        let taken = changes.events().iter().any(|event| self.desk().events_by_id.contains_key(&event.id))
            || changes.jobs().iter().any(|job| self.world.queue.holds(job.id));
        if taken {
            return Err(conflict("the events or jobs are stored already"));
        }
        for write in changes.writes() {
            self.write(write)?;
        }
        Ok(())
    }

    fn take_back(self) {
        for undo in self.undo.into_iter().rev() {
            undo(self.world);
        }
    }

    pub(super) fn desk(&mut self) -> &mut Desk {
        self.world.desks.entry(self.tenant).or_default()
    }

    fn require(&mut self, requirement: Requirement) -> Result<()> {
        let holds = match requirement {
            Requirement::Unchanged { entity, version } => self.desk().version(entity) == version,
            Requirement::ActiveUser { user } => self.desk().users.get(&user).is_some_and(|user| user.active),
            Requirement::LoadBelow { agent, limit } => self.desk().load(agent) < limit,
        };
        if holds { Ok(()) } else { Err(conflict(requirement)) }
    }
}
