//! Tickets.

use autocrm_core::{
    access::Actor,
    app::{Error, TicketProcessor},
    id::TicketId,
    text::Note,
    ticket::{Ticket, TicketQuery},
};
use axum::{
    Json,
    extract::{OriginalUri, State},
    http::{
        HeaderMap, HeaderName, HeaderValue, StatusCode,
        header::{ETAG, LINK, LOCATION},
    },
    response::{IntoResponse, Response},
};

use crate::http::{
    Shared,
    cursor::Pager,
    describe::{ReadProblems, WriteProblems},
    dto::{
        ListQuery, NewTicketRequest, RoutingView, SearchHit, SearchPage, SearchQuery, TicketPage, TicketView,
        UpdateTicketRequest,
    },
    extract::{Caller, Command, IfMatch, IfNoneMatch, Keyed, Params, PathId},
    problem::Result,
};

/// Says that the answer is that of an earlier, equal request.
pub(crate) const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// Returns the headers of an answer that may be a repetition.
pub(crate) fn replayed(repeated: bool) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if repeated {
        headers.insert(REPLAYED, HeaderValue::from_static("true"));
    }
    headers
}

fn tag(ticket: &Ticket) -> HeaderValue {
    HeaderValue::try_from(format!("\"{}\"", ticket.version)).unwrap_or(HeaderValue::from_static("\"0\""))
}

fn processor(shared: &Shared, keyed: &Keyed) -> TicketProcessor {
    match keyed.take() {
        Some(key) => shared.crm.processor().keyed(key),
        None => shared.crm.processor(),
    }
}

async fn view(shared: &Shared, actor: &Actor, ticket: &Ticket) -> Result<Json<TicketView>> {
    Ok(Json(TicketView::of(ticket, &shared.viewer(actor).await?)))
}

/// Opens a ticket with its first message.
#[utoipa::path(
    post, path = "/api/tickets", tag = "tickets", operation_id = "create_ticket",
    request_body = NewTicketRequest,
    params(("Idempotency-Key" = Option<String>, Header, description = "Names the request for 72 hours, 1..=200 characters")),
    responses((status = 201, description = "The ticket", body = TicketView), WriteProblems),
    security(("bearer" = []))
)]
pub(crate) async fn create(
    State(shared): State<Shared>,
    Caller(actor): Caller,
    OriginalUri(uri): OriginalUri,
    command: Command<NewTicketRequest>,
) -> Result<Response> {
    let data = command.value.read()?;
    let repeated = command.keyed.is_repeated(&shared, &actor).await?;
    let ticket = processor(&shared, &command.keyed).create(&actor, &data).await?;
    let mut headers = replayed(repeated);
    headers.insert(ETAG, tag(&ticket));
    if let Ok(location) = HeaderValue::try_from(format!("{}/{}", uri.path(), ticket.id)) {
        headers.insert(LOCATION, location);
    }
    Ok((StatusCode::CREATED, headers, view(&shared, &actor, &ticket).await?).into_response())
}

/// Lists tickets.
#[utoipa::path(
    get, path = "/api/tickets", tag = "tickets", operation_id = "list_tickets",
    params(ListQuery),
    responses((status = 200, description = "A page; `Link` leads to the next one", body = TicketPage), ReadProblems),
    security(("bearer" = []))
)]
pub(crate) async fn list(
    State(shared): State<Shared>,
    Caller(actor): Caller,
    OriginalUri(uri): OriginalUri,
    Params(query): Params<ListQuery>,
) -> Result<Response> {
    let filter = query.filter().map_err(Error::from)?;
    let pager = Pager::new(&shared.options.cursor_key, &actor, format!("tickets {filter:?}"));
    let request = pager.request(query.limit, query.cursor.as_deref())?;
    let page = shared.crm.tickets().list(&actor, &filter, &request).await?;
    let (next, link) = pager.next(&page, &uri);
    let viewer = shared.viewer(&actor).await?;
    let tickets = page.items.iter().map(|ticket| TicketView::of(ticket, &viewer)).collect();
    Ok((linked(link), Json(TicketPage { tickets, next })).into_response())
}

/// Returns the headers of a page.
pub(crate) fn linked(link: Option<HeaderValue>) -> HeaderMap {
    link.into_iter().map(|link| (LINK, link)).collect()
}

