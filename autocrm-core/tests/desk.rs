//! The facades of the specification, on the in-memory adapters.

mod support;

use std::collections::{BTreeMap, BTreeSet};

use autocrm_core::{
    access::{Actor, ArticleVisibility},
    app::{Error, RequestKey, TicketData},
    assist::{Disposition, ReasonCode},
    change::Position,
    conversation::{Reply, Verdict},
    knowledge::{ArticleChange, ArticleSpec, ArticleState, FeedbackTarget},
    mail::BlobHash,
    metrics::TimeFrame,
    page::PageRequest,
    routing::WhyNot,
    team::{Availability, Capacity, Member, TeamSpec},
    tenant::FeatureFlags,
    text::{Body, ExternalId, Key, Name, Subject},
    ticket::{Channel, NewTicket, StatusCategory, TicketChange, TicketFilter, TicketQuery},
    transition::Version,
};

use support::{Desk, body, key, subject};

fn data(about: &str, text: &str) -> TicketData {
    TicketData {
        requester: None,
        channel: Channel::Portal,
        ticket: NewTicket::about(subject(about)),
        body: body(text),
    }
}

#[tokio::test]
async fn a_ticket_is_opened_answered_and_resolved() {
    let desk = Desk::open().await;
    let ticket = desk.portal().create_ticket(&data("Refund", "How do I get a refund?")).await.unwrap();
    assert_eq!(ticket.number.get(), 1);
    assert_eq!(ticket.status.category, StatusCategory::New);
    desk.drain().await;

    let ticket = desk.crm.tickets().get(&desk.admin, ticket.id).await.unwrap();
    assert_eq!(ticket.team, Some(desk.team.id));
    assert_eq!(ticket.assignee, Some(desk.agent.user().unwrap()));
    let reply = Reply { body: body("Here it is."), internal: false };
    desk.crm.conversations().reply(&desk.agent, ticket.id, &reply, None).await.unwrap();
    let answered = desk.crm.tickets().get(&desk.customer, ticket.id).await.unwrap();
    assert_eq!(answered.status.category, StatusCategory::WaitingCustomer);
    assert!(answered.first_response_at.is_some());

    let resolution = desk.workspace().track_resolution(ticket.id).await.unwrap();
    assert_eq!(resolution.ticket, ticket.id);
    let stats = desk.workspace().stats(desk.agent.user().unwrap(), TimeFrame::ALL).await.unwrap();
    assert_eq!((stats.open, stats.resolved), (0, 1));

    desk.portal()
        .send_message(ticket.id, &Reply { body: body("It came back."), internal: false })
        .await
        .unwrap();
    let reopened = desk.crm.tickets().get(&desk.agent, ticket.id).await.unwrap();
    assert_eq!(reopened.status.category, StatusCategory::Open);
    assert_eq!(reopened.resolved_at, None);
    let history = desk.portal().history(ticket.id, &PageRequest::default()).await.unwrap();
    let sequence: Vec<u32> = history.items.iter().map(|message| message.sequence).collect();
    assert!(sequence.windows(2).all(|pair| pair[0] < pair[1]));
}

#[tokio::test]
async fn a_repeated_request_is_answered_with_the_first_result() {
    let desk = Desk::open().await;
    let request = RequestKey { key: ExternalId::new("order-7").unwrap(), request: BlobHash::of(b"one") };
    let processor = desk.crm.processor().keyed(request.clone());
    let first = processor.create(&desk.customer, &data("Refund", "Where is it?")).await.unwrap();
    let again = processor.create(&desk.customer, &data("Refund", "Where is it?")).await.unwrap();
    assert_eq!((first.id, first.number), (again.id, again.number));
    let other = RequestKey { request: BlobHash::of(b"two"), ..request };
    let refused =
        desk.crm.processor().keyed(other).create(&desk.customer, &data("Refund", "?")).await.unwrap_err();
    assert!(refused.is_key_reused());
    let listed = desk.portal().list_tickets(&TicketFilter::default(), &PageRequest::default()).await.unwrap();
    assert_eq!(listed.items.len(), 1);
}

#[tokio::test]
async fn a_repeated_update_is_replayed_although_its_version_is_past() {
    let desk = Desk::open().await;
    let ticket = desk.portal().create_ticket(&data("Refund", "Where?")).await.unwrap();
    let request = RequestKey { key: ExternalId::new("update-1").unwrap(), request: BlobHash::of(b"update") };
    let change = TicketChange { subject: Some(subject("Refund, please")), ..TicketChange::default() };
    let processor = desk.crm.processor().keyed(request);
    let first = processor.update(&desk.customer, ticket.id, &change, Some(ticket.version)).await.unwrap();
    let again = processor.update(&desk.customer, ticket.id, &change, Some(ticket.version)).await.unwrap();
    assert_eq!(first, again);
    let stale = desk.crm.processor().update(&desk.customer, ticket.id, &change, Some(Version::new(1))).await;
    assert_eq!(stale.unwrap_err().code(), "ticket_stale");
}

