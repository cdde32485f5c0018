//! For how long a mail is tried, and who says when the next time is.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use autocrm_core::{
    access::{Actor, Scope},
    app::{AutoCrm, TicketData},
    clock::{Clock as _, Timestamp},
    conversation::Reply,
    error::{Error, ErrorKind, Result, Retry},
    id::{IdSource as _, RandomIds, TenantId},
    mail::{MailKey, MailKeys, MailRefDirection, OutboundMail, OutboundState},
    memory::MemoryStore,
    port::{Delivery, Mailer},
    tenant::TenantPolicy,
    testing::ManualClock,
    ticket::{Channel, NewTicket},
    user::{NewUser, Role},
    worker::{Worker, WorkerConfig},
};

/// Asks for a pause of two hours at every attempt, and writes down when it was asked.
#[derive(Clone)]
struct Away {
    clock: ManualClock,
    asked: Arc<Mutex<Vec<Timestamp>>>,
}

#[async_trait]
impl Mailer for Away {
    async fn send(&self, _: &OutboundMail) -> Result<Delivery> {
        self.asked.lock().unwrap().push(self.clock.now());
        Err(Error::new(ErrorKind::Unavailable, "send").retry(Retry::Later(Duration::from_hours(2))))
    }
}

#[tokio::test]
async fn a_mail_is_tried_as_asked_for_23_hours_and_then_marked_for_review() {
    let clock = ManualClock::new(Timestamp::from_micros(1_795_000_000_000_000));
    let mailer = Away { clock: clock.clone(), asked: Arc::default() };
    let crm = AutoCrm::builder()
        .store(MemoryStore::new())
        .mailer(mailer.clone())
        .mail_keys(MailKeys::new(MailKey::new(vec![7; 32]).unwrap(), Vec::new()))
        .clock(clock.clone())
        .build()
        .unwrap();
    let tenant = TenantId::from_uuid(RandomIds.uuid(clock.now()));
    let system = Actor::system(tenant);
    let support = "help@acme.example".parse().unwrap();
    let admin = crm.admin();
    admin
        .found_tenant(tenant, &"Acme".parse().unwrap(), Some(&support), TenantPolicy::default())
        .await
        .unwrap();
    let agent = NewUser { role: Role::Admin, ..NewUser::customer("Chief".parse().unwrap()) };
    let agent = admin.create_user(&system, &agent).await.unwrap().id;
    let ann = NewUser {
        email: Some("ann@example.org".parse().unwrap()),
        ..NewUser::customer("Ann".parse().unwrap())
    };
    let ann = admin.create_user(&system, &ann).await.unwrap().id;
    let agent = crm.actor(tenant, agent).await.unwrap();
    let data = TicketData {
        requester: Some(ann),
        channel: Channel::Email,
        ticket: NewTicket::about("Refund".parse().unwrap()),
        body: "Where is it?".parse().unwrap(),
    };
    let ticket = crm.processor().create(&agent, &data).await.unwrap().id;
    let written = clock.now();
    let reply = Reply { body: "On its way.".parse().unwrap(), internal: false };
    crm.conversations().reply(&agent, ticket, &reply, None).await.unwrap();

    let scope = Scope::tenant_wide(tenant);
    let refs = crm.store().ticket_mail_refs(&scope, ticket, 50).await.unwrap();
    let MailRefDirection::Outbound { outbound } = refs[0].direction else { panic!("the desk wrote it") };
    let state = async || crm.store().outbound(&scope, outbound).await.unwrap().unwrap().state;
    let worker = Worker::new(crm.clone(), WorkerConfig::default());
    for _ in 0..60 {
        worker.drain().await.unwrap();
        if state().await != OutboundState::Pending {
            break;
        }
        clock.advance(Duration::from_mins(30));
    }
    assert_eq!(state().await, OutboundState::NeedsReview { code: "delivery_horizon".to_owned() });
    let asked = mailer.asked.lock().unwrap().clone();
    assert!(asked.windows(2).all(|pair| pair[1].since(pair[0]) >= Duration::from_hours(2)), "{asked:?}");
    assert!((11..=12).contains(&asked.len()), "{asked:?}");
    let last = asked.last().unwrap().since(written);
    assert!(last < Duration::from_hours(23) && last >= Duration::from_hours(20), "{last:?}");
}
