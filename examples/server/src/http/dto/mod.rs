//! What goes over the wire. Nothing of the domain is serialised as it is: each type says what its reader may see.

mod assist;
mod conversation;
mod routing;
mod ticket;

use autocrm_core::{
    id::Id,
    text::{TextError, TextProblem},
};
use uuid::Uuid;

pub(crate) use assist::{
    AiHealthView, AnalysisView, AnalyzeRequest, IndexHealth, SuggestRequest, SuggestionView,
};
pub(crate) use conversation::{ConversationPage, ConversationQuery, MessageView, NewMessageRequest};
pub(crate) use routing::RoutingView;
pub(crate) use ticket::{
    ListQuery, NewTicketRequest, SearchHit, SearchPage, SearchQuery, TicketPage, TicketView,
    UpdateTicketRequest, Viewer,
};

/// Turns an id of the wire into one of the domain.
fn id<T: Id>(uuid: Uuid) -> T {
    T::from(uuid)
}

/// Reads one of a few names.
fn one_of<T: Copy>(
    kind: &'static str,
    text: &str,
    all: &[T],
    name: impl Fn(T) -> &'static str,
) -> Result<T, TextError> {
    let found = all.iter().copied().find(|value| name(*value) == text);
    found.ok_or(TextError { kind, problem: TextProblem::Malformed })
}
