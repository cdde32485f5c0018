//! A desk with one ticket of the victim's: answered once, with a note for staff.

use autocrm_core::{
    access::{Actor, Scope},
    app::AutoCrm,
    clock::{Clock as _, SystemClock},
    conversation::{Message, Reply},
    id::{IdSource as _, RandomIds, TenantId, TicketId, UserId},
    mail::{Envelope, InboundMail, InboundOutcome, MailKey, MailKeys, OutboundMail},
    memory::{MemoryBlobs, MemoryMailer, MemoryStore},
    page::PageRequest,
    tenant::TenantPolicy,
    text::{Body, EmailAddress, Name},
    ticket::Ticket,
    user::{NewUser, Role},
    worker::{Worker, WorkerConfig},
};
use autocrm_email::{AuthVerifier, DnsTable, MimeParser};
use bytes::Bytes;

use super::{corpus::Attack, signing::Signer};

pub(crate) const SUPPORT: &str = "support@desk.example";
pub(crate) const VICTIM: &str = "ann@victim.example";
pub(crate) const AGENT: &str = "agent@desk.example";
pub(crate) const SECRET: &str = "SECRET-NOTE";

pub(crate) struct Desk {
    pub(crate) crm: AutoCrm,
    pub(crate) mailer: MemoryMailer,
    /// Signs mails of the victim's domain.
    pub(crate) victim: Signer,
    /// Signs mails of the attacker's domain, which has a policy of its own.
    pub(crate) evil: Signer,
    /// The answer that left for the victim.
    pub(crate) sent: OutboundMail,
    tenant: TenantId,
    requester: UserId,
    ticket: TicketId,
}

fn email(text: &str) -> EmailAddress {
    EmailAddress::new(text).unwrap()
}

impl Desk {
    pub(crate) async fn open() -> Self {
        let (victim, evil) = (Signer::new("victim.example"), Signer::new("evil.example"));
        let policy = "v=DMARC1; p=reject".to_owned();
        let policies =
            ["victim", "evil", "desk"].map(|name| (format!("_dmarc.{name}.example"), policy.clone()));
        let table = DnsTable::new(policies.into_iter().chain([victim.record(), evil.record()]));
        let mailer = MemoryMailer::new();
        let crm = AutoCrm::builder()
            .store(MemoryStore::new())
            .blobs(MemoryBlobs::new())
            .parser(MimeParser::default())
            .verifier(AuthVerifier::with_table(table).unwrap())
            .mailer(mailer.clone())
            .mail_keys(MailKeys::new(MailKey::new(vec![7; 32]).unwrap(), Vec::new()))
            .build()
            .unwrap();
        let tenant = TenantId::from_uuid(RandomIds.uuid(SystemClock.now()));
        let policy = TenantPolicy { acknowledge: true, ..TenantPolicy::default() };
        crm.admin()
            .found_tenant(tenant, &Name::new("Desk").unwrap(), Some(&email(SUPPORT)), policy)
            .await
            .unwrap();
        let new = NewUser {
            role: Role::Agent,
            email: Some(email(AGENT)),
            email_verified: true,
            ..NewUser::customer(Name::new("Agent").unwrap())
        };
        let agent = crm.admin().create_user(&Actor::system(tenant), &new).await.unwrap().id;
        let agent = crm.actor(tenant, agent).await.unwrap();
        let raw = format!(
            "From: {VICTIM}\r\nMessage-ID: <first@victim.example>\r\nSubject: Refund\r\n\r\nWhere is it?\r\n"
        );
        let received = crm.mailbox().receive(&Envelope::to(email(SUPPORT)), &Bytes::from(raw)).await.unwrap();
        drain(&crm).await;
        let scope = Scope::tenant_wide(tenant);
        let mail = crm.store().inbound(&scope, received.mail).await.unwrap().unwrap();
        let InboundOutcome::Opened { ticket, .. } = mail.outcome else { panic!("{:?}", mail.outcome) };
        for (text, internal) in [(SECRET, true), ("It is on its way.", false)] {
            let reply = Reply { body: Body::new(text).unwrap(), internal };
            crm.conversations().reply(&agent, ticket, &reply, None).await.unwrap();
        }
        drain(&crm).await;
        let sent = mailer.sent().pop().unwrap();
        let requester = crm.store().ticket(&scope, ticket).await.unwrap().unwrap().requester;
        Self { crm, mailer, victim, evil, sent, tenant, requester, ticket }
    }

    pub(crate) async fn receive(&self, attack: &Attack) -> InboundMail {
        let envelope = Envelope::to(email(attack.recipient.as_deref().unwrap_or(SUPPORT)));
        let received = self.crm.mailbox().receive(&envelope, &Bytes::from(attack.raw.clone())).await.unwrap();
        assert!(!received.duplicate, "{}: an attack of its own", attack.name);
        drain(&self.crm).await;
        self.crm.store().inbound(&Scope::tenant_wide(self.tenant), received.mail).await.unwrap().unwrap()
    }

    pub(crate) async fn ticket(&self) -> Ticket {
        self.crm.store().ticket(&Scope::tenant_wide(self.tenant), self.ticket).await.unwrap().unwrap()
    }

    /// Returns what the victim reads on the ticket.
    pub(crate) async fn as_victim(&self) -> Vec<Message> {
        let victim = Actor::customer(self.tenant, self.requester);
        let page = PageRequest::first(200);
        self.crm.conversations().messages(&victim, self.ticket, &page).await.unwrap().items
    }

    pub(crate) async fn attacker_sees_ticket(&self) -> bool {
        let scope = Scope::tenant_wide(self.tenant);
        let Some(eve) = self.crm.store().user_by_email(&scope, &email("eve@evil.example")).await.unwrap()
        else {
            return false;
        };
        let eve = Actor::customer(self.tenant, eve.id);
        self.crm.tickets().get(&eve, self.ticket).await.is_ok()
    }

    pub(crate) async fn is_suppressed(&self, address: &str) -> bool {
        let scope = Scope::tenant_wide(self.tenant);
        let known = self.crm.store().correspondent(&scope, &email(address)).await.unwrap();
        known.is_some_and(|known| known.suppression.is_some())
    }
}

async fn drain(crm: &AutoCrm) {
    let report = Worker::new(crm.clone(), WorkerConfig::default()).drain().await.unwrap();
    assert_eq!((report.retried, report.dead, report.lost), (0, 0, 0), "{report:?}");
}
