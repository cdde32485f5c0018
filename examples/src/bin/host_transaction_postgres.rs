//! A shop's own table and a ticket in one transaction on PostgreSQL: both are committed, or both vanish.

use std::error::Error;

use autocrm_core::{
    access::Actor,
    app::{AutoCrm, Planned, TicketData},
    clock::{Clock, SystemClock},
    error::{Error as PortError, ErrorKind},
    id::{IdSource, RandomIds, TenantId},
    page::PageRequest,
    tenant::TenantPolicy,
    ticket::{Channel, NewTicket, Ticket, TicketChange, TicketFilter},
    user::NewUser,
};
use autocrm_storage::postgres::{PostgresConfig, PostgresStore, commit_in};
use sqlx::{Connection, Executor, PgPool};

type Failure = Box<dyn Error + Send + Sync>;

/// Stores a refund and commits a planned command in one transaction of the shop's. Each of the three steps may fail, and
/// then nothing has happened: a transaction that is dropped is rolled back.
async fn refund_with<T>(shop: &PgPool, order: i64, cents: i64, planned: &Planned<T>) -> Result<(), Failure> {
    let mut connection = shop.acquire().await?;
    let mut transaction = connection.begin().await?;
    sqlx::query("INSERT INTO refund VALUES ($1, $2)")
        .bind(order)
        .bind(cents)
        .execute(&mut *transaction)
        .await?;
    commit_in(&mut transaction, planned.changes()).await?;
    if cents > 100_000 {
        return Err("the bank refuses so large a refund".into());
    }
    transaction.commit().await?;
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let url = std::env::args().nth(1).ok_or("usage: host_transaction_postgres URL")?;
    // The shop and AutoCRM share one pool and one database.
    let shop = PgPool::connect(&url).await?;
    PostgresStore::migrate(&shop).await?;
    let store = PostgresStore::open(shop.clone(), PostgresConfig::default()).await?;
    let crm = AutoCrm::builder().store(store).build()?;
    shop.execute("CREATE TABLE refund (order_number bigint PRIMARY KEY, cents bigint NOT NULL)").await?;

    let tenant = TenantId::from(RandomIds.uuid(SystemClock.now()));
    crm.admin().found_tenant(tenant, &"Example Shop".parse()?, None, TenantPolicy::default()).await?;
    let host = Actor::system(tenant);
    let ann = crm.admin().create_user(&host, &NewUser::customer("Ann".parse()?)).await?;
    let ticket_about = async |subject: &str| -> Result<Planned<Ticket>, Failure> {
        let data = TicketData {
            requester: Some(ann.id),
            channel: Channel::Api,
            ticket: NewTicket::about(subject.parse()?),
            body: "The refund has to be looked at.".parse()?,
        };
        Ok(crm.processor().plan_create(&host, &data).await?)
    };

    // Both are committed.
    refund_with(&shop, 1, 4_900, &ticket_about("Refund of order 1").await?).await?;
    assert_eq!(count(&shop, &crm, &host).await?, (1, 1));
    println!("order 1: refund and ticket are committed");

    // The shop fails after the ticket was written: both vanish.
    let planned = ticket_about("Refund of order 2").await?;
    let error = refund_with(&shop, 2, 9_900_000, &planned).await.err().ok_or("the bank should refuse")?;
    assert_eq!(count(&shop, &crm, &host).await?, (1, 1));
    println!("order 2: {error}; neither is there");

    // AutoCRM refuses, because somebody changed the ticket after the shop had planned: both vanish.
    let ticket =
        crm.tickets().list(&host, &TicketFilter::default(), &PageRequest::first(1)).await?.items.remove(0);
    let change =
        TicketChange { subject: Some("Refund of orders 1 and 3".parse()?), ..TicketChange::default() };
    let planned = crm.processor().plan_update(&host, ticket.id, &change, None).await?;
    let other = TicketChange { subject: Some("Refund, please hurry".parse()?), ..TicketChange::default() };
    crm.processor().update(&host, ticket.id, &other, None).await?;
    let error = refund_with(&shop, 3, 1_200, &planned).await.err().ok_or("the plan should be outdated")?;
    let refused = error.downcast::<PortError>()?;
    assert_eq!(refused.kind(), ErrorKind::Conflict);
    assert_eq!(count(&shop, &crm, &host).await?, (1, 1));
    println!("order 3: {}; the shop plans again", refused.code());
    Ok(())
}

/// Counts refunds and tickets.
async fn count(shop: &PgPool, crm: &AutoCrm, host: &Actor) -> Result<(i64, usize), Failure> {
    let refunds = sqlx::query_scalar("SELECT count(*) FROM refund").fetch_one(shop).await?;
    let tickets = crm.tickets().list(host, &TicketFilter::default(), &PageRequest::default()).await?;
    Ok((refunds, tickets.items.len()))
}
