//! The smallest desk: a tenant, a customer, a ticket and the worker, all in memory.

use autocrm_core::{
    access::Actor,
    app::{AutoCrm, TicketData},
    clock::{Clock, SystemClock},
    id::{IdSource, RandomIds, TenantId},
    memory::MemoryStore,
    tenant::TenantPolicy,
    ticket::{Channel, NewTicket},
    user::NewUser,
    worker::{Worker, WorkerConfig},
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let crm = AutoCrm::builder().store(MemoryStore::new()).build()?;

    // The host founds a tenant under an id of its choice and names its customers.
    let tenant = TenantId::from(RandomIds.uuid(SystemClock.now()));
    crm.admin().found_tenant(tenant, &"Example Ltd".parse()?, None, TenantPolicy::default()).await?;
    let host = Actor::system(tenant);
    let ann = crm.admin().create_user(&host, &NewUser::customer("Ann".parse()?)).await?;

    // A customer opens a ticket; the jobs that follow are rows of the same commit.
    let data = TicketData {
        requester: None,
        channel: Channel::Portal,
        ticket: NewTicket::about("The printer is on fire".parse()?),
        body: "Smoke comes out of tray 2.".parse()?,
    };
    let ticket = crm.processor().create(&Actor::customer(tenant, ann.id), &data).await?;

    let report = Worker::new(crm, WorkerConfig::default()).drain().await?;
    println!("ticket {} is {}; {} job done", ticket.number, ticket.status.key, report.done);
    Ok(())
}
