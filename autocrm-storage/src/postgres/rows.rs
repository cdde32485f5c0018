//! The rows that change sets require or replace: locked in one order, and what is known of them while a round is judged.

use std::collections::{BTreeSet, HashMap, HashSet};

use autocrm_core::{
    change::{EntityRef, JobFinish, Requirement},
    error::Result,
    ticket::StatusCategory,
};
use sqlx::PgConnection;

use crate::{
    column::{Code, Uid, number},
    plan::{Plan, Row},
    postgres::{failure::During, round::entity_of},
};

const COMMIT: &str = "commit";

/// What of a stored ticket an update is compared with.
#[derive(Debug, sqlx::FromRow)]
pub(crate) struct StoredTicket {
    id: Uid,
    version: i64,
    pub(crate) requester: Uid,
    pub(crate) rest: String,
}

/// What of a stored job its end is compared with.
#[derive(Debug, Clone, Copy, sqlx::FromRow)]
pub(crate) struct StoredJob {
    id: Uid,
    state: i64,
    token: i64,
    pub(crate) attempts: i64,
    pub(crate) max_attempts: i64,
    pub(crate) run_at: i64,
}

/// What is known of the rows of a round. A row that is not known does not exist, or nobody asked.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    versions: HashMap<EntityRef, i64>,
    tickets: HashMap<Uid, StoredTicket>,
    jobs: HashMap<Uid, StoredJob>,
    /// The loads of the agents that were asked for; those that the round may have changed are taken out.
    loads: HashMap<Uid, i64>,
    /// Of the users that were asked for or are written, those who are active.
    active: HashSet<Uid>,
    /// Rows that the round makes.
    made: HashSet<EntityRef>,
}

/// The tables whose rows have an id and a version, in the order in which they are locked.
const LOCKS: &[(Noun, &str)] = &[
    (Noun::User, include_str!("sql/lock_user.sql")),
    (Noun::Team, include_str!("sql/lock_team.sql")),
    (Noun::Template, include_str!("sql/lock_template.sql")),
    (Noun::Article, include_str!("sql/lock_article.sql")),
    (Noun::Message, include_str!("sql/lock_message.sql")),
    (Noun::Mail, include_str!("sql/lock_inbound.sql")),
    (Noun::Outbound, include_str!("sql/lock_outbound.sql")),
    (Noun::Correspondent, include_str!("sql/lock_correspondent.sql")),
    (Noun::Notification, include_str!("sql/lock_notification.sql")),
    (Noun::Feedback, include_str!("sql/lock_feedback.sql")),
];

/// A kind of row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Noun {
    Tenant,
    Scheme,
    User,
    Team,
    Ticket,
    Template,
    Article,
    Message,
    Mail,
    Outbound,
    Correspondent,
    Notification,
    Feedback,
}

fn noun(entity: EntityRef) -> (Noun, Option<Uid>) {
    match entity {
        EntityRef::Tenant => (Noun::Tenant, None),
        EntityRef::Scheme => (Noun::Scheme, None),
        EntityRef::User(id) => (Noun::User, Some(Uid::of(id))),
        EntityRef::Team(id) => (Noun::Team, Some(Uid::of(id))),
        EntityRef::Ticket(id) => (Noun::Ticket, Some(Uid::of(id))),
        EntityRef::Template(id) => (Noun::Template, Some(Uid::of(id))),
        EntityRef::Article(id) => (Noun::Article, Some(Uid::of(id))),
        EntityRef::Message(id) => (Noun::Message, Some(Uid::of(id))),
        EntityRef::Mail(id) => (Noun::Mail, Some(Uid::of(id))),
        EntityRef::Outbound(id) => (Noun::Outbound, Some(Uid::of(id))),
        EntityRef::Correspondent(id) => (Noun::Correspondent, Some(Uid::of(id))),
        EntityRef::Notification(id) => (Noun::Notification, Some(Uid::of(id))),
        EntityRef::Feedback(id) => (Noun::Feedback, Some(Uid::of(id))),
    }
}

fn entity(noun: Noun, id: Uid) -> EntityRef {
    match noun {
        Noun::Tenant => EntityRef::Tenant,
        Noun::Scheme => EntityRef::Scheme,
        Noun::User => EntityRef::User(id.to()),
        Noun::Team => EntityRef::Team(id.to()),
        Noun::Ticket => EntityRef::Ticket(id.to()),
        Noun::Template => EntityRef::Template(id.to()),
        Noun::Article => EntityRef::Article(id.to()),
        Noun::Message => EntityRef::Message(id.to()),
        Noun::Mail => EntityRef::Mail(id.to()),
        Noun::Outbound => EntityRef::Outbound(id.to()),
        Noun::Correspondent => EntityRef::Correspondent(id.to()),
        Noun::Notification => EntityRef::Notification(id.to()),
        Noun::Feedback => EntityRef::Feedback(id.to()),
    }
}

