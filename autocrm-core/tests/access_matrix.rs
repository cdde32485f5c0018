//! Keeps the whole policy as a text that everybody can read: `golden/access_matrix.txt`.

use std::{collections::BTreeSet, fmt::Write, fs, path::Path};

use autocrm_core::{
    access::{
        Action, Actor, ActorKind, ArticleVisibility, Decision, DenyReason, MessageAudience, Resource,
        TicketAccess, decide,
    },
    id::{TeamId, TenantId, UserId},
};
use uuid::Uuid;

const GOLDEN: &str = include_str!("golden/access_matrix.txt");

/// Every action, and what it is called. A new action does not compile until `name_of` knows it.
const ACTIONS: &[Action] = &[
    Action::CreateTicket,
    Action::Read,
    Action::UpdateTicket,
    Action::MoveTicket,
    Action::AssignTicket,
    Action::DeleteTicket,
    Action::WriteMessage,
    Action::GiveFeedback,
    Action::WriteArticle,
    Action::WriteTemplate,
    Action::WriteUser,
    Action::WriteTeam,
    Action::UseAssistant,
    Action::ReadMetrics,
    Action::ManageTenant,
    Action::ManageJobs,
    Action::ReadFeed,
    Action::IngestMail,
    Action::MarkNotification,
];

fn name_of(action: Action) -> &'static str {
    match action {
        Action::CreateTicket => "open a ticket",
        Action::Read => "read",
        Action::UpdateTicket => "change a ticket's subject, priority, tags, fields, category or links",
        Action::MoveTicket => "change a ticket's status or wake-up time",
        Action::AssignTicket => "give a ticket to a team or an agent, or take the next one",
        Action::DeleteTicket => "delete a ticket",
        Action::WriteMessage => "write a message",
        Action::GiveFeedback => "say whether something helped",
        Action::WriteArticle => "write, publish, roll back or archive an article",
        Action::WriteTemplate => "write a response template",
        Action::WriteUser => "create or change a user's record",
        Action::WriteTeam => "create or change a team",
        Action::UseAssistant => "ask the assistant",
        Action::ReadMetrics => "read figures of agents and teams",
        Action::ManageTenant => "change statuses, categories, fields, rules or switches",
        Action::ManageJobs => "inspect and requeue failed jobs, rebuild indexes",
        Action::ReadFeed => "read the event feed of the whole desk",
        Action::IngestMail => "hand in received mail",
        Action::MarkNotification => "mark a notification as read",
    }
}

fn id<T: From<Uuid>>(number: u128) -> T {
    T::from(Uuid::from_u128(number))
}

fn home() -> TenantId {
    id(1)
}

fn team() -> TeamId {
    id(10)
}

fn requester() -> UserId {
    id(20)
}

/// Everybody who acts within the desk; the ticket is the first one's, the second takes part in it.
fn actors(tenant: TenantId) -> Vec<(&'static str, Actor)> {
    vec![
        ("requester", Actor::customer(tenant, requester())),
        ("participant", Actor::customer(tenant, id(21))),
        ("customer", Actor::customer(tenant, id(22))),
        ("team agent", Actor::agent(tenant, id(23), vec![id(12), team()])),
        ("other agent", Actor::agent(tenant, id(24), vec![id(11)])),
        ("admin", Actor::admin(tenant, id(25))),
        ("system", Actor::system(tenant)),
    ]
}

/// What is acted upon, in words; `None` where the words mean nothing for the actor.
fn resources(actor: &Actor) -> Vec<(String, Option<Resource<'static>>)> {
    const PARTICIPANTS: &[UserId] = &[UserId::from_uuid(Uuid::from_u128(21))];
    let tenant = home();
    let ticket = |team| TicketAccess { tenant, requester: requester(), participants: PARTICIPANTS, team };
    let own = actor.user();
    let mut found = vec![("the desk as a whole".to_owned(), Some(Resource::Tenant(tenant)))];
    for (whose, team) in [("of the team", Some(team())), ("of no team", None)] {
        found.push((format!("a ticket {whose}"), Some(Resource::Ticket(ticket(team)))));
        for (words, audience) in
            [("a public message", MessageAudience::Public), ("an internal note", MessageAudience::Internal)]
        {
            let message = Resource::Message { ticket: ticket(team), audience };
            found.push((format!("{words} on a ticket {whose}"), Some(message)));
        }
    }
    for (state, published) in [("a published", true), ("an unpublished", false)] {
        for visibility in [ArticleVisibility::Public, ArticleVisibility::Tenant, ArticleVisibility::Internal]
        {
            let words = format!("{state} article, visibility {}", visibility.as_str());
            found.push((words, Some(Resource::Article { tenant, visibility, published })));
        }
    }
    let stranger = id(99);
    found.extend([
        ("one's own record".to_owned(), own.map(|user| Resource::User { tenant, user })),
        ("somebody else's record".to_owned(), Some(Resource::User { tenant, user: stranger })),
        ("a team".to_owned(), Some(Resource::Team { tenant, team: team() })),
        ("a template of the team".to_owned(), Some(Resource::Template { tenant, team: Some(team()) })),
        ("a template of every team".to_owned(), Some(Resource::Template { tenant, team: None })),
        (
            "a notification to oneself".to_owned(),
            own.map(|user| Resource::Notification { tenant, recipient: user }),
        ),
        (
            "a notification to somebody else".to_owned(),
            Some(Resource::Notification { tenant, recipient: stranger }),
        ),
    ]);
    found
}

