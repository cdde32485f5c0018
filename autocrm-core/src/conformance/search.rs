//! Search over tickets: what the scope shows, by all words, notes only when asked for.

use crate::{
    access::{Actor, Scope},
    conformance::{Backend, commit::renamed, world::World},
    conversation::{self, AnswerMeta, AnswerState, Draft, Verdict},
    id::{MessageId, TicketId, UserId},
    page::{Cursor, PageRequest},
    port::TicketHit,
    text::Body,
    ticket::{self, Ticket, TicketQuery},
    user::Role,
};

async fn find(world: &World, scope: &Scope, text: &str, notes: bool) -> Vec<TicketHit> {
    let query = TicketQuery { text: text.to_owned(), notes };
    let page = world.store.search_tickets(scope, &query, &PageRequest::first(200)).await;
    page.unwrap_or_else(|error| unreachable!("{text:?} is a valid query: {error}")).items
}

async fn tickets(world: &World, scope: &Scope, text: &str) -> Vec<TicketId> {
    find(world, scope, text, false).await.into_iter().map(|hit| hit.ticket).collect()
}

/// A ticket of a customer with one message of theirs.
async fn asked(world: &World, customer: UserId, subject: &str, text: &str) -> (Ticket, MessageId) {
    let ticket = world.ticket(customer, subject).await;
    let message = world.say(&Actor::customer(world.tenant, customer), ticket.id, text, false).await;
    (world.load(ticket.id).await, message.id)
}

/// S1: a hit holds every word of the query in the message or in the subject at the time of writing.
pub async fn s1_every_word_is_in_text_or_subject(backend: Backend) {
    let world = World::open(&backend).await;
    let cleo = world.person(Role::Customer, "Cleo", None).await.id;
    let (one, _) = asked(&world, cleo, "broken printer", "the invoice has vanished").await;
    let (two, _) = asked(&world, cleo, "printer", "it smokes and burns").await;
    asked(&world, cleo, "greetings", "nothing else").await;
    world.ticket(cleo, "printer without a message").await;
    let scope = world.wide();
    for (text, expected) in [
        ("invoice", vec![one.id]),
        ("printer", vec![two.id, one.id]),
        ("printer invoice", vec![one.id]),
        ("invoice broken vanished", vec![one.id]),
        ("smokes printer", vec![two.id]),
        ("smokes invoice", vec![]),
        ("smokes invoice printer", vec![]),
        ("unheard", vec![]),
    ] {
        assert_eq!(tickets(&world, &scope, text).await, expected, "{text:?}");
    }
    // The subject counts as it was when a message was written.
    world.change(&two, |ticket, stamp| renamed(&world, &ticket, "copier", stamp)).await;
    assert_eq!(tickets(&world, &scope, "printer smokes").await, vec![two.id]);
    assert_eq!(tickets(&world, &scope, "copier").await, vec![]);
    world.say(&Actor::customer(world.tenant, cleo), two.id, "hello again", false).await;
    assert_eq!(tickets(&world, &scope, "copier hello").await, vec![two.id]);
}

/// S1: a commit is found at once on every handle, and a changed text by its new words only.
pub async fn s1_a_changed_text_is_found_by_its_new_words(backend: Backend) {
    let world = World::open(&backend).await;
    let cleo = world.person(Role::Customer, "Cleo", None).await.id;
    let (ticket, _) = asked(&world, cleo, "question", "hello").await;
    let stamp = world.stamp();
    let noted = ticket::note_activity(ticket, &world.scheme(), false, false, &stamp).unwrap();
    let meta =
        AnswerMeta { model: "m".to_owned(), sources: Vec::new(), confidence: 0.5, state: AnswerState::Draft };
    let draft = Draft { body: Body::new("aardvark").unwrap(), meta };
    let mut written = conversation::write_answer(&noted.state, draft, &stamp).unwrap();
    let set = world.plan_at(&stamp, |set, stamp| {
        set.ticket(noted, true, stamp).message(written.clone(), stamp);
    });
    world.store.commit(&set).await.expect("the proposal is stored");
    let customer = world.customer(cleo);
    assert_eq!(tickets(&world, &customer, "aardvark").await, vec![], "a proposal is not for the customer");
    written.state.version = written.state.version.next();
    let verdict = Verdict::Accept { body: Some(Body::new("buffalo").unwrap()) };
    let judged = conversation::judge_draft(written.state, verdict).unwrap();
    let (ticket, message) = (judged.state.ticket, judged.state.id);
    world
        .apply(|set, stamp| {
            set.message(judged, stamp);
        })
        .await;
    let there = world.through(backend.other());
    for scope in [world.wide(), customer] {
        assert_eq!(find(&there, &scope, "buffalo", false).await, vec![TicketHit { ticket, message }]);
        assert_eq!(find(&there, &scope, "aardvark", true).await, vec![]);
    }
}