/// The rows that change sets name: to be replaced, and to be left as they are.
#[derive(Debug, Default)]
struct Named {
    replaced: BTreeSet<(Noun, Option<Uid>)>,
    required: BTreeSet<(Noun, Option<Uid>)>,
    agents: BTreeSet<Uid>,
    users: BTreeSet<Uid>,
    jobs: BTreeSet<Uid>,
}

impl Named {
    fn by<'a>(plans: impl Iterator<Item = &'a Plan>) -> Self {
        let mut named = Self::default();
        for plan in plans {
            for requirement in &plan.requirements {
                match *requirement {
                    Requirement::Unchanged { entity, .. } => {
                        named.required.insert(noun(entity));
                    }
                    Requirement::ActiveUser { user } => {
                        named.users.insert(Uid::of(user));
                        named.required.insert((Noun::User, Some(Uid::of(user))));
                    }
                    Requirement::LoadBelow { agent, .. } => {
                        named.agents.insert(Uid::of(agent));
                        named.replaced.insert((Noun::User, Some(Uid::of(agent))));
                    }
                }
            }
            for row in &plan.rows {
                if let Some((entity, from)) = entity_of(row)
                    && from > 0
                {
                    named.replaced.insert(noun(entity));
                }
                if let Row::FinishJob(finish) = row {
                    named.jobs.insert(Uid::of(finish.job));
                }
            }
        }
        named
    }

    /// Returns the ids of a noun, in order: those to be replaced, and those only required.
    fn ids(&self, of: Noun) -> (Vec<Uid>, Vec<Uid>) {
        let ids = |all: &BTreeSet<(Noun, Option<Uid>)>| -> Vec<Uid> {
            all.iter().filter(|(noun, _)| *noun == of).filter_map(|(_, id)| *id).collect()
        };
        let replaced = ids(&self.replaced);
        let required =
            ids(&self.required).into_iter().filter(|id| replaced.binary_search(id).is_err()).collect();
        (replaced, required)
    }

    fn has(&self, noun: Noun) -> (bool, bool) {
        (self.replaced.contains(&(noun, None)), self.required.contains(&(noun, None)))
    }
}

