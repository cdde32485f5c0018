//! Webhooks of Resend, from their signature to the desk.

use std::{sync::Arc, time::Duration};

use autocrm_core::{
    access::{Actor, Scope},
    app::{AutoCrm, TicketData},
    clock::{Clock as _, SystemClock},
    conversation::Reply,
    id::TenantId,
    mail::{BounceClass, DeliveryState, MailKey, MailKeys, MailRefDirection, OutboundMail},
    memory::{MemoryBlobs, MemoryStore},
    tenant::TenantPolicy,
    ticket::{Channel, NewTicket, TicketFilter},
    user::{NewUser, Role},
    worker::{Worker, WorkerConfig},
};
use autocrm_email::{
    ApiKey, MimeParser, ResendConfig, ResendMailer,
    resend::ResendInbox,
    testing::{ResendScript, ScriptedResend, TEST_KEY},
    webhook::{WebhookKey, WebhookVerifier},
};
use autocrm_server::{CursorKey, Options, ResendWebhooks, router};
use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode},
};
use serde_json::{Value, json};
use tower::ServiceExt as _;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

struct Desk {
    crm: AutoCrm,
    provider: Arc<ScriptedResend>,
    app: Router,
    inbox: ResendInbox,
    admin: Actor,
    mail: OutboundMail,
}

/// A desk with one mail that left through a scripted Resend.
async fn desk() -> Desk {
    let provider = Arc::new(ScriptedResend::start(ResendScript::default()).await.unwrap());
    let config = ResendConfig::new(ApiKey::new(TEST_KEY).unwrap()).base_url(&provider.url()).unwrap();
    let mailer = ResendMailer::new(config.per_second(1_000)).unwrap();
    let inbox = ResendInbox::of(&mailer);
    let crm = AutoCrm::builder()
        .store(MemoryStore::new())
        .blobs(MemoryBlobs::new())
        .parser(MimeParser::default())
        .mailer(mailer)
        .mail_keys(MailKeys::new(MailKey::new(vec![7; 32]).unwrap(), Vec::new()))
        .build()
        .unwrap();
    let tenant: TenantId = "01934b7e-0000-7000-8000-000000000002".parse().unwrap();
    let system = Actor::system(tenant);
    let support = "help@acme.example".parse().unwrap();
    let policy = TenantPolicy { track_engagement: true, ..TenantPolicy::default() };
    crm.admin().found_tenant(tenant, &"Acme".parse().unwrap(), Some(&support), policy).await.unwrap();
    let chief = NewUser { role: Role::Admin, ..NewUser::customer("Chief".parse().unwrap()) };
    let chief = crm.admin().create_user(&system, &chief).await.unwrap().id;
    let ann = NewUser {
        email: Some("ann@example.org".parse().unwrap()),
        ..NewUser::customer("Ann".parse().unwrap())
    };
    let ann = crm.admin().create_user(&system, &ann).await.unwrap().id;
    let admin = crm.actor(tenant, chief).await.unwrap();
    let data = TicketData {
        requester: Some(ann),
        channel: Channel::Email,
        ticket: NewTicket::about("Refund".parse().unwrap()),
        body: "Where is it?".parse().unwrap(),
    };
    let ticket = crm.processor().create(&admin, &data).await.unwrap().id;
    let reply = Reply { body: "On its way.".parse().unwrap(), internal: false };
    crm.conversations().reply(&admin, ticket, &reply, None).await.unwrap();
    Worker::new(crm.clone(), WorkerConfig::default()).drain().await.unwrap();
    let scope = Scope::tenant_wide(tenant);
    let refs = crm.store().ticket_mail_refs(&scope, ticket, 50).await.unwrap();
    let MailRefDirection::Outbound { outbound } = refs[0].direction else { panic!("it left") };
    let mail = crm.store().outbound(&scope, outbound).await.unwrap().unwrap();
    let verifier = WebhookVerifier::new(vec![WebhookKey::new(SECRET).unwrap()]);
    let nobody = autocrm_server::BearerTokens::default();
    let options = Options::new(nobody, CursorKey::new(vec![7; 32]).unwrap())
        .webhooks(ResendWebhooks::new(verifier, Some(inbox.clone())));
    let app = router(crm.clone(), options);
    Desk { crm, provider, app, inbox, admin, mail }
}

