//! Two desks in one store, and requests to their HTTP interface.

use std::collections::{BTreeMap, BTreeSet};

use autocrm_ai::{classify::TenantClassifiers, ground::ExtractiveAnswerer, language::TrigramDetector};
use autocrm_core::{
    access::{Actor, ArticleVisibility},
    app::{AutoCrm, TicketData},
    clock::{Clock as _, SystemClock},
    id::{IdSource as _, RandomIds, TenantId, TicketId, UserId},
    knowledge::{ArticleSpec, ArticleState},
    memory::{MemoryIndex, MemoryStore},
    team::{Availability, Capacity, Member, TeamSpec},
    tenant::TenantPolicy,
    text::{Body, Key, Name, Note, Subject},
    ticket::{Category, Channel, FieldDefinition, FieldKind, NewTicket},
    user::{NewUser, Role},
    worker::{Worker, WorkerConfig},
};
use autocrm_server::{BearerTokens, CursorKey, Options, Principal, router};
use axum::{
    Router,
    body::{Body as HttpBody, to_bytes},
    http::{HeaderMap, Method, Request, StatusCode},
};
use serde_json::Value;
use tower::ServiceExt as _;

/// A text that no other tenant may ever read.
pub(crate) const CANARY: &str = "zanzibar-canary";

/// A desk, its people and a ticket.
#[derive(Debug, Clone)]
pub(crate) struct Side {
    pub(crate) admin: Actor,
    pub(crate) agent: Actor,
    pub(crate) customer: Actor,
    pub(crate) ticket: TicketId,
}

/// Two desks in one store.
#[derive(Debug, Clone)]
pub(crate) struct World {
    pub(crate) crm: AutoCrm,
    pub(crate) app: Router,
    pub(crate) ours: Side,
    pub(crate) theirs: Side,
}

/// What a request was answered with.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    /// Checks that it is a problem with the status and the code.
    #[track_caller]
    pub(crate) fn is_problem(&self, status: u16, code: &str) {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        assert_eq!(self.header("content-type"), "application/problem+json", "{}", self.text);
        let problem = self.json();
        assert_eq!(problem["code"], code, "{problem}");
        assert_eq!(problem["status"], status, "{problem}");
        assert_eq!(problem["type"], format!("urn:autocrm:problem:{code}"));
        assert!(problem["title"].is_string() && problem["detail"].is_string(), "{problem}");
    }
}

/// A request in the making.
#[derive(Debug)]
pub(crate) struct Ask {
    method: Method,
    path: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

pub(crate) fn ask(method: &str, path: impl Into<String>) -> Ask {
    Ask { method: method.parse().unwrap(), path: path.into(), headers: Vec::new(), body: Vec::new() }
}

impl Ask {
    pub(crate) fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    pub(crate) fn by(self, token: &str) -> Self {
        self.header("authorization", format!("Bearer {token}"))
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        self.raw("application/json", body.to_string())
    }

    pub(crate) fn raw(mut self, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self.header("content-type", content_type)
    }

