//! What is left after all kills, as the library shows it.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use autocrm_core::{
    access::{Actor, Scope},
    app::AutoCrm,
    change::{Event, Position},
    conversation::MessageEvent,
    id::{MessageId, TicketId},
    page::PageRequest,
    ticket::{Ticket, TicketEvent, TicketFilter, TicketOrder, TicketQuery},
};

use super::{Acknowledged, Cast, Target, tables, texts};
use crate::{failure::Result, progress::Progress};

const MAX_DETAILS: usize = 20;

/// What was found wrong.
#[derive(Debug, Default)]
pub(crate) struct Verdict {
    pub(crate) lost: usize,
    pub(crate) duplicated: usize,
    pub(crate) orphans: usize,
    pub(crate) torn: usize,
    pub(crate) details: Vec<String>,
    pub(crate) tickets: usize,
}

impl Verdict {
    fn lose(&mut self, detail: String) {
        self.lost += 1;
        self.tell(detail);
    }

    fn tear(&mut self, count: usize, detail: impl FnOnce() -> String) {
        if count > 0 {
            self.torn += count;
            self.tell(detail());
        }
    }

    fn tell(&mut self, detail: String) {
        if self.details.len() < MAX_DETAILS {
            self.details.push(detail);
        }
    }

    /// The database cannot be opened at all: everything that was acknowledged is lost.
    fn unreadable(acknowledged: &Acknowledged, why: String) -> Self {
        Self { lost: acknowledged.count(), torn: 1, details: vec![why], ..Self::default() }
    }
}

/// Opens the database anew and looks for every acknowledged write, and at everything else.
pub(crate) async fn verify(target: &Target, cast: Cast, acknowledged: &Acknowledged) -> Result<Verdict> {
    let (crm, errors) = match target.reopen().await {
        Ok(opened) => opened,
        Err(error) => {
            return Ok(Verdict::unreadable(acknowledged, format!("the database cannot be opened: {error}")));
        }
    };
    let mut verdict = Verdict { duplicated: acknowledged.changed, ..Verdict::default() };
    for finding in &errors {
        verdict.tear(1, || format!("doctor: {}: {}", finding.code, finding.message));
    }
    let admin = Actor::admin(cast.tenant, cast.admin);
    look(&crm, &admin, acknowledged, &mut verdict).await?;
    searches(&crm, &admin, acknowledged, &mut verdict).await?;
    let rows = tables::examine(target).await?;
    verdict.orphans += rows.orphans;
    verdict.torn += rows.torn;
    for detail in rows.details {
        verdict.tell(detail);
    }
    Ok(verdict)
}

/// Looks at every ticket, conversation and event, as the library shows them.
pub(crate) async fn look(
    crm: &AutoCrm,
    admin: &Actor,
    acknowledged: &Acknowledged,
    verdict: &mut Verdict,
) -> Result<()> {
    let tickets = all_tickets(crm, admin).await?;
    verdict.tickets = tickets.len();
    numbers(&tickets, verdict);
    let messages = conversations(crm, admin, &tickets, verdict).await?;
    acknowledgements(&tickets, &messages, acknowledged, verdict);
    feed(crm, admin, &tickets, &messages, verdict).await
}

async fn all_tickets(crm: &AutoCrm, admin: &Actor) -> Result<BTreeMap<TicketId, Ticket>> {
    let filter = TicketFilter { order: TicketOrder::Oldest, ..TicketFilter::default() };
    let (mut found, mut page) = (BTreeMap::new(), PageRequest::first(200));
    loop {
        let listed = crm.tickets().list(admin, &filter, &page).await?;
        found.extend(listed.items.into_iter().map(|ticket| (ticket.id, ticket)));
        match listed.next {
            Some(cursor) => page = PageRequest::after(cursor, 200),
            None => return Ok(found),
        }
    }
}

/// Every write has one subject, and numbers run from 1 without gaps.
fn numbers(tickets: &BTreeMap<TicketId, Ticket>, verdict: &mut Verdict) {
    let mut subjects: HashMap<&str, usize> = HashMap::new();
    let mut given = BTreeSet::new();
    for ticket in tickets.values() {
        *subjects.entry(ticket.subject.as_str()).or_default() += 1;
        given.insert(ticket.number.get());
    }
    for (subject, count) in subjects.into_iter().filter(|(_, count)| *count > 1) {
        verdict.duplicated += count - 1;
        verdict.tell(format!("`{subject}` exists {count} times"));
    }
    let expected = tickets.len() as u64;
    let last = given.last().copied().unwrap_or_default();
    verdict.tear(usize::from(given.len() as u64 != expected || last != expected), || {
        format!("{expected} tickets have {} numbers, the last is {last}", given.len())
    });
}

