//! The HTTP interface: routes, and what they share.

mod assist;
mod auth;
mod conversation;
mod cursor;
mod describe;
mod dto;
mod extract;
mod health;
mod problem;
mod ticket;
mod webhook;

use std::{collections::BTreeMap, fmt, ops::Deref, sync::Arc};

use autocrm_core::{
    access::{Actor, Scope},
    app::AutoCrm,
    port::TextIndex,
};
use axum::{
    Router,
    extract::DefaultBodyLimit,
    http::{
        HeaderValue, StatusCode,
        header::{CACHE_CONTROL, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS},
    },
    middleware::map_response,
    response::Response,
    routing::{get, post},
};
use utoipa_axum::{router::OpenApiRouter, routes};

pub use auth::{Authenticator, BearerTokens, Principal};
pub use cursor::CursorKey;
pub use webhook::ResendWebhooks;

use dto::Viewer;
use problem::{Problem, Result};

/// The largest body of a request unless the host says otherwise, in bytes: a text of 1 MiB, and room for the rest.
pub const MAX_BODY: usize = 1_310_720;

/// What the interface needs beside the desk.
#[derive(Clone)]
pub struct Options {
    authenticator: Arc<dyn Authenticator>,
    cursor_key: CursorKey,
    max_body: usize,
    index: Option<Arc<dyn TextIndex>>,
    adapters: BTreeMap<&'static str, String>,
    webhooks: Option<ResendWebhooks>,
}

impl Options {
    /// Returns the usual options with what tells who asks and the secret that signs cursors.
    pub fn new(authenticator: impl Authenticator, cursor_key: CursorKey) -> Self {
        Self {
            authenticator: Arc::new(authenticator),
            cursor_key,
            max_body: MAX_BODY,
            index: None,
            adapters: BTreeMap::new(),
            webhooks: None,
        }
    }

    /// Sets the largest body of a request, in bytes.
    #[must_use]
    pub fn max_body(mut self, bytes: usize) -> Self {
        self.max_body = bytes;
        self
    }

    /// Names the desk's index over the knowledge base, whose lag `/ai/health` tells.
    #[must_use]
    pub fn index(mut self, index: impl TextIndex + 'static) -> Self {
        self.index = Some(Arc::new(index));
        self
    }

    /// Opens the route `POST /webhooks/resend` for what Resend tells.
    #[must_use]
    pub fn webhooks(mut self, webhooks: ResendWebhooks) -> Self {
        self.webhooks = Some(webhooks);
        self
    }

    /// Names an adapter of the assistant for `/ai/health`: the port (`answers`, `classifier`, `index` or `language`) and
    /// what serves it.
    #[must_use]
    pub fn adapter(mut self, port: &'static str, name: impl Into<String>) -> Self {
        self.adapters.insert(port, name.into());
        self
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("max_body", &self.max_body)
            .field("adapters", &self.adapters)
            .finish_non_exhaustive()
    }
}

/// What every handler shares.
#[derive(Clone)]
pub(crate) struct Shared(Arc<Inner>);

pub(crate) struct Inner {
    crm: AutoCrm,
    options: Options,
    document: String,
}

impl Deref for Shared {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl Shared {
    /// Returns what the actor sees of tickets and messages.
    async fn viewer(&self, actor: &Actor) -> Result<Viewer> {
        let scope = Scope::of(actor);
        // Staff see every field, whatever the scheme says.
        let scheme = if scope.is_staff() { None } else { self.crm.store().scheme(&scope).await? };
        Ok(Viewer::new(actor, scheme))
    }
}

/// Returns the HTTP interface of a desk, to serve or to nest under any path of a host's router.
///
/// Every route but `/health`, `/ready`, `/ai/health`, `/openapi.json` and `/webhooks/resend`, whose signature is checked,
/// needs a request for which the authenticator names a user. Nothing is spawned; the host runs the desk's worker.
pub fn router(crm: AutoCrm, options: Options) -> Router {
    let max_body = options.max_body;
    let (routes, document) = described().split_for_parts();
    let document = describe::to_json(&document);
    let shared = Shared(Arc::new(Inner { crm, options, document }));
    routes
        .route("/openapi.json", get(describe::serve))
        .route("/webhooks/resend", post(webhook::resend))
        .fallback(nowhere)
        .method_not_allowed_fallback(wrong_method)
        .layer(DefaultBodyLimit::max(max_body))
        .layer(map_response(guard))
        .with_state(shared)
}

/// Returns the description of the interface (OpenAPI) as JSON.
pub fn openapi_json() -> String {
    describe::to_json(described().get_openapi())
}

fn described() -> OpenApiRouter<Shared> {
    OpenApiRouter::with_openapi(describe::document())
        .routes(routes!(ticket::list, ticket::create))
        .routes(routes!(ticket::search))
        .routes(routes!(ticket::get, ticket::put, ticket::delete))
        .routes(routes!(ticket::routing))
        .routes(routes!(conversation::create))
        .routes(routes!(conversation::list))
        .routes(routes!(assist::analyze))
        .routes(routes!(assist::suggest))
        .routes(routes!(health::live))
        .routes(routes!(health::ready))
        .routes(routes!(health::assistant))
}

async fn nowhere() -> Problem {
    Problem::not_found()
}

async fn wrong_method() -> Problem {
    let detail = "the path does not have this method";
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail)
}

/// Answers are the caller's own: no cache keeps them, and no browser guesses their type.
async fn guard(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("private, no-store"));
    if headers.contains_key(CONTENT_TYPE) {
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    }
    response
}