/// S1: hits are tickets that the scope shows: requester and participants, the team's agents, the own tenant.
pub async fn s1_hits_are_tickets_that_the_scope_shows(backend: Backend) {
    let world = World::open(&backend).await;
    let other = world.sibling().await;
    let cleo = world.person(Role::Customer, "Cleo", None).await.id;
    let max = world.person(Role::Customer, "Max", None).await.id;
    let team = world.team("Team", &[]).await;
    let (open, _) = asked(&world, cleo, "zebra", "one").await;
    let (given, _) = asked(&world, max, "zebra", "two").await;
    let given = world
        .change(&given, |mut ticket, stamp| {
            ticket.participants = vec![cleo];
            ticket::assign(ticket, Some(&team), None, stamp).unwrap()
        })
        .await;
    let eve = other.person(Role::Customer, "Eve", None).await.id;
    let (foreign, _) = asked(&other, eve, "zebra", "three").await;
    let stranger = world.stamp().id();
    let mut expected = vec![
        (world.wide(), vec![given.id, open.id]),
        (world.agent(stranger, &[team.id]), vec![given.id, open.id]),
        (world.agent(stranger, &[]), vec![open.id]),
        (world.customer(cleo), vec![given.id, open.id]),
        (world.customer(max), vec![given.id]),
        (world.customer(stranger), vec![]),
        (other.wide(), vec![foreign.id]),
        (Scope::customer(other.tenant, cleo), vec![]),
    ];
    for (scope, found) in expected.drain(..) {
        assert_eq!(tickets(&world, &scope, "zebra").await, found, "{scope:?}");
    }
}

/// S2: notes are searched for staff only, and only when asked for.
pub async fn s2_notes_are_searched_when_staff_ask(backend: Backend) {
    let world = World::open(&backend).await;
    let cleo = world.person(Role::Customer, "Cleo", None).await.id;
    let agent = Actor::agent(world.tenant, world.stamp().id(), Vec::new());
    let (ticket, message) = asked(&world, cleo, "question", "hello walrus").await;
    let note = world.say(&agent, ticket.id, "secret walrus", true).await.id;
    let hit = |message| vec![TicketHit { ticket: ticket.id, message }];
    for scope in [world.wide(), Scope::of(&agent)] {
        assert_eq!(find(&world, &scope, "secret", true).await, hit(note), "{scope:?}");
        assert_eq!(find(&world, &scope, "secret", false).await, vec![], "{scope:?}");
        assert_eq!(find(&world, &scope, "walrus", true).await, hit(note), "{scope:?}");
        assert_eq!(find(&world, &scope, "walrus", false).await, hit(message), "{scope:?}");
    }
    let customer = world.customer(cleo);
    for notes in [true, false] {
        assert_eq!(find(&world, &customer, "secret", notes).await, vec![]);
        assert_eq!(find(&world, &customer, "walrus", notes).await, hit(message));
    }
}