impl Desk {
    async fn post(&self, id: &str, body: &Value, seconds_ago: i64, secret: &str) -> StatusCode {
        let text = body.to_string();
        let timestamp = (SystemClock.now().as_micros() / 1_000_000 - seconds_ago).to_string();
        let signature = WebhookKey::new(secret).unwrap().sign(id, &timestamp, text.as_bytes());
        let request = Request::post("/webhooks/resend")
            .header("svix-id", id)
            .header("svix-timestamp", timestamp)
            .header("svix-signature", signature)
            .body(Body::from(text))
            .unwrap();
        self.app.clone().oneshot(request).await.unwrap().status()
    }

    async fn tell(&self, id: &str, kind: &str, more: Value) -> StatusCode {
        let (_, asked) = self.provider.deliveries().remove(0);
        let mut data = json!({ "email_id": "re-1", "tags": asked["tags"] });
        data.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let body = json!({ "type": kind, "created_at": "2026-11-24T08:00:00.000Z", "data": data });
        self.post(id, &body, 0, SECRET).await
    }

    async fn stored(&self) -> OutboundMail {
        let scope = Scope::tenant_wide(self.mail.tenant);
        self.crm.store().outbound(&scope, self.mail.id).await.unwrap().unwrap()
    }

    async fn tickets(&self) -> usize {
        Worker::new(self.crm.clone(), WorkerConfig::default()).drain().await.unwrap();
        let page = autocrm_core::page::PageRequest::default();
        self.crm.tickets().list(&self.admin, &TicketFilter::default(), &page).await.unwrap().items.len()
    }
}

