//! A small desk on the in-memory adapters.

#![expect(dead_code, reason = "each test file uses a part of the desk")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use autocrm_core::{
    access::{Actor, ArticleVisibility},
    app::{AgentWorkspace, AutoCrm, CustomerPortal},
    assist::{Abstention, AnswerDraft, Scored},
    clock::Timestamp,
    conversation::Citation,
    error::{Error, ErrorKind, Result},
    id::{ArticleId, IdSource, RandomIds, TenantId, UserId},
    knowledge::{ArticleSpec, ArticleState},
    mail::{
        Check, Envelope, Fate, InboundMail, MailClass, MailKey, MailKeys, MailReport, MessageIdHeader,
        Notice, ParsedMail, ReportedRecipient, SenderEvidence, SenderVerdict,
    },
    memory::{MemoryBlobs, MemoryIndex, MemoryMailer, MemoryStore},
    port::{
        AnswerRequest, Classification, Classifier, Example, LanguageModel, MailParser, NoticeRequest,
        SenderVerifier, Templates, TrainingSet,
    },
    team::{Availability, Capacity, Member, Team, TeamSpec},
    tenant::TenantPolicy,
    testing::ManualClock,
    text::{Body, EmailAddress, Key, Name, Subject},
    ticket::{Category, Priority},
    user::{NewUser, Role},
    worker::{Worker, WorkerConfig},
};

pub(crate) fn subject(text: &str) -> Subject {
    Subject::new(text).unwrap()
}

pub(crate) fn body(text: &str) -> Body {
    Body::new(text).unwrap()
}

pub(crate) fn key(text: &str) -> Key {
    Key::new(text).unwrap()
}

pub(crate) fn email(text: &str) -> EmailAddress {
    EmailAddress::new(text).unwrap()
}

pub(crate) fn tenant_id() -> TenantId {
    TenantId::from_uuid(RandomIds.uuid(Timestamp::EPOCH))
}

/// Quotes the best passage whole.
pub(crate) struct QuotesTheBest;

#[async_trait]
impl LanguageModel for QuotesTheBest {
    async fn answer(&self, request: &AnswerRequest) -> Result<AnswerDraft> {
        let model = "quotes-the-best".to_owned();
        let Some(best) = request.passages.first() else {
            let abstention = Some(Abstention::NothingFound);
            return Ok(AnswerDraft {
                text: String::new(),
                citations: vec![],
                confidence: 0.0,
                abstention,
                model,
            });
        };
        let end = best.start + u32::try_from(best.text.len()).unwrap();
        let citation = Citation { article: best.article, revision: best.revision, start: best.start, end };
        Ok(AnswerDraft {
            text: best.text.clone(),
            citations: vec![citation],
            confidence: 0.9,
            abstention: None,
            model,
        })
    }
}

/// Sorts everything under `billing` and remembers what it was taught.
#[derive(Clone, Default)]
struct AlwaysBilling {
    revision: Arc<AtomicU64>,
    learned: Arc<Mutex<Vec<String>>>,
}

#[async_trait]
impl Classifier for AlwaysBilling {
    async fn is_trained(&self, _: TenantId, revision: u64) -> Result<bool> {
        Ok(self.revision.load(Ordering::SeqCst) == revision)
    }

    async fn train(&self, _: TenantId, revision: u64, set: &TrainingSet) -> Result<()> {
        assert!(set.labels.iter().any(|label| label.description.contains("invoices")));
        self.revision.store(revision, Ordering::SeqCst);
        Ok(())
    }

    async fn learn(&self, _: TenantId, example: &Example) -> Result<()> {
        self.learned.lock().unwrap().push(example.category.to_string());
        Ok(())
    }

    async fn classify(&self, _: TenantId, _: &str) -> Result<Classification> {
        let categories = vec![Scored { value: key("billing"), confidence: 0.9 }];
        let priority = Scored { value: Priority::Normal, confidence: 0.9 };
        Ok(Classification { categories, priority, model: "always-billing".to_owned() })
    }
}

/// Reads `from|message id|in reply to|subject|text`. A text that begins with `class:` names the class, and with
/// `bounce:ID:ADDRESS:STATUS` a failed delivery.
struct LineParser;

impl MailParser for LineParser {
    fn parse(&self, raw: &[u8]) -> ParsedMail {
        let text = String::from_utf8_lossy(raw);
        let mut parts = text.splitn(5, '|');
        let mut next = || parts.next().unwrap_or_default().to_owned();
        let id = |text: String| MessageIdHeader::new(text).ok();
        let mail = ParsedMail {
            from: EmailAddress::new(next()).ok(),
            message_id: id(next()),
            in_reply_to: id(next()).into_iter().collect(),
            subject: next(),
            text: next(),
            ..ParsedMail::default()
        };
        let (class, report) = class_of(&mail.text);
        ParsedMail { class, report, ..mail }
    }
}