#[tokio::test]
async fn a_foreign_ticket_answers_like_an_unknown_one() {
    let desk = Desk::open().await;
    let ticket = desk.portal().create_ticket(&data("Secret", "Mine.")).await.unwrap();
    let stranger = desk.new_customer("stranger@example.org").await;
    let foreign = Desk::open().await;
    let change = TicketChange { subject: Some(subject("mine now")), ..TicketChange::default() };
    for actor in [&stranger, &foreign.admin, &foreign.agent, &foreign.customer] {
        let tickets = desk.crm.tickets();
        assert!(tickets.get(actor, ticket.id).await.unwrap_err().is_not_found());
        assert!(tickets.explain(actor, ticket.id).await.unwrap_err().is_not_found());
        assert!(tickets.timeline(actor, ticket.id, Position::START, 10).await.unwrap_err().is_not_found());
        let processor = desk.crm.processor();
        assert!(processor.update(actor, ticket.id, &change, None).await.unwrap_err().is_not_found());
        assert!(processor.delete(actor, ticket.id, None).await.unwrap_err().is_not_found());
        let reply = Reply { body: body("hello"), internal: false };
        let refused = desk.crm.conversations().reply(actor, ticket.id, &reply, None).await;
        assert!(refused.unwrap_err().is_not_found());
    }
}

#[tokio::test]
async fn customers_change_only_what_is_theirs_and_write_no_notes() {
    let desk = Desk::open().await;
    let ticket = desk.portal().create_ticket(&data("Refund", "Where?")).await.unwrap();
    let urgent =
        TicketChange { priority: Some(autocrm_core::ticket::Priority::Urgent), ..TicketChange::default() };
    let refused = desk.portal().update_ticket(ticket.id, &urgent, None).await.unwrap_err();
    assert_eq!(refused.code(), "ticket_staff_only");
    let note = Reply { body: body("hidden"), internal: true };
    let refused = desk.crm.conversations().reply(&desk.customer, ticket.id, &note, None).await.unwrap_err();
    assert!(matches!(refused, Error::Denied));
    assert!(matches!(
        desk.crm.processor().delete(&desk.customer, ticket.id, None).await.unwrap_err(),
        Error::Denied
    ));
    desk.crm.conversations().reply(&desk.agent, ticket.id, &note, None).await.unwrap();
    let seen = desk.portal().history(ticket.id, &PageRequest::default()).await.unwrap();
    assert!(seen.items.iter().all(|message| &*message.body != "hidden"));
    let query = TicketQuery { text: "hidden".to_owned(), notes: true };
    let page = PageRequest::default();
    assert!(desk.crm.tickets().search(&desk.customer, &query, &page).await.unwrap().items.is_empty());
    assert_eq!(desk.crm.tickets().search(&desk.agent, &query, &page).await.unwrap().items.len(), 1);
}

#[tokio::test]
async fn a_deleted_ticket_is_gone_at_once_and_erased_later() {
    let desk = Desk::open().await;
    let ticket = desk.portal().create_ticket(&data("Refund", "Where?")).await.unwrap();
    desk.crm.processor().delete(&desk.admin, ticket.id, None).await.unwrap();
    assert!(desk.crm.tickets().get(&desk.admin, ticket.id).await.unwrap_err().is_not_found());
    let scope = autocrm_core::access::Scope::tenant_wide(desk.admin.tenant);
    assert!(desk.crm.store().deleted_ticket(&scope, ticket.id).await.unwrap().is_some());
    desk.clock.advance(std::time::Duration::from_hours(31 * 24));
    desk.drain().await;
    assert!(desk.crm.store().deleted_ticket(&scope, ticket.id).await.unwrap().is_none());
}

