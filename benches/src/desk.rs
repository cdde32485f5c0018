//! A desk to measure: a tenant with teams, agents, categories, customers and a knowledge base.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
};

use autocrm_ai::{
    classify::{TenantClassifiers, TrainingOptions},
    ground::{ExtractiveAnswerer, ExtractiveOptions},
    language::TrigramDetector,
    lexical::LexicalIndex,
};
use autocrm_core::{
    access::{Actor, ArticleVisibility},
    app::{AutoCrm, RequestKey, TicketData},
    clock::{Clock as _, SystemClock},
    id::{IdSource as _, RandomIds, TeamId, TenantId, UserId},
    knowledge::{ArticleSpec, ArticleState},
    mail::{BlobHash, MailKey, MailKeys},
    memory::{MemoryBlobs, MemoryStore},
    port::{MailParser, Store},
    team::{Availability, Capacity, Member, TeamSpec},
    tenant::TenantPolicy,
    text::{Body, EmailAddress, ExternalId, Key, Name, Note, Subject},
    ticket::{Category, Channel, NewTicket, Ticket},
    user::{NewUser, Role},
};
use autocrm_email::{AuthVerifier, FileOutbox};
use autocrm_storage::sqlite::Synchronous;

use crate::{
    failure::{Failure, Result},
    random::Random,
    store::{StoreKind, Workplace, open_sqlite},
    topics::{ARTICLES, TOPICS},
    words::Vocabulary,
};

/// The address that receives the desk's mail.
pub(crate) const SUPPORT: &str = "support@desk.example";
/// The name of the database file in the folder of a measurement.
pub(crate) const DATABASE: &str = "desk.db";
const AGENTS_PER_TEAM: usize = 4;

/// A desk with a founded tenant.
#[derive(Debug, Clone)]
pub(crate) struct Desk {
    pub(crate) crm: AutoCrm,
    pub(crate) tenant: TenantId,
    pub(crate) admin: Actor,
    /// An agent of the first team.
    pub(crate) agent: Actor,
    pub(crate) customers: Arc<[Actor]>,
}

/// Opens an empty store of the kind in a folder, and builds a handle around it.
pub(crate) async fn open(
    kind: StoreKind,
    place: &Workplace,
    parser: impl MailParser + 'static,
    verifier: Option<AuthVerifier>,
) -> Result<AutoCrm> {
    let outbox = place.file("outbox");
    match kind {
        StoreKind::Memory => assemble(MemoryStore::new(), parser, verifier, &outbox),
        StoreKind::Sqlite => {
            assemble(open_sqlite(&place.file(DATABASE), Synchronous::Full)?, parser, verifier, &outbox)
        }
        StoreKind::Postgres => {
            assemble(place.database()?.store(place.callers).await?, parser, verifier, &outbox)
        }
    }
}

/// Builds a handle with every local adapter around a store.
pub(crate) fn assemble(
    store: impl Store + 'static,
    parser: impl MailParser + 'static,
    verifier: Option<AuthVerifier>,
    outbox: &Path,
) -> Result<AutoCrm> {
    let key = MailKey::new(vec![7; 32]).ok_or_else(|| Failure::new("the mail key is too short"))?;
    let mut builder = AutoCrm::builder();
    if let Some(verifier) = verifier {
        builder = builder.verifier(verifier);
    }
    let crm = builder
        .store(store)
        .blobs(MemoryBlobs::new())
        .index(LexicalIndex::in_memory()?)
        .detector(TrigramDetector)
        .classifier(TenantClassifiers::new(TrainingOptions::default()))
        .model(ExtractiveAnswerer::new(ExtractiveOptions::default()))
        .parser(parser)
        .mailer(FileOutbox::open(outbox)?)
        .mail_keys(MailKeys::new(key, Vec::new()))
        .build()?;
    Ok(crm)
}

/// Founds a tenant with a team per topic, agents, articles and as many customers as asked for.
pub(crate) async fn found(crm: AutoCrm, customers: usize) -> Result<Desk> {
    let tenant = TenantId::from_uuid(RandomIds.uuid(SystemClock.now()));
    let system = Actor::system(tenant);
    let admin = crm.admin();
    let support = EmailAddress::new(SUPPORT)?;
    admin.found_tenant(tenant, &Name::new("Desk")?, Some(&support), TenantPolicy::default()).await?;
    let chief = user(&crm, &system, Role::Admin, "Chief", "chief@desk.example").await?;
    let mut desk = Desk {
        agent: crm.actor(tenant, chief).await?,
        admin: crm.actor(tenant, chief).await?,
        crm: crm.clone(),
        tenant,
        customers: Arc::default(),
    };
    let (teams, first) = desk.teams(&system).await?;
    desk.agent = first;
    desk.categories(&teams).await?;
    desk.articles().await?;
    let mut people = Vec::with_capacity(customers);
    for number in 0..customers {
        let id = user(&crm, &system, Role::Customer, &format!("Customer {number}"), &address(number)).await?;
        people.push(crm.actor(tenant, id).await?);
    }
    desk.customers = people.into();
    crm.feed().sync_index().await?;
    Ok(desk)
}

