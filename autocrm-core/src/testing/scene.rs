//! A tenant being played: plans the change sets of its story.

use std::{collections::BTreeSet, time::Duration};

use crate::{
    access::{Actor, ArticleVisibility},
    change::{ChangeSet, EntityRef},
    clock::{Clock, Stamp},
    conversation::{self, Message, NewMessage, Template, TemplateSpec},
    id::{TeamId, TenantId, TicketId, UserId},
    knowledge::{self, Article, ArticleSpec, ArticleState},
    notify::{self, Notification, NotificationKind},
    team::{self, Availability, Capacity, Member, Team, TeamSpec},
    tenant::{self, Tenant, TenantPolicy},
    testing::{ManualClock, SequentialIds},
    text::{Body, EmailAddress, Key, Name, Subject},
    ticket::{self, Channel, NewTicket, Scheme, Ticket},
    user::{self, NewUser, Role, User},
};

const TICK: Duration = Duration::from_micros(1_000_003);

/// A tenant being played. Each method plans one change set, an instant after the one before, and returns it with the
/// row as it will be stored, except for a ticket's number, which the commit gives.
#[derive(Debug)]
pub struct Scene {
    tenant: TenantId,
    ids: SequentialIds,
    clock: ManualClock,
}

impl Scene {
    /// Returns the scene with the given number: equal numbers play with equal ids, different ones with others.
    pub fn new(number: u32) -> Self {
        let ids = SequentialIds::starting_at(u64::from(number) << 28);
        let clock = ManualClock::default();
        let tenant = Stamp::new(clock.now(), &ids).id();
        Self { tenant, ids, clock }
    }

    /// Returns the tenant.
    pub fn tenant_id(&self) -> TenantId {
        self.tenant
    }

    /// Returns the clock of the scene.
    pub fn clock(&self) -> &ManualClock {
        &self.clock
    }

    /// Returns AutoCRM itself.
    pub fn system(&self) -> Actor {
        Actor::system(self.tenant)
    }

    /// Returns the user as an actor; an agent acts in the teams given.
    pub fn actor(&self, user: &User, teams: &[TeamId]) -> Actor {
        match user.role {
            Role::Customer => Actor::customer(self.tenant, user.id),
            Role::Agent => Actor::agent(self.tenant, user.id, teams.to_vec()),
            Role::Admin => Actor::admin(self.tenant, user.id),
        }
    }

    /// Returns the scheme of a tenant that never set one.
    pub fn scheme(&self) -> Scheme {
        Scheme::standard(self.tenant, self.clock.now())
    }

