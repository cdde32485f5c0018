//! A desk whose mails leave through an adapter of one's own: an agent answers, and the mail is in the journal.

use autocrm_core::{
    access::Actor,
    app::{AutoCrm, TicketData},
    clock::{Clock, SystemClock},
    conversation::Reply,
    id::{IdSource, RandomIds, TenantId},
    mail::{MailKey, MailKeys},
    memory::MemoryStore,
    tenant::TenantPolicy,
    ticket::{Channel, NewTicket},
    user::{NewUser, Role},
    worker::{Worker, WorkerConfig},
};
use autocrm_examples::journal_mailer::JournalMailer;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args_os().nth(1).ok_or("usage: custom_adapter JOURNAL")?;

    // The key signs Message-IDs and reply addresses. A real host makes it once and keeps it.
    let mut secret = [0; 32];
    getrandom::fill(&mut secret)?;
    let key = MailKey::new(secret);
    let keys = MailKeys::new(key.ok_or("a mail key has at least 32 bytes")?, Vec::new());
    let mailer = JournalMailer::open(path.as_ref())?;
    let crm = AutoCrm::builder().store(MemoryStore::new()).mailer(mailer).mail_keys(keys).build()?;

    let tenant = TenantId::from(RandomIds.uuid(SystemClock.now()));
    let support = "support@example.org".parse()?;
    crm.admin()
        .found_tenant(tenant, &"Example Ltd".parse()?, Some(&support), TenantPolicy::default())
        .await?;
    let host = Actor::system(tenant);
    let ann = NewUser { email: Some("ann@example.com".parse()?), ..NewUser::customer("Ann".parse()?) };
    let ann = crm.admin().create_user(&host, &ann).await?;
    let bob = NewUser { role: Role::Agent, ..NewUser::customer("Bob".parse()?) };
    let bob = crm.admin().create_user(&host, &bob).await?;

    let data = TicketData {
        requester: Some(ann.id),
        channel: Channel::Email,
        ticket: NewTicket::about("Where is my parcel?".parse()?),
        body: "It left two weeks ago.".parse()?,
    };
    let ticket = crm.processor().create(&host, &data).await?;
    let reply = Reply { body: "It is at the customs office.".parse()?, internal: false };
    crm.conversations().reply(&crm.actor(tenant, bob.id).await?, ticket.id, &reply, None).await?;

    let report = Worker::new(crm, WorkerConfig::default()).drain().await?;
    println!("{} jobs done", report.done);
    Ok(())
}
