//! Messages and templates: in their order, for their audience.

use crate::{
    access::{Actor, Scope},
    conformance::{
        Backend,
        rich::{LINE, text},
        rig::walk_every_size,
        world::World,
    },
    conversation::{
        self, AnswerMeta, AnswerState, Draft, Message, MessageKind, NewMessage, Template, TemplateSpec,
        Verdict,
    },
    id::TeamId,
    page::PageRequest,
    text::{Body, Language, Name},
    ticket::{self, Ticket},
    user::Role,
};

async fn messages(world: &World, scope: &Scope, ticket: &Ticket) -> Vec<Message> {
    walk_every_size(|page: PageRequest| async move { world.store.messages(scope, ticket.id, &page).await })
        .await
}

/// Writes an answer of the assistant, as it stands after the commit.
async fn answer(world: &World, ticket: &Ticket, state: AnswerState) -> Message {
    let present = world.load(ticket.id).await;
    let stamp = world.stamp();
    let noted = ticket::note_activity(present, &world.scheme(), false, false, &stamp).unwrap();
    let meta = AnswerMeta { model: "extractive".to_owned(), sources: Vec::new(), confidence: 0.3, state };
    let body = Body::new(format!("an answer that is {state:?}")).unwrap();
    let written = conversation::write_answer(&noted.state, Draft { body, meta }, &stamp).unwrap();
    let row = Message { version: written.state.version.next(), ..written.state.clone() };
    let set = world.plan_at(&stamp, |set, stamp| {
        set.ticket(noted, true, stamp).message(written, stamp);
    });
    world.store.commit(&set).await.expect("the answer is written");
    row
}

/// Writes a message whose sender is not verified.
async fn held(world: &World, customer: &Actor, ticket: &Ticket) -> Message {
    let present = world.load(ticket.id).await;
    let new = NewMessage { held: true, ..NewMessage::text(Body::new("who am I").unwrap(), false) };
    let (set, message) = world.plan_message(customer, &present, new);
    world.store.commit(&set).await.expect("the message is written");
    message
}

/// A ticket with a message of every kind, in order, and whether customers read it.
async fn told(world: &World) -> (Ticket, Vec<(Message, bool)>) {
    let user = world.person(Role::Customer, "Cleo", None).await;
    let customer = Actor::customer(world.tenant, user.id);
    let agent = Actor::agent(world.tenant, world.person(Role::Agent, "Ann", None).await.id, Vec::new());
    let ticket = world.ticket(user.id, "a talk").await;
    let messages = vec![
        (world.say(&customer, ticket.id, text().as_str(), false).await, true),
        (world.say(&agent, ticket.id, "a note", true).await, false),
        (world.say(&agent, ticket.id, "a reply", false).await, true),
        (world.say(&world.system(), ticket.id, "a notice", false).await, false),
        (answer(world, &ticket, AnswerState::Draft).await, false),
        (answer(world, &ticket, AnswerState::Rejected).await, false),
        (answer(world, &ticket, AnswerState::Sent).await, true),
        (held(world, &customer, &ticket).await, false),
    ];
    (ticket, messages)
}

/// R2: the messages of a ticket come by sequence, first to last, in pages of any size.
pub async fn r2_messages_come_in_their_order(backend: Backend) {
    let world = World::open(&backend).await;
    let (ticket, told) = told(&world).await;
    let all: Vec<Message> = told.into_iter().map(|(message, _)| message).collect();
    assert_eq!(all.iter().map(|message| message.sequence).collect::<Vec<_>>(), (1..=8).collect::<Vec<u32>>());
    assert_eq!(messages(&world, &world.wide(), &ticket).await, all);
    let page = world.store.messages(&world.wide(), ticket.id, &PageRequest::first(3)).await.unwrap();
    let cursor = page.next.expect("more follows");
    assert_eq!((cursor.key, cursor.id), (3, all[2].id.as_uuid()), "the cursor's key is the sequence");
    let nobody = Ticket { id: world.stamp().id(), ..ticket };
    assert_eq!(messages(&world, &world.wide(), &nobody).await, vec![]);
}

/// R1: customers read public messages and sent answers only: no note, notice, proposal or held message.
pub async fn r1_messages_are_shown_to_their_audience(backend: Backend) {
    let world = World::open(&backend).await;
    let other = world.sibling().await;
    let (ticket, told) = told(&world).await;
    let elsewhere: TeamId = world.stamp().id();
    let staff = [world.wide(), world.agent(world.stamp().id(), &[elsewhere])];
    let nobody =
        [world.customer(world.stamp().id()), other.wide(), Scope::customer(other.tenant, ticket.requester)];
    for store in [backend.store(), backend.other()] {
        let world = world.through(store);
        for (message, public) in &told {
            for scope in &staff {
                assert_eq!(world.store.message(scope, message.id).await.unwrap().as_ref(), Some(message));
            }
            let scope = world.customer(ticket.requester);
            let expected = public.then_some(message);
            assert_eq!(world.store.message(&scope, message.id).await.unwrap().as_ref(), expected);
            for scope in &nobody {
                assert_eq!(world.store.message(scope, message.id).await.unwrap(), None, "{scope:?}");
            }
        }
        let public: Vec<Message> =
            told.iter().filter(|(_, public)| *public).map(|(message, _)| message.clone()).collect();
        assert_eq!(messages(&world, &world.customer(ticket.requester), &ticket).await, public);
        for scope in &staff {
            assert_eq!(messages(&world, scope, &ticket).await.len(), told.len());
        }
        for scope in &nobody {
            assert_eq!(messages(&world, scope, &ticket).await, vec![], "{scope:?}");
        }
    }
}

