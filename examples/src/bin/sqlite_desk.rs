//! A durable desk in a directory: SQLite, a knowledge index, a classifier, and answers that quote articles.
//!
//! The first run furnishes the desk. Every run opens a ticket and shows what became of it.

use std::{error::Error, path::Path};

use autocrm_ai::{
    classify::TenantClassifiers, ground::ExtractiveAnswerer, language::TrigramDetector, lexical::LexicalIndex,
};
use autocrm_core::{
    access::{Actor, ArticleVisibility, Scope},
    app::{AutoCrm, TicketData},
    assist::AssistEvent,
    change::{Event, Position},
    conversation::MessageKind,
    id::{TenantId, UserId},
    knowledge::{ArticleSpec, ArticleState},
    page::PageRequest,
    tenant::TenantPolicy,
    text::ExternalId,
    ticket::{Category, Channel, NewTicket},
    user::NewUser,
    worker::{Worker, WorkerConfig},
};
use autocrm_storage::{
    blob::FileBlobs,
    sqlite::{SqliteConfig, SqliteStore},
};

/// The host chooses the ids of its tenants.
const TENANT: &str = "0190a6c4-0000-7000-8000-000000000001";

/// Short name, title and text of each article.
const ARTICLES: &[(&str, &str, &str)] = &[
    (
        "returns",
        "Returns and refunds",
        "# How do I send goods back?\n\nSend goods back within 30 days, with the label that came in your parcel.\n\n\
         # When do I get my refund?\n\nYou get your refund 5 days after we have received the goods.\n",
    ),
    (
        "delivery",
        "Delivery",
        "# How long does delivery take?\n\nA parcel takes 2 to 4 days within the country.\n\n\
         # Can I change the address?\n\nYou can change the address until the parcel leaves our house.\n",
    ),
    ("payment", "Payment", "# How can I pay?\n\nYou can pay by card, by bank transfer, or with a voucher.\n"),
];

/// Opens the desk. Only the first line of it migrates: opening a store never does.
fn open(directory: &Path) -> Result<AutoCrm, Box<dyn Error>> {
    std::fs::create_dir_all(directory)?;
    let config = SqliteConfig::new(directory.join("autocrm.db"));
    SqliteStore::migrate(&config)?;
    Ok(AutoCrm::builder()
        .store(SqliteStore::open(config)?)
        .blobs(FileBlobs::open(directory.join("blobs"))?)
        .index(LexicalIndex::open_or_create(directory.join("index"))?)
        .detector(TrigramDetector)
        .classifier(TenantClassifiers::default())
        .model(ExtractiveAnswerer::default())
        .build()?)
}

/// Founds the tenant with one category, one customer and one article.
async fn furnish(crm: &AutoCrm, tenant: TenantId, ann: &ExternalId) -> Result<(), Box<dyn Error>> {
    crm.admin().found_tenant(tenant, &"Example Shop".parse()?, None, TenantPolicy::default()).await?;
    let host = Actor::system(tenant);

    let returns = Category {
        key: "returns".parse()?,
        name: "Returns".parse()?,
        description: Some("Sending goods back, refunds, exchange.".parse()?),
        skills: [].into(),
        team: None,
        auto_send: true,
    };
    let scheme = crm.admin().scheme(&host).await?;
    crm.admin().set_scheme(&host, &scheme.statuses, &[returns], &scheme.fields).await?;

    let customer = NewUser { external_id: Some(ann.clone()), ..NewUser::customer("Ann".parse()?) };
    crm.admin().create_user(&host, &customer).await?;

    for (slug, title, body) in ARTICLES {
        let article = ArticleSpec {
            slug: slug.parse()?,
            title: title.parse()?,
            body: body.parse()?,
            category: None,
            visibility: ArticleVisibility::Public,
            language: Some("en".parse()?),
        };
        let written = crm.knowledge().write(&host, &article).await?;
        crm.knowledge().change_state(&host, written.id, ArticleState::Published).await?;
    }
    Ok(())
}

/// Opens a ticket, lets the worker process it, and prints what became of it.
async fn ask(crm: &AutoCrm, tenant: TenantId, customer: UserId) -> Result<(), Box<dyn Error>> {
    let customer = Actor::customer(tenant, customer);
    let data = TicketData {
        requester: None,
        channel: Channel::Portal,
        ticket: NewTicket::about("When do I get my refund?".parse()?),
        body: "I sent the goods back last week. When do I get my refund?".parse()?,
    };
    let opened = crm.portal(customer.clone()).create_ticket(&data).await?;
    Worker::new(crm.clone(), WorkerConfig::default()).drain().await?;

    let ticket = crm.tickets().get(&customer, opened.id).await?;
    let category = ticket.category.as_deref().unwrap_or("none");
    println!("ticket {} is {}, category {category}", ticket.number, ticket.status.key);
    for event in crm.tickets().timeline(&Actor::system(tenant), ticket.id, Position::START, 100).await? {
        if let Event::Assist(AssistEvent::Processed { disposition, reasons, .. }) = event.event {
            println!("assistant: {disposition:?} {reasons:?}");
        }
    }
    let conversation = crm.portal(customer.clone()).history(ticket.id, &PageRequest::default()).await?;
    for message in conversation.items {
        let MessageKind::Answer(answer) = &message.kind else { continue };
        println!("answer: {}", message.body.as_str());
        for source in &answer.sources {
            let article = crm.knowledge().get(&customer, source.article).await?;
            println!("source: {}, bytes {}..{}", article.slug, source.start, source.end);
        }
    }
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let directory = std::env::args_os().nth(1).ok_or("usage: sqlite_desk DIRECTORY")?;
    let crm = open(directory.as_ref())?;
    let (tenant, ann): (TenantId, ExternalId) = (TENANT.parse()?, "shop-4711".parse()?);
    let everything = Scope::tenant_wide(tenant);
    if crm.store().tenant(&everything).await?.is_none() {
        furnish(&crm, tenant, &ann).await?;
        crm.feed().sync_index().await?;
    }
    let customer = crm.store().user_by_external_id(&everything, &ann).await?;
    ask(&crm, tenant, customer.ok_or("the first run was interrupted: delete the directory")?.id).await
}