/// Finds tickets by the words of subject and messages, newest match first.
#[utoipa::path(
    get, path = "/api/tickets/search", tag = "tickets", operation_id = "search_tickets",
    params(SearchQuery),
    responses((status = 200, description = "A page; `Link` leads to the next one", body = SearchPage), ReadProblems),
    security(("bearer" = []))
)]
pub(crate) async fn search(
    State(shared): State<Shared>,
    Caller(actor): Caller,
    OriginalUri(uri): OriginalUri,
    Params(query): Params<SearchQuery>,
) -> Result<Response> {
    let text = Note::new(&query.q).map_err(Error::from)?;
    let sought = TicketQuery { text: text.into_string(), notes: query.notes };
    let pager = Pager::new(&shared.options.cursor_key, &actor, format!("search {sought:?}"));
    let request = pager.request(query.limit, query.cursor.as_deref())?;
    let page = shared.crm.tickets().search(&actor, &sought, &request).await?;
    let (next, link) = pager.next(&page, &uri);
    let viewer = shared.viewer(&actor).await?;
    let mut hits = Vec::with_capacity(page.items.len());
    for hit in &page.items {
        match shared.crm.tickets().get(&actor, hit.ticket).await {
            Ok(ticket) => {
                let ticket = TicketView::of(&ticket, &viewer);
                hits.push(SearchHit { ticket, message: hit.message.as_uuid() });
            }
            // It was deleted or moved out of sight since the search.
            Err(error) if error.is_not_found() => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok((linked(link), Json(SearchPage { hits, next })).into_response())
}

/// Returns a ticket.
#[utoipa::path(
    get, path = "/api/tickets/{id}", tag = "tickets", operation_id = "get_ticket",
    params(
        ("id" = uuid::Uuid, Path, description = "The ticket"),
        ("If-None-Match" = Option<String>, Header, description = "Versions that the caller has")
    ),
    responses(
        (status = 200, description = "The ticket; its version is the `ETag`", body = TicketView),
        (status = 304, description = "The caller has this version"),
        ReadProblems
    ),
    security(("bearer" = []))
)]
pub(crate) async fn get(
    State(shared): State<Shared>,
    Caller(actor): Caller,
    PathId(id): PathId<TicketId>,
    known: IfNoneMatch,
) -> Result<Response> {
    let ticket = shared.crm.tickets().get(&actor, id).await?;
    if known.has(ticket.version) {
        return Ok((StatusCode::NOT_MODIFIED, [(ETAG, tag(&ticket))]).into_response());
    }
    Ok(([(ETAG, tag(&ticket))], view(&shared, &actor, &ticket).await?).into_response())
}

/// Changes a ticket; absent fields stay.
#[utoipa::path(
    put, path = "/api/tickets/{id}", tag = "tickets", operation_id = "update_ticket",
    request_body = UpdateTicketRequest,
    params(
        ("id" = uuid::Uuid, Path, description = "The ticket"),
        ("If-Match" = Option<String>, Header, description = "The version that the caller saw, such as `\"3\"`"),
        ("Idempotency-Key" = Option<String>, Header, description = "Names the request for 72 hours, 1..=200 characters")
    ),
    responses((status = 200, description = "The ticket", body = TicketView), WriteProblems),
    security(("bearer" = []))
)]
pub(crate) async fn put(
    State(shared): State<Shared>,
    Caller(actor): Caller,
    PathId(id): PathId<TicketId>,
    IfMatch(expected): IfMatch,
    command: Command<UpdateTicketRequest>,
) -> Result<Response> {
    let change = command.value.read()?;
    let repeated = command.keyed.is_repeated(&shared, &actor).await?;
    let ticket = processor(&shared, &command.keyed).update(&actor, id, &change, expected).await?;
    let mut headers = replayed(repeated);
    headers.insert(ETAG, tag(&ticket));
    Ok((headers, view(&shared, &actor, &ticket).await?).into_response())
}

/// Deletes a ticket: it is hidden at once and erased after the tenant's retention time. Administrators only.
#[utoipa::path(
    delete, path = "/api/tickets/{id}", tag = "tickets", operation_id = "delete_ticket",
    params(
        ("id" = uuid::Uuid, Path, description = "The ticket"),
        ("If-Match" = Option<String>, Header, description = "The version that the caller saw, such as `\"3\"`"),
        ("Idempotency-Key" = Option<String>, Header, description = "Names the request for 72 hours, 1..=200 characters")
    ),
    responses((status = 204, description = "It is deleted"), WriteProblems),
    security(("bearer" = []))
)]
pub(crate) async fn delete(
    State(shared): State<Shared>,
    Caller(actor): Caller,
    PathId(id): PathId<TicketId>,
    IfMatch(expected): IfMatch,
    keyed: Keyed,
) -> Result<Response> {
    let repeated = keyed.is_repeated(&shared, &actor).await?;
    processor(&shared, &keyed).delete(&actor, id, expected).await?;
    Ok((StatusCode::NO_CONTENT, replayed(repeated)).into_response())
}

/// Returns the latest routing decision: every candidate, and why not. Staff only.
#[utoipa::path(
    get, path = "/api/tickets/{id}/routing", tag = "tickets", operation_id = "explain_routing",
    params(("id" = uuid::Uuid, Path, description = "The ticket")),
    responses((status = 200, description = "The decision", body = RoutingView), ReadProblems),
    security(("bearer" = []))
)]
pub(crate) async fn routing(
    State(shared): State<Shared>,
    Caller(actor): Caller,
    PathId(id): PathId<TicketId>,
) -> Result<Json<RoutingView>> {
    Ok(Json(RoutingView::of(&shared.crm.tickets().explain(&actor, id).await?)))
}
