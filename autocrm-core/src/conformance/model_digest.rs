//! Everything that can be observed of a store, as lines of text to compare.

use crate::{
    access::Scope,
    change::Position,
    clock::Timestamp,
    conformance::check::digest,
    id::{ArticleId, JobId, TicketId, UserId},
    knowledge::{ArticleFilter, FeedbackTarget},
    metrics::TimeFrame,
    page::PageRequest,
    port::Store,
    ticket::{StatusCategory, TicketFilter, TicketOrder, TicketQuery},
    user::UserFilter,
};

/// The ids that a story has made so far.
#[derive(Debug, Default, Clone)]
pub(crate) struct Known {
    pub(crate) tickets: Vec<TicketId>,
    pub(crate) people: Vec<UserId>,
    pub(crate) articles: Vec<ArticleId>,
    pub(crate) jobs: Vec<JobId>,
}

/// Returns what the tenant's eyes see at a glance: lists, events, jobs.
pub(crate) async fn glance(store: &dyn Store, scope: &Scope, known: &Known, now: Timestamp) -> Vec<String> {
    let mut lines = digest(store, scope).await;
    lines.push(format!("{:?}", store.depth(scope, now).await));
    for job in &known.jobs {
        lines.push(format!("{:?}", store.inspect(scope, *job).await));
    }
    lines
}

/// Returns all that a scope sees.
pub(crate) async fn seen_by(store: &dyn Store, scope: &Scope, known: &Known) -> Vec<String> {
    let mut lines = Vec::new();
    let mut see = |line: &dyn std::fmt::Debug| lines.push(format!("{line:?}"));
    let page = PageRequest::first(3);
    for order in [TicketOrder::Newest, TicketOrder::Oldest, TicketOrder::RecentlyUpdated, TicketOrder::Queue]
    {
        let filter = TicketFilter { order, ..TicketFilter::default() };
        see(&store.tickets(scope, &filter, &page).await);
        let status = vec![StatusCategory::New, StatusCategory::Resolved];
        see(&store.tickets(scope, &TicketFilter { status, ..filter }, &page).await);
    }
    for ticket in &known.tickets {
        see(&store.ticket(scope, *ticket).await);
        see(&store.deleted_ticket(scope, *ticket).await);
        see(&store.messages(scope, *ticket, &PageRequest::first(200)).await);
        see(&store.messages(scope, *ticket, &page).await);
        see(&store.ticket_events(scope, *ticket, Position::START, 5).await);
    }
    for user in &known.people {
        see(&store.user(scope, *user).await);
        see(&store.agent_stats(scope, *user, TimeFrame::ALL).await);
    }
    see(&store.loads(scope, &known.people).await);
    see(&store.users(scope, &UserFilter::default(), &page).await);
    see(&store.teams(scope).await);
    for article in &known.articles {
        see(&store.article(scope, *article).await);
        see(&store.article_chunks(scope, *article).await);
        see(&store.revisions(scope, *article, &page).await);
        see(&store.feedback(scope, FeedbackTarget::Article { article: *article }).await);
    }
    see(&store.articles(scope, &ArticleFilter::default(), &page).await);
    see(&store.templates(scope, &page).await);
    see(&store.notifications(scope, &page).await);
    see(&store.suppressed(scope, &page).await);
    for (text, notes) in [("printer", true), ("printer", false), ("invoice printer", false), ("", true)] {
        let query = TicketQuery { text: text.to_owned(), notes };
        see(&store.search_tickets(scope, &query, &page).await);
    }
    see(&store.events(scope, Position::new(3), 10).await);
    see(&store.head(scope).await);
    see(&store.dead(scope, &page).await);
    lines
}