    /// Returns the stamp of the next decision.
    pub fn stamp(&self) -> Stamp<'_> {
        Stamp::new(self.clock.advance(TICK), &self.ids)
    }

    fn set(&self, actor: &Actor, stamp: &Stamp<'_>, answer: EntityRef) -> ChangeSet {
        debug_assert_eq!(actor.tenant, self.tenant);
        let mut set = ChangeSet::new(actor, stamp);
        set.answers(answer);
        set
    }

    /// Founds the tenant.
    pub fn found(&self, name: &str, support_address: Option<&str>) -> (ChangeSet, Tenant) {
        let stamp = self.stamp();
        let address = support_address.map(|address| EmailAddress::new(address).expect("an address"));
        let name = Name::new(name).expect("a name");
        let founded = tenant::found(self.tenant, name, address, TenantPolicy::default(), &stamp);
        let founded = founded.expect("the standard policy is within its bounds");
        let mut row = founded.state.clone();
        row.version = row.version.next();
        let mut set = self.set(&self.system(), &stamp, EntityRef::Tenant);
        set.tenant(founded, &stamp);
        (set, row)
    }

    /// Makes a user with an address of their name.
    pub fn user(&self, role: Role, name: &str) -> (ChangeSet, User) {
        let local = name.to_lowercase().replace(' ', ".");
        let new = NewUser {
            role,
            name: Name::new(name).expect("a name"),
            email: Some(EmailAddress::new(format!("{local}@example.org")).expect("an address")),
            email_verified: false,
            external_id: None,
            language: None,
        };
        let stamp = self.stamp();
        let made = user::create(&self.system(), self.tenant, new, &stamp).expect("the system makes any user");
        let mut row = made.state.clone();
        row.version = row.version.next();
        let mut set = self.set(&self.system(), &stamp, EntityRef::User(row.id));
        set.user(made, &stamp);
        (set, row)
    }

    /// Makes a customer.
    pub fn customer(&self, name: &str) -> (ChangeSet, User) {
        self.user(Role::Customer, name)
    }

    /// Makes an agent.
    pub fn agent(&self, name: &str) -> (ChangeSet, User) {
        self.user(Role::Agent, name)
    }

    /// Makes a team of agents without skills.
    pub fn team_of(&self, name: &str, agents: &[UserId]) -> (ChangeSet, Team) {
        let stamp = self.stamp();
        let member = |user: &UserId| Member {
            user: *user,
            skills: std::collections::BTreeMap::new(),
            languages: BTreeSet::new(),
            capacity: Capacity::default(),
            availability: Availability::Online,
        };
        let spec = TeamSpec {
            name: Name::new(name).expect("a name"),
            description: None,
            categories: BTreeSet::new(),
            members: agents.iter().map(member).collect(),
        };
        let made = team::create(self.tenant, spec, |_| true, &stamp).expect("a team of few distinct agents");
        let mut row = made.state.clone();
        row.version = row.version.next();
        let mut set = self.set(&self.system(), &stamp, EntityRef::Team(row.id));
        set.team(made, &stamp);
        (set, row)
    }

    /// Opens a ticket of a customer, in a team's charge if one is given.
    pub fn ticket(&self, requester: UserId, subject: &str, team: Option<&Team>) -> (ChangeSet, Ticket) {
        let stamp = self.stamp();
        let new = NewTicket::about(Subject::new(subject).expect("a subject"));
        let made = ticket::create(&self.scheme(), &self.system(), requester, Channel::Portal, new, &stamp)
            .expect("a ticket with nothing but a subject");
        let made = made.and_then(|state| ticket::assign(state, team, None, &stamp));
        let made = made.expect("a team takes a ticket of its tenant");
        let mut row = made.state.clone();
        row.version = row.version.next();
        let mut set = self.set(&self.system(), &stamp, EntityRef::Ticket(row.id));
        set.ticket(made, false, &stamp);
        (set, row)
    }

    /// Names others who take part in a ticket.
    pub fn invite(&self, ticket: &Ticket, participants: &[UserId]) -> (ChangeSet, Ticket) {
        let stamp = self.stamp();
        let change = ticket::TicketChange {
            participants: Some(participants.to_vec()),
            ..ticket::TicketChange::default()
        };
        let source = ticket::CategorySource::Person;
        let changed = ticket::update(&self.scheme(), &self.system(), ticket.clone(), change, source, &stamp);
        let changed = changed.expect("few participants");
        let mut row = changed.state.clone();
        row.version = row.version.next();
        let mut set = self.set(&self.system(), &stamp, EntityRef::Ticket(row.id));
        set.ticket(changed, true, &stamp);
        (set, row)
    }

    /// Writes a message on a ticket.
    pub fn message(
        &self,
        author: &Actor,
        ticket: &Ticket,
        text: &str,
        internal: bool,
    ) -> (ChangeSet, Ticket, Message) {
        let stamp = self.stamp();
        let by_customer = author.user().is_some() && !author.is_staff();
        let noted = ticket::note_activity(ticket.clone(), &self.scheme(), by_customer, !internal, &stamp)
            .expect("the standard scheme has every status");
        let new = NewMessage::text(Body::new(text).expect("a text"), internal);
        let written = conversation::write_message(author, &noted.state, new, &stamp).expect("a message");
        let (mut ticket_row, mut row) = (noted.state.clone(), written.state.clone());
        ticket_row.version = ticket_row.version.next();
        row.version = row.version.next();
        let mut set = self.set(author, &stamp, EntityRef::Message(row.id));
        set.ticket(noted, true, &stamp).message(written, &stamp);
        (set, ticket_row, row)
    }

    /// Deletes a ticket.
    pub fn delete(&self, ticket: &Ticket) -> (ChangeSet, Ticket) {
        let stamp = self.stamp();
        let deleted = ticket::delete(ticket.clone(), &TenantPolicy::default(), &stamp);
        let mut row = deleted.state.clone();
        row.version = row.version.next();
        let mut set = self.set(&self.system(), &stamp, EntityRef::Ticket(row.id));
        set.ticket(deleted, false, &stamp);
        (set, row)
    }

    /// Erases a deleted ticket.
    pub fn erase(&self, ticket: TicketId) -> ChangeSet {
        let stamp = self.stamp();
        let mut set = self.set(&self.system(), &stamp, EntityRef::Ticket(ticket));
        set.erase_ticket(ticket);
        set
    }

    /// Writes an article, with its passages, and brings it into the state.
    pub fn article(
        &self,
        slug: &str,
        body: &str,
        visibility: ArticleVisibility,
        state: ArticleState,
    ) -> (ChangeSet, Article) {
        let stamp = self.stamp();
        let spec = ArticleSpec {
            slug: Key::new(slug).expect("a short name"),
            title: Subject::new(slug.replace('-', " ")).expect("a title"),
            body: Body::new(body).expect("a text"),
            category: None,
            visibility,
            language: None,
        };
        let (written, revision) =
            knowledge::write(&self.system(), self.tenant, spec, &stamp).expect("an article with a text");
        let written = written.and_then(|article| {
            Ok::<_, knowledge::ArticleRefusal>(knowledge::change_state(article, state, &stamp))
        });
        let written = written.expect("any state follows a draft");
        let mut row = written.state.clone();
        row.version = row.version.next();
        let chunks = knowledge::cut(&row, &stamp);
        let mut set = self.set(&self.system(), &stamp, EntityRef::Article(row.id));
        set.article(written, &stamp).revision(revision).chunks(&row, chunks);
        (set, row)
    }

    /// Makes a response template.
    pub fn template(&self, name: &str, body: &str, team: Option<TeamId>) -> (ChangeSet, Template) {
        let stamp = self.stamp();
        let spec = TemplateSpec {
            name: Name::new(name).expect("a name"),
            body: Body::new(body).expect("a text"),
            team,
            language: None,
        };
        let made = conversation::create_template(self.tenant, spec, &stamp).expect("a template");
        let mut row = made.state.clone();
        row.version = row.version.next();
        let mut set = self.set(&self.system(), &stamp, EntityRef::Template(row.id));
        set.template(made, &stamp);
        (set, row)
    }

    /// Tells somebody of a ticket.
    pub fn notification(&self, recipient: UserId, ticket: TicketId) -> (ChangeSet, Notification) {
        let stamp = self.stamp();
        let told = notify::raise(self.tenant, recipient, NotificationKind::Assigned, ticket, &stamp);
        let mut row = told.state.clone();
        row.version = row.version.next();
        let mut set = self.set(&self.system(), &stamp, EntityRef::Notification(row.id));
        set.notification(told, &stamp);
        (set, row)
    }
}
