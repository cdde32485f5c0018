//! Stores whose commit breaks a clause.

use std::sync::{
    Mutex,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use async_trait::async_trait;

use crate::{
    access::Scope,
    change::{ChangeSet, EventRecord, IdempotencyKey, Position, Receipt, Requirement, Save, Write},
    clock::Timestamp,
    conformance::broken::twin::Fault,
    conversation::Message,
    error::{Error, ErrorKind, Result},
    id::{MessageId, TicketId, UserId},
    mail::BlobHash,
    port::Store,
    text::Body,
    ticket::{Ticket, TicketNumber},
    user::User,
};

/// C1: drops the fraction of a millisecond.
pub(crate) struct MicrosecondsLost;

#[async_trait]
impl Fault for MicrosecondsLost {
    async fn ticket(&self, store: &dyn Store, scope: &Scope, id: TicketId) -> Result<Option<Ticket>> {
        let coarse = |at: Timestamp| Timestamp::from_micros(at.as_micros() / 1_000 * 1_000);
        let found = store.ticket(scope, id).await?;
        Ok(found.map(|ticket| Ticket { updated_at: coarse(ticket.updated_at), ..ticket }))
    }
}

/// C1: trims texts.
pub(crate) struct TextsTrimmed;

#[async_trait]
impl Fault for TextsTrimmed {
    async fn message(&self, store: &dyn Store, scope: &Scope, id: MessageId) -> Result<Option<Message>> {
        let found = store.message(scope, id).await?;
        Ok(found.map(|mut message| {
            message.body = Body::new(message.body.trim()).unwrap_or(message.body);
            message
        }))
    }
}

/// C1: keeps one line end for all.
pub(crate) struct LineEndsFolded;

#[async_trait]
impl Fault for LineEndsFolded {
    async fn commit(&self, store: &dyn Store, changes: &ChangeSet) -> Result<Receipt> {
        let mut writes = changes.writes().to_vec();
        for write in &mut writes {
            if let Write::Template(save) = write {
                save.row.body =
                    Body::new(save.row.body.replace("\r\n", "\n")).unwrap_or(save.row.body.clone());
            }
        }
        store.commit(&changes.clone().with_writes(writes)).await
    }
}

/// C2, C3: writes whatever version a ticket has.
pub(crate) struct VersionIgnored;

#[async_trait]
impl Fault for VersionIgnored {
    async fn commit(&self, store: &dyn Store, changes: &ChangeSet) -> Result<Receipt> {
        let mut writes = changes.writes().to_vec();
        for write in &mut writes {
            let Write::Ticket(save) = &*write else { continue };
            let scope = Scope::tenant_wide(changes.tenant_id());
            if let Some(present) = store.ticket(&scope, save.row.id).await? {
                *write = write.decided_from(present.version).unwrap_or_else(|| write.clone());
            }
        }
        store.commit(&changes.clone().with_writes(writes)).await
    }
}

/// C2: answers a refused set as if it were applied.
pub(crate) struct ConflictSwallowed;

#[async_trait]
impl Fault for ConflictSwallowed {
    async fn commit(&self, store: &dyn Store, changes: &ChangeSet) -> Result<Receipt> {
        match store.commit(changes).await {
            Err(error) if error.is_conflict() => Ok(Receipt::default()),
            answer => answer,
        }
    }
}

/// C3: of two writers at once both win, because the later one is applied on top.
pub(crate) struct LastWriterWins;

#[async_trait]
impl Fault for LastWriterWins {
    async fn commit(&self, store: &dyn Store, changes: &ChangeSet) -> Result<Receipt> {
        match store.commit(changes).await {
            Err(error) if error.is_conflict() => VersionIgnored.commit(store, changes).await,
            answer => answer,
        }
    }
}

/// C4: a refused set leaves the writes before its last one, with their events and jobs.
pub(crate) struct HalfApplied;

#[async_trait]
impl Fault for HalfApplied {
    async fn commit(&self, store: &dyn Store, changes: &ChangeSet) -> Result<Receipt> {
        let answer = store.commit(changes).await;
        if answer.is_err() {
            let kept = changes.writes().len().saturating_sub(1);
            let writes = changes.writes().iter().take(kept).cloned().collect();
            let half = changes.clone().with_writes(writes).with_requirements(Vec::new());
            store
                .commit(&half)
                .await
                .map(drop)
                .or_else(|error| if error.is_conflict() { Ok(()) } else { Err(error) })?;
        }
        answer
    }
}

/// C4: a refused set leaves its events.
pub(crate) struct EventsOfRefusedSets;

#[async_trait]
impl Fault for EventsOfRefusedSets {
    async fn commit(&self, store: &dyn Store, changes: &ChangeSet) -> Result<Receipt> {
        let answer = store.commit(changes).await;
        if answer.is_err() {
            let rest =
                changes.clone().with_writes(Vec::new()).with_requirements(Vec::new()).with_jobs(Vec::new());
            store.commit(&rest).await?;
        }
        answer
    }
}

/// C5: checks no requirement of the kind.
pub(crate) enum RequirementIgnored {
    Unchanged,
    ActiveUser,
    LoadBelow,
}

#[async_trait]
impl Fault for RequirementIgnored {
    async fn commit(&self, store: &dyn Store, changes: &ChangeSet) -> Result<Receipt> {
        let kept = changes.requirements().iter().copied().filter(|requirement| match self {
            Self::Unchanged => !matches!(requirement, Requirement::Unchanged { .. }),
            Self::ActiveUser => !matches!(requirement, Requirement::ActiveUser { .. }),
            Self::LoadBelow => !matches!(requirement, Requirement::LoadBelow { .. }),
        });
        let kept = kept.collect();
        store.commit(&changes.clone().with_requirements(kept)).await
    }
}

/// C5: counts the load when the set is planned rather than inside the commit, so that callers race.
pub(crate) struct LoadCountedBefore;

#[async_trait]
impl Fault for LoadCountedBefore {
    async fn commit(&self, store: &dyn Store, changes: &ChangeSet) -> Result<Receipt> {
        for requirement in changes.requirements() {
            let Requirement::LoadBelow { agent, limit } = requirement else { continue };
            let scope = Scope::tenant_wide(changes.tenant_id());
            let load = store.loads(&scope, &[*agent]).await?.first().map_or(0, |(_, load)| *load);
            if load >= *limit {
                return Err(Error::new(ErrorKind::Conflict, "commit"));
            }
        }
        // Long enough for the others to count too, on whatever thread they run.
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        RequirementIgnored::LoadBelow.commit(store, changes).await
    }
}

/// C6: answers before the set is seen: the first read of a user after a commit comes too early.
#[derive(Default)]
pub(crate) struct AnsweredEarly {
    unseen: AtomicBool,
}

#[async_trait]
impl Fault for AnsweredEarly {
    async fn commit(&self, store: &dyn Store, changes: &ChangeSet) -> Result<Receipt> {
        self.unseen.store(true, Ordering::SeqCst);
        store.commit(changes).await
    }

    async fn user(&self, store: &dyn Store, scope: &Scope, id: UserId) -> Result<Option<User>> {
        if self.unseen.swap(false, Ordering::SeqCst) {
            return Ok(None);
        }
        store.user(scope, id).await
    }
}

/// C7: commits in two steps with a pause, in which the caller may go away.
pub(crate) struct TornWhenDropped;

#[async_trait]
impl Fault for TornWhenDropped {
    async fn commit(&self, store: &dyn Store, changes: &ChangeSet) -> Result<Receipt> {
        let rows = changes.clone().with_events(Vec::new()).with_jobs(Vec::new());
        let receipt = store.commit(&rows).await?;
        tokio::task::yield_now().await;
        let rest = changes.clone().with_writes(Vec::new()).with_requirements(Vec::new());
        store.commit(&rest).await?;
        Ok(receipt)
    }
}

/// C7: a commit that is dropped leaves the handle useless.
#[derive(Default)]
pub(crate) struct PoisonedWhenDropped {
    open: AtomicBool,
}

#[async_trait]
impl Fault for PoisonedWhenDropped {
    async fn commit(&self, store: &dyn Store, changes: &ChangeSet) -> Result<Receipt> {
        if self.open.swap(true, Ordering::SeqCst) {
            return Err(Error::new(ErrorKind::Unavailable, "commit"));
        }
        tokio::task::yield_now().await;
        let answer = store.commit(changes).await;
        self.open.store(false, Ordering::SeqCst);
        answer
    }
}

/// C8: forgets keys.
pub(crate) struct KeyForgotten;

#[async_trait]
impl Fault for KeyForgotten {
    async fn commit(&self, store: &dyn Store, changes: &ChangeSet) -> Result<Receipt> {
        let mut bare = changes.clone();
        bare.keyed(None);
        store.commit(&bare).await
    }
}

/// C8: changes a key before it is kept or looked up.
pub(crate) struct KeyBlurred(pub(crate) fn(&mut IdempotencyKey));

impl KeyBlurred {
    /// Forgets who asked.
    pub(crate) fn principal(key: &mut IdempotencyKey) {
        "anybody".clone_into(&mut key.principal);
    }

    /// Forgets what was asked.
    pub(crate) fn request(key: &mut IdempotencyKey) {
        key.request = BlobHash::of(b"");
    }
}

#[async_trait]
impl Fault for KeyBlurred {
    async fn commit(&self, store: &dyn Store, changes: &ChangeSet) -> Result<Receipt> {
        let mut blurred = changes.clone();
        let key = changes.idempotency().cloned().map(|mut key| {
            (self.0)(&mut key);
            key
        });
        blurred.keyed(key);
        store.commit(&blurred).await
    }

    async fn receipt(&self, store: &dyn Store, key: &IdempotencyKey) -> Result<Option<Receipt>> {
        let mut blurred = key.clone();
        (self.0)(&mut blurred);
        store.receipt(&blurred).await
    }
}

/// C8: replays a key for ever.
#[derive(Default)]
pub(crate) struct KeyKeptForEver {
    first: Mutex<Option<Timestamp>>,
}

#[async_trait]
impl Fault for KeyKeptForEver {
    async fn commit(&self, store: &dyn Store, changes: &ChangeSet) -> Result<Receipt> {
        if changes.idempotency().is_none() {
            return store.commit(changes).await;
        }
        let first = *self.first.lock().expect("no panic under the lock").get_or_insert(changes.at());
        store.commit(&changes.clone().with_at(first)).await
    }
}

/// C8: answers a replay as if it were the first.
pub(crate) struct ReplayUnmarked;

#[async_trait]
impl Fault for ReplayUnmarked {
    async fn commit(&self, store: &dyn Store, changes: &ChangeSet) -> Result<Receipt> {
        store.commit(changes).await.map(|receipt| Receipt { replayed: false, ..receipt })
    }
}

/// C9: numbers and positions that are taken by refused sets too.
#[derive(Default)]
pub(crate) struct CountedWhenRefused {
    refused: AtomicU64,
}

impl CountedWhenRefused {
    fn extra(&self) -> u64 {
        self.refused.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Fault for CountedWhenRefused {
    async fn commit(&self, store: &dyn Store, changes: &ChangeSet) -> Result<Receipt> {
        let mut receipt = store.commit(changes).await.inspect_err(|_| {
            self.refused.fetch_add(1, Ordering::SeqCst);
        })?;
        for (_, number) in &mut receipt.numbers {
            *number = TicketNumber::new(number.get() + self.extra());
        }
        Ok(receipt)
    }

    async fn events(
        &self,
        store: &dyn Store,
        scope: &Scope,
        after: Position,
        limit: u16,
    ) -> Result<Vec<EventRecord>> {
        let after = Position::new(after.get().saturating_sub(self.extra()));
        let mut events = store.events(scope, after, limit).await?;
        for event in &mut events {
            event.position = Position::new(event.position.get() + self.extra());
        }
        Ok(events)
    }
}

/// C9: gives every number twice.
pub(crate) struct NumberReused;

impl NumberReused {
    fn reused(number: TicketNumber) -> TicketNumber {
        TicketNumber::new(number.get().div_ceil(2))
    }
}

#[async_trait]
impl Fault for NumberReused {
    async fn commit(&self, store: &dyn Store, changes: &ChangeSet) -> Result<Receipt> {
        let mut receipt = store.commit(changes).await?;
        for (_, number) in &mut receipt.numbers {
            *number = Self::reused(*number);
        }
        Ok(receipt)
    }

    async fn ticket(&self, store: &dyn Store, scope: &Scope, id: TicketId) -> Result<Option<Ticket>> {
        let found = store.ticket(scope, id).await?;
        Ok(found.map(|ticket| Ticket { number: Self::reused(ticket.number), ..ticket }))
    }
}

/// C10, C4: changes what a set tells the log.
pub(crate) enum EventsChanged {
    Reversed,
    LastForgotten,
}

#[async_trait]
impl Fault for EventsChanged {
    async fn commit(&self, store: &dyn Store, changes: &ChangeSet) -> Result<Receipt> {
        let mut events = changes.events().to_vec();
        match self {
            Self::Reversed => events.reverse(),
            Self::LastForgotten => drop(events.pop()),
        }
        store.commit(&changes.clone().with_events(events)).await
    }
}

/// C2: keeps a second user with a taken address, without it.
pub(crate) struct NamesakeKept;

#[async_trait]
impl Fault for NamesakeKept {
    async fn commit(&self, store: &dyn Store, changes: &ChangeSet) -> Result<Receipt> {
        let answer = store.commit(changes).await;
        if answer.is_ok() {
            return answer;
        }
        let nameless = changes.writes().iter().cloned().map(|write| match write {
            Write::User(save) => {
                let row = User { email: None, external_id: None, ..save.row };
                Write::User(Box::new(Save { from: save.from, row }))
            }
            other => other,
        });
        let nameless = nameless.collect();
        store.commit(&changes.clone().with_writes(nameless)).await
    }
}
