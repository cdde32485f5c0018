//! Providers deliver a mail again when an answer is lost: whatever comes how often in whatever order, while commits fail,
//! each mail is stored once, and becomes one message.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{collections::BTreeSet, sync::Arc};

use autocrm_core::{
    access::{Actor, Scope},
    app::AutoCrm,
    error::ErrorKind,
    id::{IdSource as _, RandomIds, TenantId},
    mail::{Envelope, InboundOutcome, MailKey, MailKeys},
    memory::MemoryStore,
    port::Store,
    tenant::TenantPolicy,
    testing::{Dice, FailingStore, ManualClock, Moment},
    text::{EmailAddress, ExternalId, Name},
    worker::{Worker, WorkerConfig},
};
use autocrm_email::MimeParser;
use bytes::Bytes;
use tokio::task::JoinSet;

const SUPPORT: &str = "support@desk.example";

async fn each_is_stored_once(mails: usize, seed: u64) {
    let inner: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let store = FailingStore::new(Arc::clone(&inner));
    let clock = ManualClock::new(autocrm_core::clock::Timestamp::from_micros(1_795_000_000_000_000));
    let crm = AutoCrm::builder()
        .store(store.clone())
        .parser(MimeParser::default())
        .mail_keys(MailKeys::new(MailKey::new(vec![7; 32]).unwrap(), Vec::new()))
        .clock(clock.clone())
        .build()
        .unwrap();
    let tenant = TenantId::from_uuid(RandomIds.uuid(autocrm_core::clock::Timestamp::EPOCH));
    let support = EmailAddress::new(SUPPORT).unwrap();
    let name = Name::new("Desk").unwrap();
    crm.admin().found_tenant(tenant, &name, Some(&support), TenantPolicy::default()).await.unwrap();

    let mut dice = Dice::new(seed);
    let mut deliveries: Vec<usize> =
        (0..mails).flat_map(|mail| std::iter::repeat_n(mail, 1 + dice.below(5))).collect();
    for place in (1..deliveries.len()).rev() {
        deliveries.swap(place, dice.below(place + 1));
    }
    for number in 0..mails / 10 {
        let moment = if number % 2 == 0 { Moment::Before } else { Moment::After };
        store.fail(
            "commit",
            1 + u64::try_from(dice.below(mails * 3)).unwrap(),
            moment,
            ErrorKind::Unavailable,
        );
    }
    let mut running = JoinSet::new();
    for chunk in deliveries.chunks(deliveries.len().div_ceil(8)) {
        let (chunk, crm, support) = (chunk.to_vec(), crm.clone(), support.clone());
        running.spawn(async move {
            for mail in chunk {
                let raw = Bytes::from(format!(
                    "From: c{}@people.example\r\nMessage-ID: <{mail}@people.example>\r\nSubject: Mail {mail}\r\n\r\nNumber {mail}.\r\n",
                    mail % 50
                ));
                let provider_id = (mail % 3 == 0).then(|| ExternalId::new(format!("p{mail}")).unwrap());
                let envelope = Envelope { provider_id, ..Envelope::to(support.clone()) };
                // A provider repeats until it is answered.
                while crm.mailbox().receive(&envelope, &raw).await.is_err() {}
            }
        });
    }
    let worker = Worker::new(crm.clone(), WorkerConfig::default());
    while let Some(ended) = running.join_next().await {
        ended.unwrap();
        worker.drain().await.unwrap();
    }
    for _ in 0..20 {
        clock.advance(std::time::Duration::from_hours(1));
        worker.drain().await.unwrap();
    }

    let scope = Scope::tenant_wide(tenant);
    let mut tickets = BTreeSet::new();
    let admin = Actor::system(tenant);
    for mail in 0..mails {
        let id = ExternalId::new(format!("p{mail}")).unwrap();
        if mail % 3 == 0 {
            let row = inner.inbound_by_provider(&scope, &id).await.unwrap().unwrap();
            assert!(matches!(row.outcome, InboundOutcome::Opened { .. }), "{:?}", row.outcome);
        }
        let raw = format!(
            "From: c{}@people.example\r\nMessage-ID: <{mail}@people.example>\r\nSubject: Mail {mail}\r\n\r\nNumber {mail}.\r\n",
            mail % 50
        );
        let hash = autocrm_core::mail::BlobHash::of(raw.as_bytes());
        let row = inner.inbound_by_raw(&scope, &support, hash).await.unwrap().unwrap();
        let InboundOutcome::Opened { ticket, message } = row.outcome else {
            unreachable!("mail {mail}: {:?}", row.outcome)
        };
        assert!(tickets.insert(ticket), "two mails became one ticket");
        let page = autocrm_core::page::PageRequest::first(10);
        let messages = crm.conversations().messages(&admin, ticket, &page).await.unwrap().items;
        assert_eq!(messages.iter().map(|one| one.id).collect::<Vec<_>>(), [message], "one message each");
    }
    let filter = autocrm_core::ticket::TicketFilter::default();
    let mut page = autocrm_core::page::PageRequest::first(200);
    let mut count = 0;
    loop {
        let part = inner.tickets(&scope, &filter, &page).await.unwrap();
        count += part.items.len();
        let Some(next) = part.next else { break };
        page = autocrm_core::page::PageRequest::after(next, 200);
    }
    assert_eq!(count, mails, "no ticket without a mail");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_of_300_mails_is_stored_once() {
    each_is_stored_once(300, 11).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes minutes; `scripts/nightly mail` runs it"]
async fn each_of_5000_mails_is_stored_once() {
    each_is_stored_once(5_000, 12).await;
}