/// S3: each ticket occurs once in a page, newest matching message first, and pages lead through all of them.
pub async fn s3_each_ticket_occurs_once_in_a_page(backend: Backend) {
    let world = World::open(&backend).await;
    let cleo = world.person(Role::Customer, "Cleo", None).await.id;
    let customer = Actor::customer(world.tenant, cleo);
    let mut all = Vec::new();
    for _ in 0..4 {
        all.push(world.ticket(cleo, "subject").await.id);
    }
    let mut newest = std::collections::BTreeMap::new();
    // Messages of the tickets are interleaved, so that one ticket's older messages lie between those of others.
    for place in [0, 1, 0, 2, 1, 3, 0, 2] {
        let message = world.say(&customer, all[place], "marmot", false).await.id;
        newest.insert(all[place], message);
    }
    let scope = world.customer(cleo);
    let mut expected: Vec<TicketHit> =
        newest.iter().map(|(ticket, message)| TicketHit { ticket: *ticket, message: *message }).collect();
    expected.sort_by_key(|hit| std::cmp::Reverse(hit.message));
    assert_eq!(find(&world, &scope, "marmot", false).await, expected);
    let query = TicketQuery { text: "marmot".to_owned(), notes: false };
    for size in [1, 2, 3, 4, 7] {
        let mut seen: Vec<TicketHit> = Vec::new();
        let mut request = PageRequest::first(size);
        loop {
            let page = world.store.search_tickets(&scope, &query, &request).await.unwrap();
            assert!(page.items.len() <= usize::from(size));
            let mut once: Vec<TicketId> = page.items.iter().map(|hit| hit.ticket).collect();
            once.sort_unstable();
            once.dedup();
            assert_eq!(once.len(), page.items.len(), "each ticket once in a page");
            seen.extend(page.items);
            assert!(seen.len() <= 8, "the pages never end");
            let Some(next) = page.next else { break };
            let last = seen.last().expect("a page that is not the last one holds something").message;
            assert!(next.id <= last.as_uuid(), "the cursor stands at the last message seen");
            request = PageRequest::after(Cursor { key: next.key, id: next.id }, size);
        }
        assert!(seen.is_sorted_by(|a, b| a.message > b.message), "newest matching message first");
        for hit in &expected {
            let first = seen.iter().find(|found| found.ticket == hit.ticket);
            assert_eq!(first, Some(hit), "pages of {size}");
        }
    }
}

/// S4: any text is a valid query: operators have no meaning, and one without words finds nothing.
pub async fn s4_any_text_is_a_valid_query(backend: Backend) {
    let world = World::open(&backend).await;
    let cleo = world.person(Role::Customer, "Cleo", None).await.id;
    let (plain, _) = asked(&world, cleo, "one", "badger").await;
    let (words, _) = asked(&world, cleo, "two", "badger or heron and not near subject").await;
    let scope = world.wide();
    for (text, expected) in [
        ("badger or heron", vec![words.id]),
        ("badger OR heron", vec![words.id]),
        ("badger NOT heron", vec![words.id]),
        ("badger AND heron", vec![words.id]),
        ("subject:badger", vec![words.id]),
        ("\"badger", vec![words.id, plain.id]),
        ("badger*", vec![words.id, plain.id]),
        ("(badger", vec![words.id, plain.id]),
        ("badger)", vec![words.id, plain.id]),
        ("+badger -", vec![words.id, plain.id]),
        ("^badger", vec![words.id, plain.id]),
        ("'badger';--", vec![words.id, plain.id]),
        ("badger & ! | <->", vec![words.id, plain.id]),
        ("badger \\", vec![words.id, plain.id]),
    ] {
        assert_eq!(tickets(&world, &scope, text).await, expected, "{text:?}");
    }
    for empty in
        ["", " ", "\t\r\n", "!?…", "\"\"", "*", "()", "-", "'", "%", "_", "\u{0}", "\u{202E}", ":&|!<->"]
    {
        assert_eq!(tickets(&world, &scope, empty).await, vec![], "{empty:?}");
    }
    for odd in ["\u{10FFFF}", "badger\u{0}", "NEAR(badger, 2)", "{badger}:heron", "👩🏽‍🚀", &"x ".repeat(250)]
    {
        tickets(&world, &scope, odd).await;
    }
}
