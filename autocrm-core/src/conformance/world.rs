//! A tenant on a store, and short words for what scenarios do with it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use crate::{
    access::{Actor, ArticleVisibility, Scope},
    change::{ChangeSet, Receipt},
    clock::{Clock, Stamp, Timestamp},
    conformance::Backend,
    conversation::{self, Message, NewMessage},
    id::{TeamId, TenantId, TicketId, UserId},
    knowledge::{Article, ArticleState},
    port::Store,
    team::Team,
    testing::Scene,
    text::{EmailAddress, Name, Subject},
    ticket::{self, Channel, NewTicket, Scheme, Ticket, TicketEvent},
    transition::Transition,
    user::{self, NewUser, Role, User},
};

/// More than a second, and no multiple of a millisecond.
const TICK: Duration = Duration::from_micros(1_000_003);

/// A tenant on a store: plans with the [`Scene`] of its number, and commits.
#[derive(Debug, Clone)]
pub(crate) struct World {
    pub(crate) store: StoreHandle,
    pub(crate) tenant: TenantId,
    scene: Arc<Scene>,
    founded: Arc<AtomicU32>,
}

/// A store that can be printed.
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

/// A tenant whose store was let go.
#[derive(Debug)]
pub(crate) struct Absent {
    tenant: TenantId,
    scene: Arc<Scene>,
    founded: Arc<AtomicU32>,
}

impl Absent {
    /// Returns the tenant through a handle.
    pub(crate) fn through(self, store: Arc<dyn Store>) -> World {
        World { store: StoreHandle(store), tenant: self.tenant, scene: self.scene, founded: self.founded }
    }
}

impl World {
    /// Founds a tenant on the backend's store.
    pub(crate) async fn open(backend: &Backend) -> Self {
        Self::found(backend.store(), Arc::default()).await
    }

    /// Founds another tenant on the same store.
    pub(crate) async fn sibling(&self) -> Self {
        Self::found(Arc::clone(&self.store), Arc::clone(&self.founded)).await
    }

    async fn found(store: Arc<dyn Store>, founded: Arc<AtomicU32>) -> Self {
        let number = founded.fetch_add(1, Ordering::SeqCst);
        let scene = Arc::new(Scene::new(number));
        let (set, tenant) = scene.found(&format!("Acme {number}"), None);
        // Without the tenant's periodic jobs the queue is the scenario's own.
        let set = set.with_jobs(Vec::new());
        store.commit(&set).await.expect("the tenant is founded");
        Self { store: StoreHandle(store), tenant: tenant.id, scene, founded }
    }

    /// Returns the same tenant through another handle.
    pub(crate) fn through(&self, store: Arc<dyn Store>) -> Self {
        Self { store: StoreHandle(store), ..self.clone() }
    }

    /// Returns another tenant of the same store, as the scenario founded it.
    pub(crate) fn of_tenant(&self, tenant: TenantId) -> Self {
        Self { tenant, ..self.clone() }
    }

    /// Lets go of the store.
    pub(crate) fn detached(self) -> Absent {
        Absent { tenant: self.tenant, scene: self.scene, founded: self.founded }
    }

    /// Returns the present instant, without moving the clock.
    pub(crate) fn now(&self) -> Timestamp {
        self.scene.clock().now()
    }

    /// Moves the clock by one tick and returns the new instant.
    pub(crate) fn tick(&self) -> Timestamp {
        self.pass(TICK)
    }

    /// Moves the clock forward and returns the new instant.
    pub(crate) fn pass(&self, time: Duration) -> Timestamp {
        self.scene.clock().advance(time)
    }

    /// Returns the stamp of a new decision.
    pub(crate) fn stamp(&self) -> Stamp<'_> {
        self.scene.stamp()
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

    /// Returns what a user is made of who has only a role, a name and, if given, an address.
    pub(crate) fn new_user(role: Role, name: &str, email: Option<&str>) -> NewUser {
        NewUser {
            role,
            name: Name::new(name).expect("a name"),
            email: email.map(|email| EmailAddress::new(email).expect("an address")),
            email_verified: false,
            external_id: None,
            language: None,
        }
    }

    /// Makes a user who has only a role, a name and, if given, an address.
    pub(crate) async fn person(&self, role: Role, name: &str, email: Option<&str>) -> User {
        let new = Self::new_user(role, name, email);
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
        let (set, team) = self.plan_team(name, agents);
        self.store.commit(&set).await.expect("the team is made");
        team
    }

    /// Plans a team of agents.
    pub(crate) fn plan_team(&self, name: &str, agents: &[UserId]) -> (ChangeSet, Team) {
        self.scene.team_of(name, agents)
    }

    /// Plans an article with its passages.
    pub(crate) fn plan_article(
        &self,
        slug: &str,
        body: &str,
        visibility: ArticleVisibility,
        state: ArticleState,
    ) -> (ChangeSet, Article) {
        self.scene.article(slug, body, visibility, state)
    }

    /// Returns the scheme of a tenant that never set one.
    pub(crate) fn scheme(&self) -> Scheme {
        Scheme { tenant: self.tenant, ..self.scene.scheme() }
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
        let (set, ticket) = self.scene.ticket(requester, subject, None);
        self.store.commit(&set).await.expect("the ticket is opened");
        self.load(ticket.id).await
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
        let (set, _, message) = self.scene.message(author, &present, text, internal);
        self.store.commit(&set).await.expect("the message is written");
        message
    }

    /// Deletes a ticket.
    pub(crate) async fn delete(&self, ticket: &Ticket) -> Ticket {
        let (set, row) = self.scene.delete(ticket);
        self.store.commit(&set).await.expect("the ticket is deleted");
        row
    }

    /// Erases a deleted ticket.
    pub(crate) async fn erase(&self, ticket: TicketId) {
        self.store.commit(&self.scene.erase(ticket)).await.expect("the ticket is erased");
    }
}

/// Returns a member without skills.
pub(crate) fn member(user: UserId) -> crate::team::Member {
    crate::team::Member {
        user,
        skills: std::collections::BTreeMap::new(),
        languages: std::collections::BTreeSet::new(),
        capacity: crate::team::Capacity::default(),
        availability: crate::team::Availability::Online,
    }
}