#[tokio::test]
async fn news_move_a_mail_forward_in_any_order() {
    let desk = desk().await;
    assert_eq!(desk.stored().await.delivery, DeliveryState::Unknown);
    let bounce =
        json!({ "bounce": { "type": "Permanent", "subType": "General", "message": "no such user" } });
    assert_eq!(desk.tell("msg_1", "email.delivered", json!({})).await, StatusCode::NO_CONTENT);
    assert_eq!(desk.stored().await.delivery, DeliveryState::Delivered);
    assert_eq!(desk.tell("msg_2", "email.bounced", bounce).await, StatusCode::NO_CONTENT);
    let bounced = DeliveryState::Bounced { class: BounceClass::Hard };
    assert_eq!(desk.stored().await.delivery, bounced);
    for (id, kind) in
        [("msg_3", "email.delivery_delayed"), ("msg_4", "email.delivered"), ("msg_5", "email.sent")]
    {
        assert_eq!(desk.tell(id, kind, json!({})).await, StatusCode::NO_CONTENT);
        assert_eq!(desk.stored().await.delivery, bounced, "{kind} came late");
    }
    assert_eq!(desk.tell("msg_6", "email.complained", json!({})).await, StatusCode::NO_CONTENT);
    assert_eq!(desk.stored().await.delivery, DeliveryState::Complained);
    assert_eq!(desk.tell("msg_7", "email.invented_later", json!({})).await, StatusCode::NO_CONTENT);
    let elsewhere = json!({ "tags": { "autocrm_tenant": desk.mail.tenant.to_string(), "autocrm_mail": desk.mail.tenant.to_string() } });
    assert_eq!(desk.tell("msg_8", "email.delivered", elsewhere).await, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn the_same_webhook_counts_once_and_machines_apart() {
    let desk = desk().await;
    let person = json!({ "open": { "userAgent": "Mozilla/5.0 (X11; Linux x86_64) Thunderbird/140.0" } });
    for _ in 0..3 {
        assert_eq!(desk.tell("msg_1", "email.opened", person.clone()).await, StatusCode::NO_CONTENT);
    }
    let proxy = json!({ "open": { "userAgent": "Mozilla/5.0 (via ggpht.com GoogleImageProxy)" } });
    desk.tell("msg_2", "email.opened", proxy).await;
    // The same id with other content is the first one's.
    desk.tell("msg_2", "email.complained", json!({})).await;
    let found = desk.stored().await;
    assert_eq!((found.engagement.opens, found.engagement.machine_opens), (1, 1));
    assert_eq!((found.engagement.clicks, found.delivery), (0, DeliveryState::Unknown));
}

#[tokio::test]
async fn only_what_is_signed_and_fresh_is_believed() {
    let desk = desk().await;
    let body = json!({ "type": "email.sent", "data": {} });
    assert_eq!(desk.post("msg_1", &body, 0, SECRET).await, StatusCode::NO_CONTENT);
    assert_eq!(desk.post("msg_2", &body, 301, SECRET).await, StatusCode::UNAUTHORIZED);
    assert_eq!(desk.post("msg_2", &body, -330, SECRET).await, StatusCode::UNAUTHORIZED);
    let other = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    assert_eq!(desk.post("msg_3", &body, 0, other).await, StatusCode::UNAUTHORIZED);
    assert_eq!(desk.post("msg_4", &json!([]), 0, SECRET).await, StatusCode::BAD_REQUEST);
    let bare = Request::post("/webhooks/resend").body(Body::from(body.to_string())).unwrap();
    assert_eq!(desk.app.clone().oneshot(bare).await.unwrap().status(), StatusCode::UNAUTHORIZED);
    let options = Options::new(autocrm_server::BearerTokens::default(), CursorKey::new(vec![7; 32]).unwrap());
    let without = router(desk.crm.clone(), options);
    let request = Request::post("/webhooks/resend").body(Body::empty()).unwrap();
    assert_eq!(without.oneshot(request).await.unwrap().status(), StatusCode::NOT_FOUND);
}

fn raw(number: usize) -> Vec<u8> {
    format!("From: Bob <bob{number}@example.org>\r\nTo: x@y.example\r\nSubject: Help {number}\r\nMessage-ID: <b{number}@example.org>\r\n\r\nPlease help.\r\n")
        .into_bytes()
}

#[tokio::test]
async fn a_mail_that_came_in_is_fetched_raw_and_taken_in_once() {
    let desk = desk().await;
    let id = desk.provider.hold(&["help@acme.example", "nobody@else.example"], &raw(1));
    let data = json!({ "email_id": id, "to": ["x@y.example"], "received_for": ["help@acme.example", "nobody@else.example"] });
    let body = json!({ "type": "email.received", "created_at": "2026-11-24T08:00:00Z", "data": data });
    for attempt in ["msg_1", "msg_1", "msg_2"] {
        assert_eq!(desk.post(attempt, &body, 0, SECRET).await, StatusCode::NO_CONTENT);
    }
    assert_eq!((desk.tickets().await, desk.provider.fetched()), (2, 1));
    // What cannot be fetched is to be told again.
    let missing = json!({ "type": "email.received", "data": { "email_id": "in-99999999", "received_for": ["help@acme.example"] } });
    assert_eq!(desk.post("msg_3", &missing, 0, SECRET).await, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn what_was_missed_is_taken_in_by_the_next_reconciliation() {
    let desk = desk().await;
    for number in 0..8 {
        desk.provider.hold(&["help@acme.example"], &raw(number));
    }
    desk.provider.hold(&["nobody@else.example"], &raw(99));
    let found = desk.inbox.reconcile(&desk.crm).await.unwrap();
    assert_eq!((found.listed, found.taken_in, found.failed), (9, 8, 0));
    assert_eq!(desk.tickets().await, 9);
    let again = desk.inbox.reconcile(&desk.crm).await.unwrap();
    assert_eq!((again.listed, again.taken_in), (9, 0));
    assert_eq!(desk.provider.fetched(), 8, "nothing is fetched twice");
    tokio::time::sleep(Duration::from_millis(1)).await;
}
