//! Conversations.

use autocrm_core::id::TicketId;
use axum::{
    Json,
    extract::{OriginalUri, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};

use crate::http::{
    Shared,
    cursor::Pager,
    describe::{ReadProblems, WriteProblems},
    dto::{ConversationPage, ConversationQuery, MessageView, NewMessageRequest},
    extract::{Caller, Command, IfMatch, Params, PathId},
    problem::Result,
    ticket::{linked, replayed},
};

/// Writes a message; a public one of the desk on a mail ticket also leaves as mail.
#[utoipa::path(
    post, path = "/api/conversations", tag = "conversations", operation_id = "write_message",
    request_body = NewMessageRequest,
    params(
        ("If-Match" = Option<String>, Header, description = "The version of the ticket that the caller saw"),
        ("Idempotency-Key" = Option<String>, Header, description = "Names the request for 72 hours, 1..=200 characters")
    ),
    responses((status = 201, description = "The message", body = MessageView), WriteProblems),
    security(("bearer" = []))
)]
pub(crate) async fn create(
    State(shared): State<Shared>,
    Caller(actor): Caller,
    IfMatch(expected): IfMatch,
    command: Command<NewMessageRequest>,
) -> Result<Response> {
    let (ticket, reply) = command.value.read()?;
    let repeated = command.keyed.is_repeated(&shared, &actor).await?;
    let conversations = match command.keyed.take() {
        Some(key) => shared.crm.conversations().keyed(key),
        None => shared.crm.conversations(),
    };
    let message = conversations.reply(&actor, ticket, &reply, expected).await?;
    let viewer = shared.viewer(&actor).await?;
    let body = Json(MessageView::of(&message, &viewer));
    Ok((StatusCode::CREATED, replayed(repeated), body).into_response())
}

/// Returns the messages of a ticket, first to last.
#[utoipa::path(
    get, path = "/api/conversations/{ticket_id}", tag = "conversations", operation_id = "read_conversation",
    params(("ticket_id" = uuid::Uuid, Path, description = "The ticket"), ConversationQuery),
    responses((status = 200, description = "A page; `Link` leads to the next one", body = ConversationPage), ReadProblems),
    security(("bearer" = []))
)]
pub(crate) async fn list(
    State(shared): State<Shared>,
    Caller(actor): Caller,
    OriginalUri(uri): OriginalUri,
    PathId(ticket): PathId<TicketId>,
    Params(query): Params<ConversationQuery>,
) -> Result<Response> {
    let pager = Pager::new(&shared.options.cursor_key, &actor, format!("messages {ticket}"));
    let request = pager.request(query.limit, query.cursor.as_deref())?;
    let page = shared.crm.conversations().messages(&actor, ticket, &request).await?;
    let (next, link) = pager.next(&page, &uri);
    let viewer = shared.viewer(&actor).await?;
    let messages = page.items.iter().map(|message| MessageView::of(message, &viewer)).collect();
    Ok((linked(link), Json(ConversationPage { messages, next })).into_response())
}
