//! Teaching the classifier: from descriptions first, then from what people correct.

use crate::{
    access::Scope,
    app::{AutoCrm, Result},
    id::TicketId,
    page::PageRequest,
    port::{Classifier, Example, Label, TrainingSet},
    text::truncate_bytes,
    ticket::{Scheme, Ticket, TicketFilter},
};

/// How many tickets that people sorted a training reads, latest first.
const MAX_EXAMPLES: usize = 2_000;
/// How much of a ticket an example holds, in bytes.
const MAX_EXAMPLE: usize = 4_000;

/// Trains the tenant's classifier unless it knows this version of the scheme.
pub(super) async fn ensure_trained(
    crm: &AutoCrm,
    classifier: &dyn Classifier,
    scheme: &Scheme,
) -> Result<()> {
    let revision = scheme.version.get();
    if classifier.is_trained(scheme.tenant, revision).await? {
        return Ok(());
    }
    let set = training_set(crm, scheme).await?;
    Ok(classifier.train(scheme.tenant, revision, &set).await?)
}

/// Collects labels with their descriptions, those of the teams that take them included, and sorted tickets.
async fn training_set(crm: &AutoCrm, scheme: &Scheme) -> Result<TrainingSet> {
    let scope = Scope::tenant_wide(scheme.tenant);
    let teams = crm.store().teams(&scope).await?;
    let mut set = TrainingSet::default();
    for category in &scheme.categories {
        let mut description =
            format!("{}. {}", category.name, category.description.as_deref().unwrap_or_default());
        for team in &teams {
            let takes = category.team == Some(team.id) || team.categories.contains(&category.key);
            if let Some(text) = team.description.as_ref().filter(|_| takes && team.categories.len() <= 1) {
                description.push(' ');
                description.push_str(text);
            }
        }
        set.labels.push(Label { key: category.key.clone(), description });
    }
    let filter = TicketFilter { categorised_by_person: true, ..TicketFilter::default() };
    let mut request = PageRequest::first(200);
    loop {
        let page = crm.store().tickets(&scope, &filter, &request).await?;
        for ticket in &page.items {
            set.examples.extend(example(crm, ticket).await?);
        }
        match page.next {
            Some(cursor) if set.examples.len() < MAX_EXAMPLES => request = PageRequest::after(cursor, 200),
            _ => return Ok(set),
        }
    }
}

async fn example(crm: &AutoCrm, ticket: &Ticket) -> Result<Option<Example>> {
    let Some(category) = ticket.category.clone() else { return Ok(None) };
    let scope = Scope::tenant_wide(ticket.tenant);
    let first =
        crm.store().messages(&scope, ticket.id, &PageRequest::first(1)).await?.items.into_iter().next();
    let text = first.map(|message| message.newest_text().to_owned()).unwrap_or_default();
    let whole = format!("{}\n{text}", ticket.subject);
    Ok(Some(Example { text: truncate_bytes(&whole, MAX_EXAMPLE).to_owned(), category }))
}

/// Teaches the classifier the category that a person gave a ticket; a ticket that is gone teaches nothing.
pub(crate) async fn learn_from(crm: &AutoCrm, scope: &Scope, ticket: TicketId) -> Result<()> {
    let Some(classifier) = crm.classifier() else { return Ok(()) };
    let Some(ticket) = crm.store().ticket(scope, ticket).await? else { return Ok(()) };
    match example(crm, &ticket).await? {
        Some(example) => Ok(classifier.learn(ticket.tenant, &example).await?),
        None => Ok(()),
    }
}