fn class_of(text: &str) -> (MailClass, Option<MailReport>) {
    let words: Vec<&str> = text.split(':').collect();
    match words.as_slice() {
        ["class", "auto_reply", ..] => (MailClass::AutoReply, None),
        ["class", "list", ..] => (MailClass::List, None),
        ["class", "disposition", ..] => (MailClass::Disposition, Some(MailReport::default())),
        ["bounce", about, address, status, ..] => {
            let fate = match *status {
                "complaint" => Fate::Complained,
                "5.1.1" => Fate::Hard,
                "5.7.1" => Fate::Policy,
                _ => Fate::Soft,
            };
            let recipients = vec![ReportedRecipient {
                address: EmailAddress::new(address).ok(),
                fate,
                status: Some((*status).to_owned()),
            }];
            let about = MessageIdHeader::new(about).ok().into_iter().collect();
            let class = if fate == Fate::Complained { MailClass::Complaint } else { MailClass::Delivery };
            (class, Some(MailReport { about, recipients }))
        }
        _ => (MailClass::Human, None),
    }
}

/// Believes the domains that it is told of: DMARC passes for `pass.example`, fails for `fail.example`, a signature
/// without a policy is at `aligned.example`, and `dark.example` cannot be looked up.
struct TableVerifier;

#[async_trait]
impl SenderVerifier for TableVerifier {
    async fn verify(&self, evidence: &SenderEvidence<'_>) -> Result<SenderVerdict> {
        let text = String::from_utf8_lossy(evidence.raw);
        let from = text.split('|').next().unwrap_or_default();
        let domain = from.rsplit_once('@').map_or("", |(_, domain)| domain).to_ascii_lowercase();
        let (dmarc, dkim) = match domain.as_str() {
            "pass.example" => (Check::Pass, Check::Pass),
            "fail.example" => (Check::Fail, Check::None),
            "aligned.example" => (Check::None, Check::Pass),
            "dark.example" => return Err(Error::new(ErrorKind::Unavailable, "verify")),
            _ => (Check::None, Check::None),
        };
        Ok(SenderVerdict { domain, dmarc, dkim, ..SenderVerdict::default() })
    }
}

/// Templates that others hold too.
struct Shared(Arc<dyn Templates>);

impl Templates for Shared {
    fn render(&self, request: &NoticeRequest<'_>) -> Result<Notice> {
        self.0.render(request)
    }
}

pub(crate) struct Desk {
    pub(crate) crm: AutoCrm,
    pub(crate) clock: ManualClock,
    pub(crate) mailer: MemoryMailer,
    pub(crate) blobs: MemoryBlobs,
    pub(crate) admin: Actor,
    pub(crate) agent: Actor,
    pub(crate) customer: Actor,
    pub(crate) team: Team,
    classifier: AlwaysBilling,
}

impl Desk {
    /// Takes a mail in, has every job done, and returns what became of the mail.
    pub(crate) async fn receive(&self, envelope: &Envelope, raw: &str) -> InboundMail {
        let received =
            self.crm.mailbox().receive(envelope, &bytes::Bytes::from(raw.to_owned())).await.unwrap();
        self.drain().await;
        self.crm.mailbox().inbound(&self.admin, received.mail).await.unwrap()
    }

    pub(crate) async fn open() -> Self {
        Self::on(MemoryStore::new()).await
    }

    /// Opens a desk with times and windows of the caller's.
    pub(crate) async fn open_with(policy: TenantPolicy) -> Self {
        Self::on_with(MemoryStore::new(), policy, None).await
    }

    /// Opens a desk with templates of the caller's.
    pub(crate) async fn open_with_templates(policy: TenantPolicy, templates: Arc<dyn Templates>) -> Self {
        Self::on_with(MemoryStore::new(), policy, Some(templates)).await
    }