#[tokio::test]
async fn agents_who_ask_at_once_never_share_a_ticket_nor_exceed_their_capacity() {
    let desk = Desk::open().await;
    let mut members = Vec::new();
    let mut actors = Vec::new();
    for number in 0..6 {
        let agent = desk.new_agent(&format!("agent-{number}@example.org")).await;
        members.push(Member {
            user: agent,
            skills: BTreeMap::new(),
            languages: BTreeSet::new(),
            capacity: Capacity::new(3).unwrap(),
            availability: Availability::Away,
        });
        actors.push(agent);
    }
    let spec = TeamSpec {
        name: Name::new("Crowd").unwrap(),
        description: None,
        categories: BTreeSet::new(),
        members,
    };
    desk.crm.admin().create_team(&desk.admin, &spec).await.unwrap();
    for number in 0..30 {
        desk.portal().create_ticket(&data(&format!("Ticket {number}"), "Help!")).await.unwrap();
    }
    let mut asking = tokio::task::JoinSet::new();
    for user in actors {
        for _ in 0..5 {
            let crm = desk.crm.clone();
            let tenant = desk.admin.tenant;
            asking.spawn(async move {
                let actor = crm.actor(tenant, user).await.unwrap();
                (user, crm.workspace(actor).get_next().await)
            });
        }
    }
    let mut taken = BTreeMap::new();
    let mut owners = BTreeMap::new();
    while let Some(answer) = asking.join_next().await {
        match answer.unwrap() {
            (user, Ok(ticket)) => {
                assert!(taken.insert(ticket.id, user).is_none(), "a ticket was taken twice");
                *owners.entry(user).or_insert(0) += 1;
            }
            (_, Err(error)) => assert!(matches!(error.code(), "ticket_agent_full" | "contended"), "{error}"),
        }
    }
    assert!(owners.values().all(|count| *count <= 3), "{owners:?}");
    assert!(taken.len() >= 12, "{}", taken.len());
}

#[tokio::test]
async fn routing_explains_everybody() {
    let desk = Desk::open().await;
    let away = desk.new_agent("away@example.org").await;
    let mut spec = desk.team_spec();
    spec.members.push(Member {
        user: away,
        skills: BTreeMap::new(),
        languages: BTreeSet::new(),
        capacity: Capacity::default(),
        availability: Availability::Away,
    });
    desk.crm.admin().update_team(&desk.admin, desk.team.id, &spec).await.unwrap();
    let ticket = desk.portal().create_ticket(&data("Refund", "Where?")).await.unwrap();
    let decision = desk.crm.processor().route(&desk.admin, ticket.id).await.unwrap();
    assert_eq!(decision.agent, desk.agent.user());
    let passed: Vec<_> = decision.candidates.iter().filter(|candidate| candidate.agent == away).collect();
    assert_eq!(passed[0].why_not, Some(WhyNot::Away));
    assert_eq!(desk.crm.tickets().explain(&desk.agent, ticket.id).await.unwrap(), decision);
}

#[tokio::test]
async fn answers_rest_on_what_the_customer_may_read_and_are_sent_only_where_allowed() {
    let desk = Desk::open().await;
    desk.article("refunds", "Refunds", "A refund takes five days.", ArticleVisibility::Public).await;
    desk.article(
        "secret-refunds",
        "Refunds inside",
        "A refund is refused to traitors.",
        ArticleVisibility::Internal,
    )
    .await;
    let ticket = desk.portal().create_ticket(&data("Refund", "How long takes a refund?")).await.unwrap();
    desk.drain().await;
    let shown = desk.portal().history(ticket.id, &PageRequest::default()).await.unwrap();
    assert_eq!(shown.items.len(), 2, "the answer was sent");
    assert_eq!(&*shown.items[1].body, "A refund takes five days.");
    let asked = desk.crm.agent().ask(&desk.agent, "Who gets no refund, traitors?").await.unwrap();
    assert!(asked.text.contains("traitors"), "agents are answered from internal articles");
    let asked = desk.crm.agent().ask(&desk.customer, "Who gets no refund, traitors?").await.unwrap();
    assert!(!asked.text.contains("traitors"));
    let found = desk.portal().search_knowledge("traitors refund", 5).await.unwrap();
    assert!(found.iter().all(|hit| !hit.passage.contains("traitors")));
}