/// Returns the address of a customer.
pub(crate) fn address(number: usize) -> String {
    format!("customer-{number}@people.example")
}

async fn user(crm: &AutoCrm, by: &Actor, role: Role, name: &str, email: &str) -> Result<UserId> {
    let new = NewUser {
        role,
        email: Some(EmailAddress::new(email)?),
        email_verified: true,
        ..NewUser::customer(Name::new(name)?)
    };
    Ok(crm.admin().create_user(by, &new).await?.id)
}

impl Desk {
    async fn teams(&self, system: &Actor) -> Result<(Vec<TeamId>, Actor)> {
        let mut teams = Vec::with_capacity(TOPICS.len());
        let mut first = None;
        for topic in TOPICS {
            let mut members = Vec::with_capacity(AGENTS_PER_TEAM);
            for number in 0..AGENTS_PER_TEAM {
                let email = format!("{}-{number}@desk.example", topic.key);
                let name = format!("Agent {} {number}", topic.name);
                let agent = user(&self.crm, system, Role::Agent, &name, &email).await?;
                first.get_or_insert(agent);
                members.push(Member {
                    user: agent,
                    skills: BTreeMap::new(),
                    languages: BTreeSet::new(),
                    capacity: Capacity::new(1_000).unwrap_or_default(),
                    availability: Availability::Online,
                });
            }
            let spec = TeamSpec {
                name: Name::new(topic.name)?,
                description: Some(Note::new(topic.description)?),
                categories: [Key::new(topic.key)?].into(),
                members,
            };
            teams.push(self.crm.admin().create_team(&self.admin, &spec).await?.id);
        }
        let agent = first.ok_or_else(|| Failure::new("there is no team"))?;
        Ok((teams, self.crm.actor(self.tenant, agent).await?))
    }

    async fn categories(&self, teams: &[TeamId]) -> Result<()> {
        let mut categories = Vec::with_capacity(TOPICS.len());
        for (topic, team) in TOPICS.iter().zip(teams) {
            categories.push(Category {
                key: Key::new(topic.key)?,
                name: Name::new(topic.name)?,
                description: Some(Note::new(topic.description)?),
                skills: BTreeSet::new(),
                team: Some(*team),
                auto_send: true,
            });
        }
        let admin = self.crm.admin();
        let scheme = admin.scheme(&self.admin).await?;
        admin.set_scheme(&self.admin, &scheme.statuses, &categories, &scheme.fields).await?;
        Ok(())
    }

    async fn articles(&self) -> Result<()> {
        for article in ARTICLES {
            let spec = ArticleSpec {
                slug: Key::new(article.slug)?,
                title: Subject::new(article.title)?,
                body: Body::new(article.body)?,
                category: Some(Key::new(article.topic)?),
                visibility: ArticleVisibility::Public,
                language: None,
            };
            let knowledge = self.crm.knowledge();
            let written = knowledge.write(&self.admin, &spec).await?;
            knowledge.change_state(&self.admin, written.id, ArticleState::Published).await?;
        }
        Ok(())
    }

    /// Returns the customer who writes the ticket with the number.
    pub(crate) fn customer(&self, number: usize) -> &Actor {
        self.customers.get(number % self.customers.len().max(1)).unwrap_or(&self.admin)
    }

    /// Opens ticket `number` of the workload, under an idempotency key of its own.
    pub(crate) async fn open_ticket(
        &self,
        vocabulary: &Vocabulary,
        seed: u64,
        number: usize,
    ) -> Result<Ticket> {
        let mut random = Random::new(seed ^ (number as u64).wrapping_mul(0xA24B_AED4_963E_E407));
        let question = random.pick(TOPICS).and_then(|topic| random.pick(topic.questions)).copied();
        let subject = question.unwrap_or_default();
        let words = 30 + random.below(80);
        let opening = data(subject, &format!("{subject}\n\n{}", vocabulary.text(&mut random, words)))?;
        let key = request(&Self::request_name(number))?;
        Ok(self.crm.processor().keyed(key).create(self.customer(number), &opening).await?)
    }

    /// Returns the name of the request that opens a ticket of the workload.
    pub(crate) fn request_name(number: usize) -> String {
        format!("create-{number:010}")
    }
}

/// Returns what a ticket is opened with through the portal.
pub(crate) fn data(subject: &str, text: &str) -> Result<TicketData> {
    Ok(TicketData {
        requester: None,
        channel: Channel::Portal,
        ticket: NewTicket::about(Subject::new(subject)?),
        body: Body::new(text)?,
    })
}

/// Returns the key of a request that is named by its content.
pub(crate) fn request(name: &str) -> Result<RequestKey> {
    Ok(RequestKey { key: ExternalId::new(name)?, request: BlobHash::of(name.as_bytes()) })
}
