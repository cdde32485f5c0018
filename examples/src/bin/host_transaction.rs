//! A shop's own table and a ticket in one transaction: both are committed, or both vanish.

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
use autocrm_storage::sqlite::{SqliteConfig, SqliteStore, commit_in};
use diesel::{Connection, RunQueryDsl, SqliteConnection, connection::SimpleConnection, prelude::*};

type Failure = Box<dyn Error + Send + Sync>;

diesel::table! {
    /// The shop's own table, in the same database file.
    refund (order_number) {
        /// The order.
        order_number -> BigInt,
        /// What is paid back.
        cents -> BigInt,
    }
}

/// Stores a refund and commits a planned command in one transaction of the shop's. Each of the three steps may fail,
/// and then nothing has happened.
fn refund_with<T>(
    shop: &mut SqliteConnection,
    order: i64,
    cents: i64,
    planned: &Planned<T>,
) -> Result<(), Failure> {
    // BEGIN IMMEDIATE: what was planned is checked against the state that it is written to.
    shop.immediate_transaction(|shop| {
        let row = (refund::order_number.eq(order), refund::cents.eq(cents));
        diesel::insert_into(refund::table).values(row).execute(shop)?;
        commit_in(shop, planned.changes())?;
        if cents > 100_000 {
            return Err("the bank refuses so large a refund".into());
        }
        Ok(())
    })
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let path = std::env::args_os().nth(1).ok_or("usage: host_transaction DATABASE")?;
    let config = SqliteConfig::new(&path);
    SqliteStore::migrate(&config)?;
    let crm = AutoCrm::builder().store(SqliteStore::open(config)?).build()?;

    // The shop's own connection to the same file, with a patience and a durability of its own choice.
    let mut shop = SqliteConnection::establish(path.to_str().ok_or("the path is not UTF-8")?)?;
    shop.batch_execute("PRAGMA busy_timeout = 5000; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON")?;
    shop.batch_execute("CREATE TABLE refund (order_number INTEGER PRIMARY KEY, cents INTEGER NOT NULL)")?;

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
    let planned = ticket_about("Refund of order 1").await?;
    refund_with(&mut shop, 1, 4_900, &planned)?;
    assert_eq!(count(&mut shop, &crm, &host).await?, (1, 1));
    println!("order 1: refund and ticket are committed");

    // The shop fails after the ticket was written: both vanish.
    let planned = ticket_about("Refund of order 2").await?;
    let error = refund_with(&mut shop, 2, 9_900_000, &planned).err().ok_or("the bank should refuse")?;
    assert_eq!(count(&mut shop, &crm, &host).await?, (1, 1));
    println!("order 2: {error}; neither is there");

    // AutoCRM refuses, because somebody changed the ticket after the shop had planned: both vanish.
    let ticket =
        crm.tickets().list(&host, &TicketFilter::default(), &PageRequest::first(1)).await?.items.remove(0);
    let change =
        TicketChange { subject: Some("Refund of orders 1 and 3".parse()?), ..TicketChange::default() };
    let planned = crm.processor().plan_update(&host, ticket.id, &change, None).await?;
    let other = TicketChange { subject: Some("Refund, please hurry".parse()?), ..TicketChange::default() };
    crm.processor().update(&host, ticket.id, &other, None).await?;
    let error = refund_with(&mut shop, 3, 1_200, &planned).err().ok_or("the plan should be outdated")?;
    let refused = error.downcast::<PortError>()?;
    assert_eq!(refused.kind(), ErrorKind::Conflict);
    assert_eq!(count(&mut shop, &crm, &host).await?, (1, 1));
    println!("order 3: {}; the shop plans again", refused.code());

    let planned = crm.processor().plan_update(&host, ticket.id, &change, None).await?;
    refund_with(&mut shop, 3, 1_200, &planned)?;
    assert_eq!(count(&mut shop, &crm, &host).await?, (2, 1));
    let changed = crm.tickets().get(&host, ticket.id).await?;
    println!("order 3: refund is committed, and ticket {} is about: {}", changed.number, changed.subject);
    Ok(())
}

/// Counts refunds and tickets.
async fn count(shop: &mut SqliteConnection, crm: &AutoCrm, host: &Actor) -> Result<(i64, usize), Failure> {
    let refunds = refund::table.count().get_result(shop)?;
    let tickets = crm.tickets().list(host, &TicketFilter::default(), &PageRequest::default()).await?;
    Ok((refunds, tickets.items.len()))
}