/// Reads every conversation; it has to be whole.
async fn conversations(
    crm: &AutoCrm,
    admin: &Actor,
    tickets: &BTreeMap<TicketId, Ticket>,
    verdict: &mut Verdict,
) -> Result<HashSet<MessageId>> {
    let progress = Progress::new("conversations", tickets.len());
    let mut found = HashSet::new();
    for ticket in tickets.values() {
        let page = crm.conversations().messages(admin, ticket.id, &PageRequest::first(200)).await?;
        let sequence: Vec<u32> = page.items.iter().map(|message| message.sequence).collect();
        let whole = !sequence.is_empty() && sequence.windows(2).all(|pair| pair[0] + 1 == pair[1]);
        let counted = sequence.len() as u64 == u64::from(ticket.messages);
        verdict.tear(usize::from(!(whole && counted)), || {
            format!("ticket {}: messages {sequence:?}, {} counted", ticket.number, ticket.messages)
        });
        let bodies: HashSet<&str> = page.items.iter().map(|message| message.body.as_str()).collect();
        verdict.duplicated += page.items.len() - bodies.len();
        found.extend(page.items.iter().map(|message| message.id));
        progress.tick();
    }
    Ok(found)
}

fn acknowledgements(
    tickets: &BTreeMap<TicketId, Ticket>,
    messages: &HashSet<MessageId>,
    acknowledged: &Acknowledged,
    verdict: &mut Verdict,
) {
    for (number, (id, given)) in &acknowledged.tickets {
        let kept = tickets.get(id).is_some_and(|ticket| {
            ticket.number == *given && ticket.subject.as_str() == super::subject(*number)
        });
        if !kept {
            verdict.lose(format!("ticket {number} was acknowledged as {given} and is not there"));
        }
    }
    for (number, id) in &acknowledged.replies {
        if !messages.contains(id) {
            verdict.lose(format!("the reply on ticket {number} was acknowledged and is not there"));
        }
    }
}

/// Positions have no gaps, and there is an event for each ticket and message and for no others.
async fn feed(
    crm: &AutoCrm,
    admin: &Actor,
    tickets: &BTreeMap<TicketId, Ticket>,
    messages: &HashSet<MessageId>,
    verdict: &mut Verdict,
) -> Result<()> {
    let (mut opened, mut written) = (HashSet::new(), HashSet::new());
    let mut after = Position::START;
    loop {
        let events = crm.feed().events(admin, after, 1_000).await?;
        let Some(last) = events.last() else { break };
        for (expected, record) in (after.get() + 1..).zip(&events) {
            verdict.tear(usize::from(record.position.get() != expected), || {
                format!("event {} stands where {expected} should", record.position.get())
            });
            match &record.event {
                Event::Ticket(TicketEvent::Created { .. }) => {
                    opened.extend(record.ticket);
                }
                Event::Message(MessageEvent::Written { message, .. }) => {
                    written.insert(*message);
                }
                _ => {}
            }
        }
        after = last.position;
    }
    let head = crm.store().head(&Scope::of(admin)).await?;
    verdict
        .tear(usize::from(head != after), || format!("the feed ends at {}, not {}", after.get(), head.get()));
    let silent = tickets.keys().filter(|id| !opened.contains(*id)).count();
    verdict.tear(silent, || format!("{silent} tickets have no event"));
    let mute = messages.difference(&written).count();
    verdict.tear(mute, || format!("{mute} messages have no event"));
    let bodiless = opened.iter().filter(|id| !tickets.contains_key(id)).count();
    let empty = written.difference(messages).count();
    if bodiless + empty > 0 {
        verdict.orphans += bodiless + empty;
        verdict.tell(format!("{} events name no row", bodiless + empty));
    }
    Ok(())
}

/// Every acknowledged text is found by its own word, once.
async fn searches(
    crm: &AutoCrm,
    admin: &Actor,
    acknowledged: &Acknowledged,
    verdict: &mut Verdict,
) -> Result<()> {
    let progress = Progress::new("searches", acknowledged.tickets.len());
    for (number, (id, _)) in &acknowledged.tickets {
        let [first, second] = texts(*number);
        let replied = acknowledged.replies.contains_key(number);
        for text in [Some(first), replied.then_some(second)].into_iter().flatten() {
            let word = text.split(' ').nth(1).unwrap_or_default().to_owned();
            let query = TicketQuery { text: word.clone(), notes: false };
            let hits = crm.tickets().search(admin, &query, &PageRequest::first(10)).await?.items;
            let found = hits.iter().map(|hit| hit.ticket).eq([*id]);
            verdict
                .tear(usize::from(!found), || format!("`{word}` finds {} tickets, not its own", hits.len()));
        }
        progress.tick();
    }
    Ok(())
}