#[tokio::test]
async fn a_switched_off_assistant_hands_off_and_a_draft_waits_for_a_verdict() {
    let desk = Desk::open().await;
    desk.article("refunds", "Refunds", "A refund takes five days.", ArticleVisibility::Public).await;
    let flags = FeatureFlags { ai_responses: false, ..FeatureFlags::default() };
    desk.crm.admin().change_flags(&desk.admin, flags).await.unwrap();
    let ticket = desk.portal().create_ticket(&data("Refund", "How long?")).await.unwrap();
    let result = desk.crm.agent().process_ticket(&desk.agent, ticket.id).await.unwrap();
    assert_eq!(result.disposition, Disposition::HandOff);
    assert!(result.reasons.contains(&ReasonCode::FlagOff));
    desk.crm.admin().change_flags(&desk.admin, FeatureFlags::default()).await.unwrap();
    desk.drain().await;

    let reply = Reply { body: body("I look into it."), internal: false };
    let other = desk.portal().create_ticket(&data("Refund", "How long takes a refund?")).await.unwrap();
    desk.crm.conversations().reply(&desk.agent, other.id, &reply, None).await.unwrap();
    let result = desk.crm.processor().process_with_ai(&desk.agent, other.id).await.unwrap();
    assert_eq!(result.disposition, Disposition::Suggest);
    assert_eq!(result.reasons, [ReasonCode::PersonInvolved]);
    let drafts = desk.workspace().drafts(other.id).await.unwrap();
    let accept = Verdict::Accept { body: Some(body("Five days.")) };
    let sent = desk.crm.conversations().judge(&desk.agent, drafts[0].id, &accept).await.unwrap();
    assert_eq!(&*sent.body, "Five days.");
    let twice =
        desk.crm.conversations().judge(&desk.agent, drafts[0].id, &Verdict::Reject).await.unwrap_err();
    assert_eq!(twice.code(), "message_not_a_draft");
    let history = desk.portal().history(other.id, &PageRequest::default()).await.unwrap();
    assert!(history.items.iter().any(|message| &*message.body == "Five days."));
}

#[tokio::test]
async fn articles_have_revisions_roll_back_and_leave_the_index_when_archived() {
    let desk = Desk::open().await;
    let article = desk.article("sizes", "Sizes", "A zebra is large.", ArticleVisibility::Public).await;
    let knowledge = desk.crm.knowledge();
    let change = ArticleChange { body: Some(body("A giraffe is tall.")), ..ArticleChange::default() };
    let edited = knowledge.edit(&desk.agent, article, &change).await.unwrap();
    assert_eq!(edited.revision, 2);
    desk.crm.feed().sync_index().await.unwrap();
    assert!(desk.portal().search_knowledge("zebra", 5).await.unwrap().is_empty());
    let back = knowledge.roll_back(&desk.agent, article, 1).await.unwrap();
    assert_eq!((back.revision, &*back.body), (3, "A zebra is large."));
    assert_eq!(
        knowledge.revisions(&desk.agent, article, &PageRequest::default()).await.unwrap().items.len(),
        3
    );
    desk.crm.feed().sync_index().await.unwrap();
    assert_eq!(desk.portal().search_knowledge("zebra", 5).await.unwrap().len(), 1);
    let target = FeedbackTarget::Article { article };
    knowledge.give_feedback(&desk.customer, target, false, None).await.unwrap();
    knowledge.give_feedback(&desk.customer, target, true, None).await.unwrap();
    let totals = knowledge.feedback(&desk.agent, target).await.unwrap();
    assert_eq!((totals.helpful, totals.unhelpful), (1, 0));
    knowledge.change_state(&desk.agent, article, ArticleState::Archived).await.unwrap();
    // Even before the index follows, nothing of an archived article is shown.
    assert!(desk.portal().search_knowledge("zebra", 5).await.unwrap().is_empty());
    desk.crm.feed().rebuild_index().await.unwrap();
    assert!(desk.workspace().suggestions("zebra").await.unwrap().articles.is_empty());
    let spec = ArticleSpec {
        slug: Key::new("sizes").unwrap(),
        title: Subject::new("Again").unwrap(),
        body: Body::new("x").unwrap(),
        category: None,
        visibility: ArticleVisibility::Public,
        language: None,
    };
    assert_eq!(knowledge.write(&desk.agent, &spec).await.unwrap_err().code(), "article_slug_taken");
    assert!(matches!(knowledge.write(&desk.customer, &spec).await.unwrap_err(), Error::Denied));
}

#[tokio::test]
async fn a_category_set_by_a_person_is_learned() {
    let desk = Desk::open().await;
    let ticket = desk.portal().create_ticket(&data("Hello", "qwertz uiop")).await.unwrap();
    let change = TicketChange { category: Some(key("billing")), ..TicketChange::default() };
    desk.crm.processor().update(&desk.agent, ticket.id, &change, None).await.unwrap();
    desk.drain().await;
    assert_eq!(desk.learned(), ["billing"]);
}

#[tokio::test]
async fn an_actor_is_read_anew_for_every_command() {
    let desk = Desk::open().await;
    let user = desk.agent.user().unwrap();
    let fired = autocrm_core::user::UserChange { active: Some(false), ..Default::default() };
    desk.crm.admin().change_user(&desk.admin, user, &fired).await.unwrap();
    assert!(desk.crm.actor(desk.admin.tenant, user).await.unwrap_err().is_not_found());
    let elsewhere = Actor::admin(support::tenant_id(), user);
    assert!(
        desk.crm
            .tickets()
            .list(&elsewhere, &TicketFilter::default(), &PageRequest::default())
            .await
            .unwrap()
            .items
            .is_empty()
    );
}