impl Rows {
    /// Locks the rows that change sets of a tenant require or replace: table after table in one order, rows by id.
    pub(crate) async fn lock<'a>(
        connection: &mut PgConnection,
        tenant: Uid,
        plans: impl Iterator<Item = &'a Plan>,
    ) -> Result<Self> {
        let named = Named::by(plans);
        let mut rows = Self::default();
        rows.lock_single(connection, tenant, &named).await?;
        for (of, statement) in LOCKS {
            let (replaced, required) = named.ids(*of);
            if replaced.is_empty() && required.is_empty() {
                continue;
            }
            let found: Vec<(Uid, i64)> = sqlx::query_as(*statement)
                .bind(tenant)
                .bind(&replaced)
                .bind(&required)
                .fetch_all(&mut *connection)
                .await
                .during(COMMIT)?;
            rows.versions.extend(found.into_iter().map(|(id, version)| (entity(*of, id), version)));
        }
        rows.find_active(connection, tenant, &named).await?;
        rows.lock_tickets(connection, tenant, &named).await?;
        rows.lock_jobs(connection, tenant, &named).await?;
        rows.count_loads(connection, tenant, &named).await?;
        Ok(rows)
    }

    async fn lock_single(&mut self, connection: &mut PgConnection, tenant: Uid, named: &Named) -> Result<()> {
        let statements = [
            (Noun::Tenant, include_str!("sql/lock_tenant.sql")),
            (Noun::Scheme, include_str!("sql/lock_scheme.sql")),
        ];
        for (of, statement) in statements {
            let (replaced, required) = named.has(of);
            if !(replaced || required) {
                continue;
            }
            let version: Option<i64> = sqlx::query_scalar(statement)
                .bind(tenant)
                .bind(replaced)
                .fetch_optional(&mut *connection)
                .await
                .during(COMMIT)?;
            self.versions.extend(version.map(|version| (entity(of, tenant), version)));
        }
        Ok(())
    }

    /// Finds out which users are active, whose rows are locked.
    async fn find_active(&mut self, connection: &mut PgConnection, tenant: Uid, named: &Named) -> Result<()> {
        if named.users.is_empty() {
            return Ok(());
        }
        let users: Vec<Uid> = named.users.iter().copied().collect();
        let active: Vec<Uid> = sqlx::query_scalar(include_str!("sql/active_users.sql"))
            .bind(tenant)
            .bind(&users)
            .fetch_all(connection)
            .await
            .during(COMMIT)?;
        self.active = active.into_iter().collect();
        Ok(())
    }

    async fn lock_tickets(
        &mut self,
        connection: &mut PgConnection,
        tenant: Uid,
        named: &Named,
    ) -> Result<()> {
        let (replaced, required) = named.ids(Noun::Ticket);
        if replaced.is_empty() && required.is_empty() {
            return Ok(());
        }
        let found: Vec<StoredTicket> = sqlx::query_as(include_str!("sql/lock_ticket.sql"))
            .bind(tenant)
            .bind(&replaced)
            .bind(&required)
            .fetch_all(connection)
            .await
            .during(COMMIT)?;
        for ticket in found {
            self.versions.insert(EntityRef::Ticket(ticket.id.to()), ticket.version);
            self.tickets.insert(ticket.id, ticket);
        }
        Ok(())
    }

    async fn lock_jobs(&mut self, connection: &mut PgConnection, tenant: Uid, named: &Named) -> Result<()> {
        if named.jobs.is_empty() {
            return Ok(());
        }
        let ids: Vec<Uid> = named.jobs.iter().copied().collect();
        let found: Vec<StoredJob> = sqlx::query_as(include_str!("sql/lock_job.sql"))
            .bind(tenant)
            .bind(&ids)
            .fetch_all(connection)
            .await
            .during(COMMIT)?;
        self.jobs = found.into_iter().map(|job| (job.id, job)).collect();
        Ok(())
    }

    /// Counts the live tickets of agents, whose rows are locked: no other transaction gives them one meanwhile.
    async fn count_loads(&mut self, connection: &mut PgConnection, tenant: Uid, named: &Named) -> Result<()> {
        if named.agents.is_empty() {
            return Ok(());
        }
        let agents: Vec<Uid> = named.agents.iter().copied().collect();
        let counted = loads(connection, tenant, &agents).await?;
        self.loads = agents.into_iter().map(|agent| (agent, 0)).collect();
        self.loads.extend(counted);
        Ok(())
    }

    /// Returns the version of a row, 0 when it does not exist.
    pub(crate) fn version(&self, entity: EntityRef) -> i64 {
        self.versions.get(&entity).copied().unwrap_or(0)
    }

    /// Returns whether an earlier change set of the round makes the row.
    pub(crate) fn is_made(&self, entity: EntityRef) -> bool {
        self.made.contains(&entity)
    }

    /// Returns whether a user who was asked for exists and is active.
    pub(crate) fn is_active(&self, user: Uid) -> bool {
        self.active.contains(&user)
    }

    /// Returns an agent's number of live tickets; `None`: the round may have changed it.
    pub(crate) fn load(&self, agent: Uid) -> Option<i64> {
        self.loads.get(&agent).copied()
    }

    /// Returns whether a job is held with the token.
    pub(crate) fn holds_job(&self, finish: &JobFinish) -> bool {
        let held = |job: &StoredJob| job.state == 1 && job.token == number(finish.token.get());
        self.jobs.get(&Uid::of(finish.job)).is_some_and(held)
    }

    /// Returns a job that is held.
    pub(crate) fn job(&self, id: Uid) -> Option<StoredJob> {
        self.jobs.get(&id).copied()
    }

    /// Returns a ticket as it was before the round.
    pub(crate) fn ticket(&self, id: Uid) -> Option<&StoredTicket> {
        self.tickets.get(&id)
    }

    /// Notes what a change set is about to write.
    pub(crate) fn note(&mut self, plan: &Plan) {
        for row in &plan.rows {
            if let Some((entity, from)) = entity_of(row) {
                if from == 0 {
                    self.made.insert(entity);
                }
                self.versions.insert(entity, from + 1);
            }
            match row {
                Row::Ticket(ticket) => self.forget_loads(ticket.saved.record.assignee),
                Row::FinishJob(finish) => self.end(finish),
                Row::User(saved) if saved.record.active != 0 => {
                    self.active.insert(saved.record.id);
                }
                Row::User(saved) => {
                    self.active.remove(&saved.record.id);
                }
                _ => {}
            }
        }
        for requirement in &plan.requirements {
            if let Requirement::LoadBelow { agent, .. } = requirement {
                self.loads.remove(&Uid::of(*agent));
            }
        }
    }

    fn forget_loads(&mut self, assignee: Option<Uid>) {
        if let Some(agent) = assignee {
            self.loads.remove(&agent);
        }
    }

    /// A job is ended once; what is known of it stays for those who write its end.
    fn end(&mut self, finish: &JobFinish) {
        if let Some(job) = self.jobs.get_mut(&Uid::of(finish.job)) {
            job.token = -1;
        }
    }
}

/// Returns the number of live tickets of each agent that has any.
pub(crate) async fn loads(
    connection: &mut PgConnection,
    tenant: Uid,
    agents: &[Uid],
) -> Result<Vec<(Uid, i64)>> {
    sqlx::query_as(include_str!("sql/loads.sql"))
        .bind(tenant)
        .bind(agents)
        .bind(StatusCategory::OnHold.code())
        .fetch_all(connection)
        .await
        .during("loads")
}
