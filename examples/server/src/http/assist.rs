//! The assistant. Nothing is stored: processing a ticket is the worker's job.

use autocrm_core::{
    access::Actor,
    app::Error,
    conversation::{Author, Message},
    id::TicketId,
    page::{Cursor, PageRequest},
    text::{Body, TextError, TextProblem},
};
use axum::{Json, extract::State};
use uuid::Uuid;

use crate::http::{
    Shared,
    describe::WriteProblems,
    dto::{AnalysisView, AnalyzeRequest, SuggestRequest, SuggestionView},
    extract::{Caller, Command},
    problem::{Problem, Result},
};

/// Where the customer's latest message is looked for.
const LATEST: u16 = 50;

/// Says what a text is about: language, category, urgency.
#[utoipa::path(
    post, path = "/api/ai/analyze", tag = "ai", operation_id = "analyze",
    request_body = AnalyzeRequest,
    responses((status = 200, description = "The analysis", body = AnalysisView), WriteProblems),
    security(("bearer" = []))
)]
pub(crate) async fn analyze(
    State(shared): State<Shared>,
    Caller(actor): Caller,
    command: Command<AnalyzeRequest>,
) -> Result<Json<AnalysisView>> {
    let AnalyzeRequest { text, ticket_id } = command.value;
    let text = subject_matter(&shared, &actor, text, ticket_id).await?;
    let analysis = shared.crm.agent().analyze_content(&actor, &text).await?;
    Ok(Json(AnalysisView::of(&analysis)))
}

/// Suggests an answer with its sources, and articles, from what the caller may read; or says why there is none.
#[utoipa::path(
    post, path = "/api/ai/suggest", tag = "ai", operation_id = "suggest",
    request_body = SuggestRequest,
    responses((status = 200, description = "The suggestion", body = SuggestionView), WriteProblems),
    security(("bearer" = []))
)]
pub(crate) async fn suggest(
    State(shared): State<Shared>,
    Caller(actor): Caller,
    command: Command<SuggestRequest>,
) -> Result<Json<SuggestionView>> {
    let SuggestRequest { text, ticket_id, articles } = command.value;
    let limit = articles.unwrap_or(5);
    if !(1..=50).contains(&limit) {
        return Err(Problem::bad_request("invalid_body", "articles has to be 1 to 50"));
    }
    let text = subject_matter(&shared, &actor, text, ticket_id).await?;
    let answer = shared.crm.agent().ask(&actor, &text).await?;
    let found = shared.crm.portal(actor).suggest_knowledge(&text, limit).await?;
    Ok(Json(SuggestionView::of(&answer, &found)))
}

/// Returns the text, or that of the ticket's latest message by its customer.
async fn subject_matter(
    shared: &Shared,
    actor: &Actor,
    text: Option<String>,
    ticket: Option<Uuid>,
) -> Result<String> {
    match (text, ticket) {
        (Some(text), None) => {
            let body = Body::new(text).map_err(Error::from)?;
            if body.trim().is_empty() {
                let blank = TextError { kind: "text", problem: TextProblem::Empty };
                return Err(Error::from(blank).into());
            }
            Ok(body.into_string())
        }
        (None, Some(ticket)) => latest_message(shared, actor, TicketId::from_uuid(ticket)).await,
        _ => Err(Problem::bad_request("invalid_body", "give either text or ticket_id")),
    }
}

async fn latest_message(shared: &Shared, actor: &Actor, id: TicketId) -> Result<String> {
    let ticket = shared.crm.tickets().get(actor, id).await?;
    let before = i64::from(ticket.messages) - i64::from(LATEST);
    let page = PageRequest::after(Cursor { key: before.max(0), id: id.as_uuid() }, LATEST);
    let messages = shared.crm.conversations().messages(actor, id, &page).await?.items;
    let by_customer = messages.iter().rev().find(|message| matches!(message.author, Author::Customer { .. }));
    let text = by_customer.map(Message::newest_text).unwrap_or_default();
    Ok(format!("{}\n{text}", ticket.subject))
}