    pub(crate) async fn of(self, app: &Router) -> Answer {
        let mut request = Request::builder().method(self.method).uri(self.path);
        for (name, value) in self.headers {
            request = request.header(name, value);
        }
        let response = app.clone().oneshot(request.body(HttpBody::from(self.body)).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.unwrap();
        Answer {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8(bytes.to_vec()).unwrap(),
        }
    }
}

/// Makes the world. Tokens are `ours-admin`, `theirs-customer` and so on.
pub(crate) async fn world() -> World {
    let index = MemoryIndex::new();
    let crm = AutoCrm::builder()
        .store(MemoryStore::new())
        .index(index.clone())
        .detector(TrigramDetector)
        .classifier(TenantClassifiers::default())
        .model(ExtractiveAnswerer::default())
        .build()
        .unwrap();
    let mut tokens = BearerTokens::default();
    let ours = side(&crm, &mut tokens, "ours", "An order that did not arrive").await;
    let theirs = side(&crm, &mut tokens, "theirs", CANARY).await;
    Worker::new(crm.clone(), WorkerConfig::default()).drain().await.unwrap();
    let options = Options::new(tokens, CursorKey::new(vec![9; 32]).unwrap())
        .index(index)
        .adapter("index", "memory")
        .adapter("answers", "extractive")
        .adapter("classifier", "linear")
        .adapter("language", "trigrams");
    World { app: router(crm.clone(), options), crm, ours, theirs }
}

async fn side(crm: &AutoCrm, tokens: &mut BearerTokens, name: &str, subject: &str) -> Side {
    let tenant = TenantId::from_uuid(RandomIds.uuid(SystemClock.now()));
    let policy = TenantPolicy::default();
    crm.admin().found_tenant(tenant, &Name::new(name).unwrap(), None, policy).await.unwrap();
    let mut people = BTreeMap::new();
    for role in [Role::Admin, Role::Agent, Role::Customer] {
        let title = format!("{name}-{}", role.as_str());
        let new = NewUser { role, ..NewUser::customer(Name::new(&title).unwrap()) };
        let id = crm.admin().create_user(&Actor::system(tenant), &new).await.unwrap().id;
        tokens.admit(&title, Principal { tenant, user: id });
        people.insert(role, id);
    }
    furnish(crm, tenant, people[&Role::Admin], people[&Role::Agent], subject).await;
    let actor = |role| crm.actor(tenant, people[role]);
    let customer = actor(&Role::Customer).await.unwrap();
    let data = TicketData {
        requester: None,
        channel: Channel::Portal,
        ticket: NewTicket::about(Subject::new(subject).unwrap()),
        body: Body::new(format!("The parcel with {subject} is late.")).unwrap(),
    };
    let ticket = crm.processor().create(&customer, &data).await.unwrap().id;
    Side {
        admin: actor(&Role::Admin).await.unwrap(),
        agent: actor(&Role::Agent).await.unwrap(),
        customer,
        ticket,
    }
}

async fn furnish(crm: &AutoCrm, tenant: TenantId, admin: UserId, agent: UserId, subject: &str) {
    let chief = crm.actor(tenant, admin).await.unwrap();
    let shipping = Key::new("shipping").unwrap();
    let team = TeamSpec {
        name: Name::new("Shipping").unwrap(),
        description: Some(Note::new("parcels and deliveries").unwrap()),
        categories: BTreeSet::from([shipping.clone()]),
        members: vec![Member {
            user: agent,
            skills: BTreeMap::new(),
            languages: BTreeSet::new(),
            capacity: Capacity::default(),
            availability: Availability::Online,
        }],
    };
    crm.admin().create_team(&chief, &team).await.unwrap();
    let category = Category {
        key: shipping,
        name: Name::new("Shipping").unwrap(),
        description: Some(Note::new("a parcel that did not arrive, a late delivery").unwrap()),
        skills: BTreeSet::new(),
        team: None,
        auto_send: true,
    };
    let field = |shown: bool| FieldDefinition {
        name: Name::new("Field").unwrap(),
        kind: FieldKind::Text,
        customer_visible: shown,
    };
    let fields = BTreeMap::from([
        (Key::new("order").unwrap(), field(true)),
        (Key::new("risk").unwrap(), field(false)),
    ]);
    let scheme = crm.admin().scheme(&chief).await.unwrap();
    crm.admin().set_scheme(&chief, &scheme.statuses, &[category], &fields).await.unwrap();
    let article = ArticleSpec {
        slug: Key::new("parcels").unwrap(),
        title: Subject::new("Parcels").unwrap(),
        body: Body::new(format!(
            "# Parcels\n\nA parcel arrives within five working days. Ask the carrier about {subject} after that.\n"
        ))
        .unwrap(),
        category: None,
        visibility: ArticleVisibility::Tenant,
        language: None,
    };
    let written = crm.knowledge().write(&chief, &article).await.unwrap();
    crm.knowledge().change_state(&chief, written.id, ArticleState::Published).await.unwrap();
}
