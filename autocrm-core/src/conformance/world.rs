//! A desk to play scenarios on: a tenant on a store, a clock that only moves forward, and short words for commands.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use crate::{
    access::{Actor, Scope},
    change::{ChangeSet, Receipt},
    clock::{Stamp, Timestamp},
    conformance::Backend,
    conversation::{self, Message, NewMessage},
    id::{IdSource, RandomIds, TeamId, TenantId, TicketId, UserId},
    port::Store,
    team::{self, Member, Team, TeamSpec},
    tenant::{self, TenantPolicy},
    text::{Body, EmailAddress, Name, Subject},
    ticket::{self, Channel, NewTicket, Scheme, Ticket, TicketEvent},
    transition::Transition,
    user::{self, NewUser, Role, User},
};

/// 2026-03-01 08:00 and a fraction that uses every microsecond digit.
const START: i64 = 1_772_352_000_123_457;
/// More than a second, and no multiple of a millisecond.
const TICK: i64 = 1_000_003;

/// A tenant on a store.
#[derive(Debug, Clone)]
pub(crate) struct World {
    pub(crate) store: StoreHandle,
    pub(crate) tenant: TenantId,
    clock: Arc<AtomicI64>,
}

/// A store that can be printed: scenarios derive `Debug` through it.
#[derive(Clone)]
pub(crate) struct StoreHandle(Arc<dyn Store>);

impl std::fmt::Debug for StoreHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Store")
    }
}

