//! Whether the desk works. Callers without a token learn the status only.

use autocrm_core::{
    access::{Actor, Scope},
    port::QueueDepth,
};
use axum::{Json, extract::State};
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::{
    Shared,
    describe::HealthProblems,
    dto::{AiHealthView, IndexHealth},
    extract::MaybeCaller,
    problem::{Problem, Result},
};

/// The ports that a whole assistant has.
const PORTS: [&str; 4] = ["answers", "classifier", "index", "language"];

/// The process runs.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct LiveView {
    /// `ok`.
    status: &'static str,
}

/// How much waits in the caller's tenant.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct QueueView {
    /// Due and not held.
    ready: u64,
    /// Not yet due.
    scheduled: u64,
    /// Held by workers.
    leased: u64,
    /// Failed for good.
    dead: u64,
}

impl QueueView {
    fn of(depth: QueueDepth) -> Self {
        Self { ready: depth.ready, scheduled: depth.scheduled, leased: depth.leased, dead: depth.dead }
    }
}

/// The desk takes requests.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct ReadyView {
    /// `ready`.
    status: &'static str,
    /// Only for administrators.
    #[serde(skip_serializing_if = "Option::is_none")]
    queue: Option<QueueView>,
}

/// Says that the process runs.
#[utoipa::path(
    get, path = "/health", tag = "health", operation_id = "live",
    responses((status = 200, description = "It runs", body = LiveView))
)]
pub(crate) async fn live() -> Json<LiveView> {
    Json(LiveView { status: "ok" })
}

/// Says whether the store answers and its schema is the one that this program knows.
#[utoipa::path(
    get, path = "/ready", tag = "health", operation_id = "ready",
    responses((status = 200, description = "Requests are taken", body = ReadyView), HealthProblems)
)]
pub(crate) async fn ready(
    State(shared): State<Shared>,
    MaybeCaller(caller): MaybeCaller,
) -> Result<Json<ReadyView>> {
    // A read of any row fails when the file, the schema or the connection does.
    if let Err(error) = shared.crm.store().tenants(None, 1).await {
        tracing::warn!(%error, "the store does not answer");
        return Err(Problem::unavailable("not_ready", "the store does not answer"));
    }
    let mut queue = None;
    if let Some(actor) = caller {
        // Only administrators may ask; for others the queue stays out of the answer.
        queue = shared.crm.jobs().depth(&actor).await.ok().map(QueueView::of);
    }
    Ok(Json(ReadyView { status: "ready", queue }))
}

/// Says whether the assistant has its adapters and how far its index has come.
#[utoipa::path(
    get, path = "/ai/health", tag = "health", operation_id = "ai_health",
    responses((status = 200, description = "The assistant works", body = AiHealthView), HealthProblems)
)]
pub(crate) async fn assistant(
    State(shared): State<Shared>,
    MaybeCaller(caller): MaybeCaller,
) -> Result<Json<AiHealthView>> {
    let whole = PORTS.iter().all(|port| shared.options.adapters.contains_key(port));
    let status = if whole { "ok" } else { "degraded" };
    let tenant = match &caller {
        Some(actor) => Some(actor.tenant),
        None => shared.crm.store().tenants(None, 1).await?.first().copied(),
    };
    let mut index = None;
    if let (Some(text_index), Some(tenant)) = (&shared.options.index, tenant) {
        let cursor = text_index.cursor(tenant).await.map_err(|error| {
            tracing::warn!(%error, "the index does not answer");
            Problem::unavailable("index_unavailable", "the index does not answer")
        })?;
        let head = shared.crm.store().head(&Scope::tenant_wide(tenant)).await?.get();
        let cursor = cursor.get();
        index = Some(IndexHealth { cursor, head, lag: head.saturating_sub(cursor) });
    }
    let staff = caller.as_ref().is_some_and(Actor::is_staff);
    Ok(Json(AiHealthView {
        status,
        adapters: staff.then(|| shared.options.adapters.clone()),
        index: index.filter(|_| staff),
    }))
}