fn word(decision: Option<Decision>) -> &'static str {
    match decision {
        Some(Decision::Allow) => "yes",
        Some(Decision::Deny(DenyReason::Forbidden)) => "no",
        Some(Decision::Deny(DenyReason::Invisible)) => "not found",
        None => "-",
    }
}

/// Returns the rows of an action: what is acted upon, and the decision for each actor.
fn rows(action: Action) -> Vec<(String, Vec<Option<Decision>>)> {
    let everybody = actors(home());
    let titles: Vec<String> = resources(&everybody[0].1).into_iter().map(|(words, _)| words).collect();
    let columns: Vec<Vec<Option<Decision>>> = everybody
        .iter()
        .map(|(_, actor)| {
            let all = resources(actor).into_iter();
            all.map(|(_, resource)| resource.map(|resource| decide(actor, action, &resource))).collect()
        })
        .collect();
    let row = |(index, title): (usize, String)| (title, columns.iter().map(|column| column[index]).collect());
    titles.into_iter().enumerate().map(row).collect()
}

fn render() -> String {
    let mut text = String::from(
        "Who may do what\n\
         ===============\n\n\
         requester    the customer whose ticket it is\n\
         participant  another customer who takes part in the ticket\n\
         customer     a customer who has nothing to do with the ticket\n\
         team agent   an agent of the team in charge (and of another one)\n\
         other agent  an agent of other teams only\n\
         admin        an administrator of the desk\n\
         system       AutoCRM itself, and the host when it acts for nobody\n\n\
         yes          may\n\
         no           sees it, yet may not: answered as forbidden\n\
         not found    does not see it: answered exactly as something that does not exist\n\n\
         Whoever is not signed in is nobody and may do nothing. To members of another desk, and to its system,\n\
         everything here is not found. A command may ask for more than this table: customers change nothing but\n\
         the subject and those fields of their ticket that they see, and only administrators make or change staff.\n",
    );
    for action in ACTIONS {
        let (open, shut): (Vec<_>, Vec<_>) =
            rows(*action).into_iter().partition(|(_, cells)| cells.contains(&Some(Decision::Allow)));
        let _ = write!(text, "\n\n{}\n{}\n\n", name_of(*action), "-".repeat(name_of(*action).len()));
        let _ = write!(text, "{:<44}", "");
        for (name, _) in actors(home()) {
            let _ = write!(text, " {name:<12}");
        }
        text.truncate(text.trim_end().len());
        for (title, cells) in open {
            let _ = write!(text, "\n{title:<44}");
            for cell in cells {
                let _ = write!(text, " {:<12}", word(cell));
            }
            text.truncate(text.trim_end().len());
        }
        text.push('\n');
        if !shut.is_empty() {
            text.push_str("Nobody does this to anything else.\n");
        }
    }
    text
}

#[test]
fn the_policy_is_the_one_that_everybody_read() {
    let present = render();
    if present == GOLDEN {
        return;
    }
    let written = Path::new(env!("CARGO_TARGET_TMPDIR")).join("access_matrix.txt");
    fs::write(&written, &present).unwrap();
    let line = present.lines().zip(GOLDEN.lines()).position(|(now, then)| now != then);
    let line = line.unwrap_or_else(|| present.lines().count().min(GOLDEN.lines().count())) + 1;
    panic!(
        "the policy differs from tests/golden/access_matrix.txt in line {line}; if that is meant, replace it by {}",
        written.display()
    );
}

#[test]
fn every_action_has_a_table() {
    let listed: BTreeSet<Action> = ACTIONS.iter().copied().collect();
    assert_eq!(listed.len(), ACTIONS.len());
    assert!(ACTIONS.iter().all(|action| GOLDEN.contains(&format!("\n{}\n---", name_of(*action)))));
    for action in ACTIONS {
        assert!(
            rows(*action).iter().any(|(_, cells)| cells.contains(&Some(Decision::Allow))),
            "nobody may {action:?}"
        );
    }
}

/// Whether something is visible does not depend on what is done to it; otherwise an answer would tell what exists.
#[test]
fn not_found_depends_on_the_reader_alone() {
    for (name, actor) in actors(home()) {
        for (title, resource) in resources(&actor) {
            let Some(resource) = resource else { continue };
            let hidden = |action| decide(&actor, action, &resource) == Decision::Deny(DenyReason::Invisible);
            let seen: BTreeSet<bool> = ACTIONS.iter().map(|action| hidden(*action)).collect();
            assert_eq!(seen.len(), 1, "{name}, {title}");
        }
    }
}

#[test]
fn another_desk_finds_nothing() {
    for (name, foreigner) in actors(id(2)) {
        for (title, resource) in resources(&foreigner) {
            let Some(resource) = resource else { continue };
            for action in ACTIONS {
                let decision = decide(&foreigner, *action, &resource);
                assert_eq!(decision, Decision::Deny(DenyReason::Invisible), "{name}, {action:?}, {title}");
            }
        }
    }
}

/// Holds the words of the table to the facts that they stand for.
#[test]
fn the_columns_are_who_they_say() {
    let everybody = actors(home());
    assert_eq!(everybody.iter().filter(|(_, actor)| actor.is_staff()).count(), 3);
    assert!(everybody.iter().any(|(_, actor)| actor.kind == ActorKind::System));
    assert!(everybody.iter().all(|(_, actor)| actor.user() != Some(id(99))));
}