impl std::ops::Deref for StoreHandle {
    type Target = Arc<dyn Store>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl World {
    /// Founds a tenant on the backend's store.
    pub(crate) async fn open(backend: &Backend) -> Self {
        Self::found(backend.store(), Arc::new(AtomicI64::new(START))).await
    }

    /// Founds another tenant on the same store.
    pub(crate) async fn sibling(&self) -> Self {
        Self::found(Arc::clone(&self.store), Arc::clone(&self.clock)).await
    }

    async fn found(store: Arc<dyn Store>, clock: Arc<AtomicI64>) -> Self {
        let at = Timestamp::from_micros(clock.load(Ordering::SeqCst));
        let world = Self { store: StoreHandle(store), tenant: TenantId::from(RandomIds.uuid(at)), clock };
        world
            .apply(|set, stamp| {
                let name = Name::new("Acme").expect("a name");
                let founded = tenant::found(world.tenant, name, None, TenantPolicy::default(), stamp);
                set.tenant(founded.expect("a tenant"), stamp);
            })
            .await;
        world
    }

    /// Returns the same tenant through another handle.
    pub(crate) fn through(&self, store: Arc<dyn Store>) -> Self {
        Self { store: StoreHandle(store), ..self.clone() }
    }

    /// Returns the present instant, without moving the clock.
    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.clock.load(Ordering::SeqCst))
    }

    /// Moves the clock by one tick and returns the new instant.
    pub(crate) fn tick(&self) -> Timestamp {
        Timestamp::from_micros(self.clock.fetch_add(TICK, Ordering::SeqCst) + TICK)
    }

    /// Moves the clock forward.
    pub(crate) fn pass(&self, time: std::time::Duration) -> Timestamp {
        let micros = i64::try_from(time.as_micros()).expect("a time within a lifetime");
        Timestamp::from_micros(self.clock.fetch_add(micros, Ordering::SeqCst) + micros)
    }

    /// Returns the stamp of a new decision.
    pub(crate) fn stamp(&self) -> Stamp<'static> {
        Stamp::new(self.tick(), &RandomIds)
    }

    /// Returns AutoCRM itself.
    pub(crate) fn system(&self) -> Actor {
        Actor::system(self.tenant)
    }

    /// Returns the scope of the whole tenant.
    pub(crate) fn wide(&self) -> Scope {
        Scope::tenant_wide(self.tenant)
    }

    /// Returns the scope of a customer.
    pub(crate) fn customer(&self, user: UserId) -> Scope {
        Scope::customer(self.tenant, user)
    }

    /// Returns the scope of an agent of the teams.
    pub(crate) fn agent(&self, user: UserId, teams: &[TeamId]) -> Scope {
        Scope::of(&Actor::agent(self.tenant, user, teams.to_vec()))
    }

    /// Plans a change set of the system.
    pub(crate) fn plan(&self, fill: impl FnOnce(&mut ChangeSet, &Stamp<'_>)) -> ChangeSet {
        self.plan_at(&self.stamp(), fill)
    }

    /// Plans a change set of the system, decided at a given instant.
    pub(crate) fn plan_at(
        &self,
        stamp: &Stamp<'_>,
        fill: impl FnOnce(&mut ChangeSet, &Stamp<'_>),
    ) -> ChangeSet {
        let mut set = ChangeSet::new(&self.system(), stamp);
        fill(&mut set, stamp);
        set
    }

    /// Plans a change set of the system and commits it.
    pub(crate) async fn apply(&self, fill: impl FnOnce(&mut ChangeSet, &Stamp<'_>)) -> Receipt {
        let set = self.plan(fill);
        self.store.commit(&set).await.expect("the change set is applied")
    }

    /// Makes a user who has only a role, a name and, if given, an address.
    pub(crate) async fn person(&self, role: Role, name: &str, email: Option<&str>) -> User {
        let new = NewUser {
            role,
            name: Name::new(name).expect("a name"),
            email: email.map(|email| EmailAddress::new(email).expect("an address")),
            email_verified: false,
            external_id: None,
            language: None,
        };
        let made = user::create(&self.system(), self.tenant, new, &self.stamp()).expect("a user");
        let id = made.state.id;
        self.apply(|set, stamp| {
            set.user(made, stamp);
        })
        .await;
        self.store.user(&self.wide(), id).await.expect("a read").expect("the user exists")
    }

    /// Makes a team of agents.
    pub(crate) async fn team(&self, name: &str, agents: &[UserId]) -> Team {
        let members = agents.iter().map(|agent| member(*agent)).collect();
        let spec = TeamSpec {
            name: Name::new(name).expect("a name"),
            description: None,
            categories: std::collections::BTreeSet::new(),
            members,
        };
        let made = team::create(self.tenant, spec, |_| true, &self.stamp()).expect("a team");
        let id = made.state.id;
        self.apply(|set, stamp| {
            set.team(made, stamp);
        })
        .await;
        self.store.team(&self.wide(), id).await.expect("a read").expect("the team exists")
    }

    /// Returns the scheme of a tenant that never set one.
    pub(crate) fn scheme(&self) -> Scheme {
        Scheme::standard(self.tenant, Timestamp::from_micros(START))
    }

    /// Decides on a new ticket.
    pub(crate) fn new_ticket(
        &self,
        requester: UserId,
        subject: &str,
        stamp: &Stamp<'_>,
    ) -> Transition<Ticket, TicketEvent> {
        let new = NewTicket::about(Subject::new(subject).expect("a subject"));
        ticket::create(&self.scheme(), &self.system(), requester, Channel::Portal, new, stamp)
            .expect("a ticket")
    }

    /// Opens a ticket.
    pub(crate) async fn ticket(&self, requester: UserId, subject: &str) -> Ticket {
        let made = self.new_ticket(requester, subject, &self.stamp());
        let id = made.state.id;
        self.apply(|set, stamp| {
            set.ticket(made, false, stamp);
        })
        .await;
        self.load(id).await
    }

    /// Loads a ticket that exists and is not deleted.
    pub(crate) async fn load(&self, id: TicketId) -> Ticket {
        self.store.ticket(&self.wide(), id).await.expect("a read").expect("the ticket exists")
    }

    /// Decides on a ticket, commits and loads it again.
    pub(crate) async fn change(
        &self,
        ticket: &Ticket,
        decide: impl FnOnce(Ticket, &Stamp<'_>) -> Transition<Ticket, TicketEvent>,
    ) -> Ticket {
        let stamp = self.stamp();
        let next = decide(ticket.clone(), &stamp);
        let set = self.plan_at(&stamp, |set, stamp| {
            set.ticket(next, true, stamp);
        });
        self.store.commit(&set).await.expect("the ticket is changed");
        let found = self.store.ticket(&self.wide(), ticket.id).await.expect("a read");
        match found {
            Some(found) => found,
            None => self
                .store
                .deleted_ticket(&self.wide(), ticket.id)
                .await
                .expect("a read")
                .expect("the ticket exists"),
        }
    }

    /// Plans a message on a ticket.
    pub(crate) fn plan_message(
        &self,
        author: &Actor,
        ticket: &Ticket,
        new: NewMessage,
    ) -> (ChangeSet, Message) {
        let stamp = self.stamp();
        let by_customer = author.user().is_some() && !author.is_staff();
        let noted = ticket::note_activity(ticket.clone(), &self.scheme(), by_customer, !new.internal, &stamp)
            .expect("activity is noted");
        let written = conversation::write_message(author, &noted.state, new, &stamp).expect("a message");
        let mut message = written.state.clone();
        message.version = message.version.next();
        let mut set = ChangeSet::new(author, &stamp);
        set.ticket(noted, true, &stamp).message(written, &stamp);
        (set, message)
    }

    /// Writes a text on a ticket as it stands in the store.
    pub(crate) async fn say(&self, author: &Actor, ticket: TicketId, text: &str, internal: bool) -> Message {
        let present = self.load(ticket).await;
        let new = NewMessage::text(Body::new(text).expect("a text"), internal);
        let (set, message) = self.plan_message(author, &present, new);
        self.store.commit(&set).await.expect("the message is written");
        message
    }
}

/// Returns a plain member.
pub(crate) fn member(user: UserId) -> Member {
    Member {
        user,
        skills: std::collections::BTreeMap::new(),
        languages: std::collections::BTreeSet::new(),
        capacity: crate::team::Capacity::default(),
        availability: crate::team::Availability::Online,
    }
}