/// R1: the messages of a ticket of another team are hidden from an agent, one by one and as a list.
pub async fn r1_messages_follow_their_ticket(backend: Backend) {
    let world = World::open(&backend).await;
    let (ticket, told) = told(&world).await;
    let team = world.team("Team", &[]).await;
    world
        .change(&world.load(ticket.id).await, |ticket, stamp| {
            ticket::assign(ticket, Some(&team), None, stamp).unwrap()
        })
        .await;
    let agent = world.stamp().id();
    for (scope, shown) in [(world.agent(agent, &[team.id]), true), (world.agent(agent, &[]), false)] {
        let found = messages(&world, &scope, &ticket).await;
        assert_eq!(found.len(), if shown { told.len() } else { 0 });
        for (message, _) in &told {
            let found = world.store.message(&scope, message.id).await.unwrap();
            assert_eq!(found.is_some(), shown, "{scope:?}");
        }
    }
}

/// C1: a judged proposal reads back with its new text and state, and the customer reads it once it was accepted.
pub async fn c1_a_judged_answer_reads_back(backend: Backend) {
    let world = World::open(&backend).await;
    let user = world.person(Role::Customer, "Cleo", None).await;
    let ticket = world.ticket(user.id, "a question").await;
    let draft = answer(&world, &ticket, AnswerState::Draft).await;
    let customer = world.customer(user.id);
    assert_eq!(world.store.message(&customer, draft.id).await.unwrap(), None);
    let verdict = Verdict::Accept { body: Some(text()) };
    let judged = conversation::judge_draft(draft.clone(), verdict).unwrap();
    let row = Message { version: judged.state.version.next(), ..judged.state.clone() };
    world
        .apply(|set, stamp| {
            set.message(judged, stamp);
        })
        .await;
    assert!(matches!(&row.kind, MessageKind::Answer(answer) if answer.state == AnswerState::Sent));
    for scope in [world.wide(), customer] {
        assert_eq!(world.store.message(&scope, draft.id).await.unwrap(), Some(row.clone()));
        assert_eq!(messages(&world, &scope, &ticket).await, vec![row.clone()]);
    }
}

async fn template(world: &World, team: Option<TeamId>) -> Template {
    let spec = TemplateSpec {
        name: Name::new(LINE).unwrap(),
        body: text(),
        team,
        language: team.map(|_| Language::new("pt").unwrap()),
    };
    let made = conversation::create_template(world.tenant, spec, &world.stamp()).unwrap();
    let row = Template { version: made.state.version.next(), ..made.state.clone() };
    world
        .apply(|set, stamp| {
            set.template(made, stamp);
        })
        .await;
    row
}

async fn templates(world: &World, scope: &Scope) -> Vec<Template> {
    walk_every_size(|page: PageRequest| async move { world.store.templates(scope, &page).await }).await
}

/// R1: templates are shown to agents of their team, those of no team to all staff, and none to customers; oldest first.
pub async fn r1_templates_are_shown_to_their_team(backend: Backend) {
    let world = World::open(&backend).await;
    let other = world.sibling().await;
    let (red, blue): (TeamId, TeamId) = (world.stamp().id(), world.stamp().id());
    let mut all = Vec::new();
    for team in [None, Some(red), Some(blue), None, Some(red)] {
        all.push(template(&world, team).await);
    }
    let foreign = template(&other, None).await;
    let user = world.stamp().id();
    for scope in [
        world.wide(),
        world.agent(user, &[red]),
        world.agent(user, &[blue, red]),
        world.agent(user, &[]),
        world.customer(user),
    ] {
        let shown: Vec<Template> = all.iter().filter(|row| scope.sees_template(row.team)).cloned().collect();
        assert_eq!(templates(&world, &scope).await, shown, "{scope:?}");
        for row in &all {
            let expected = shown.contains(row).then_some(row);
            assert_eq!(world.store.template(&scope, row.id).await.unwrap().as_ref(), expected, "{scope:?}");
        }
        assert_eq!(world.store.template(&scope, foreign.id).await.unwrap(), None);
    }
}

/// C1: a changed template reads back.
pub async fn c1_a_changed_template_reads_back(backend: Backend) {
    let world = World::open(&backend).await;
    let made = template(&world, Some(world.stamp().id())).await;
    let spec = TemplateSpec {
        name: Name::new("b").unwrap(),
        body: Body::new("").unwrap(),
        team: None,
        language: None,
    };
    let changed = conversation::update_template(made, spec, &world.stamp()).unwrap();
    let row = Template { version: changed.state.version.next(), ..changed.state.clone() };
    world
        .apply(|set, stamp| {
            set.template(changed, stamp);
        })
        .await;
    assert_eq!(templates(&world, &world.wide()).await, vec![row.clone()]);
    assert_eq!(backend.other().template(&world.wide(), row.id).await.unwrap(), Some(row));
}