    /// Opens a desk on a store of the caller's.
    pub(crate) async fn on<S: autocrm_core::port::Store + 'static>(store: S) -> Self {
        Self::on_with(store, TenantPolicy::default(), None).await
    }

    async fn on_with<S: autocrm_core::port::Store + 'static>(
        store: S,
        policy: TenantPolicy,
        templates: Option<Arc<dyn Templates>>,
    ) -> Self {
        let clock = ManualClock::new(Timestamp::from_micros(1_795_000_000_000_000));
        let mailer = MemoryMailer::new();
        let blobs = MemoryBlobs::new();
        let classifier = AlwaysBilling::default();
        let mut builder = AutoCrm::builder();
        if let Some(templates) = templates {
            builder = builder.templates(Shared(templates));
        }
        let crm = builder
            .store(store)
            .index(MemoryIndex::new())
            .blobs(blobs.clone())
            .model(QuotesTheBest)
            .classifier(classifier.clone())
            .parser(LineParser)
            .verifier(TableVerifier)
            .mailer(mailer.clone())
            .mail_keys(MailKeys::new(MailKey::new(vec![7; 32]).unwrap(), Vec::new()))
            .clock(clock.clone())
            .build()
            .unwrap();
        let tenant = tenant_id();
        let support = email(&format!("support@{}.example", &tenant.to_string()[24..]));
        let admin = crm.admin();
        admin.found_tenant(tenant, &Name::new("Desk").unwrap(), Some(&support), policy).await.unwrap();
        let system = Actor::system(tenant);
        let scheme = admin.scheme(&system).await.unwrap();
        let billing = Category {
            key: key("billing"),
            name: Name::new("Billing").unwrap(),
            description: Some(autocrm_core::text::Note::new("refunds and invoices").unwrap()),
            skills: [key("money")].into(),
            team: None,
            auto_send: true,
        };
        admin.set_scheme(&system, &scheme.statuses, &[billing], &scheme.fields).await.unwrap();
        let agent = user(&crm, tenant, "agent@example.org", Role::Agent).await;
        let spec = team_spec(agent);
        let team = admin.create_team(&system, &spec).await.unwrap();
        let chief = user(&crm, tenant, "admin@example.org", Role::Admin).await;
        let customer = user(&crm, tenant, "customer@example.org", Role::Customer).await;
        Self {
            admin: crm.actor(tenant, chief).await.unwrap(),
            agent: crm.actor(tenant, agent).await.unwrap(),
            customer: crm.actor(tenant, customer).await.unwrap(),
            crm,
            clock,
            mailer,
            blobs,
            team,
            classifier,
        }
    }

    pub(crate) fn portal(&self) -> CustomerPortal {
        self.crm.portal(self.customer.clone())
    }

    pub(crate) fn workspace(&self) -> AgentWorkspace {
        self.crm.workspace(self.agent.clone())
    }

    pub(crate) fn team_spec(&self) -> TeamSpec {
        team_spec(self.agent.user().unwrap())
    }

    pub(crate) fn learned(&self) -> Vec<String> {
        self.classifier.learned.lock().unwrap().clone()
    }

    pub(crate) async fn support_address(&self) -> EmailAddress {
        self.crm.admin().tenant(&self.admin).await.unwrap().support_address.unwrap()
    }

    pub(crate) async fn new_customer(&self, address: &str) -> Actor {
        let id = user(&self.crm, self.admin.tenant, address, Role::Customer).await;
        self.crm.actor(self.admin.tenant, id).await.unwrap()
    }

    pub(crate) async fn new_agent(&self, address: &str) -> UserId {
        user(&self.crm, self.admin.tenant, address, Role::Agent).await
    }

    /// Publishes an article and lets the index follow.
    pub(crate) async fn article(
        &self,
        slug: &str,
        title: &str,
        text: &str,
        visibility: ArticleVisibility,
    ) -> ArticleId {
        let spec = ArticleSpec {
            slug: key(slug),
            title: subject(title),
            body: body(text),
            category: None,
            visibility,
            language: None,
        };
        let article = self.crm.knowledge().write(&self.admin, &spec).await.unwrap();
        self.crm.knowledge().change_state(&self.admin, article.id, ArticleState::Published).await.unwrap();
        self.crm.feed().sync_index().await.unwrap();
        article.id
    }

    pub(crate) fn worker(&self) -> Worker {
        let config = WorkerConfig { poll: Duration::from_millis(20), ..WorkerConfig::default() };
        Worker::new(self.crm.clone(), config)
    }

    /// Runs everything that is due and asserts that nothing failed.
    pub(crate) async fn drain(&self) {
        let report = self.worker().drain().await.unwrap();
        assert_eq!((report.retried, report.dead, report.lost), (0, 0, 0), "{report:?}");
    }
}

fn team_spec(agent: UserId) -> TeamSpec {
    let member = Member {
        user: agent,
        skills: [(key("money"), autocrm_core::team::SkillLevel::new(3).unwrap())].into(),
        languages: BTreeSet::new(),
        capacity: Capacity::default(),
        availability: Availability::Online,
    };
    TeamSpec {
        name: Name::new("Accounts").unwrap(),
        description: None,
        categories: [key("billing")].into(),
        members: vec![member],
    }
}

async fn user(crm: &AutoCrm, tenant: TenantId, address: &str, role: Role) -> UserId {
    let new = NewUser {
        role,
        name: Name::new(address).unwrap(),
        email: Some(email(address)),
        email_verified: true,
        external_id: None,
        language: None,
    };
    crm.admin().create_user(&Actor::system(tenant), &new).await.unwrap().id
}
