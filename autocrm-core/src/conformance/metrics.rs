//! Figures of agents: counted from the tickets, within a half-open frame.

use std::time::Duration;

use crate::{
    access::Actor,
    clock::Timestamp,
    conformance::{Backend, world::World},
    metrics::{AgentStats, TimeFrame},
    team::Team,
    ticket::{self, StatusCategory, Ticket},
    user::Role,
};

async fn give(world: &World, requester: crate::id::UserId, team: &Team) -> Ticket {
    let ticket = world.ticket(requester, "work").await;
    let agent = team.members[0].user;
    world
        .change(&ticket, |ticket, stamp| ticket::assign(ticket, Some(team), Some(agent), stamp).unwrap())
        .await
}

/// Commits a change that is decided at a given time after the ticket was opened.
async fn after(
    world: &World,
    ticket: &Ticket,
    seconds: u64,
    change: impl FnOnce(
        Ticket,
        &crate::clock::Stamp<'_>,
    ) -> crate::transition::Transition<Ticket, ticket::TicketEvent>,
) -> Ticket {
    let at = ticket.created_at.plus(Duration::from_secs(seconds));
    let present = world.load(ticket.id).await;
    let stamp = crate::clock::Stamp::new(at, &crate::id::RandomIds);
    let next = change(present, &stamp);
    let set = world.plan_at(&stamp, |set, stamp| {
        set.ticket(next, true, stamp);
    });
    world.store.commit(&set).await.expect("the ticket is changed");
    world.load(ticket.id).await
}

/// R1: open and resolved tickets and mean times are those of the agent's own tickets that are not deleted; the frame
/// holds its first instant and not its last; staff read figures, customers and other tenants zeros.
pub async fn r1_figures_are_counted_from_the_tickets(backend: Backend) {
    let world = World::open(&backend).await;
    let other = world.sibling().await;
    let customer = world.person(Role::Customer, "Cleo", None).await;
    let ann = world.person(Role::Agent, "Ann", None).await;
    let ben = world.person(Role::Agent, "Ben", None).await;
    let (red, blue) = (world.team("Red", &[ann.id]).await, world.team("Blue", &[ben.id]).await);
    let scheme = world.scheme();
    let resolved = |ticket: Ticket, stamp: &crate::clock::Stamp<'_>| {
        let status = world.scheme().default_status(StatusCategory::Resolved).unwrap();
        ticket::move_to(ticket, status, stamp).unwrap()
    };
    let mut done = Vec::new();
    // Answered after 10 s and 30 s, resolved after 100 s and 300 s; a third one resolved after 1,000 s unanswered.
    for (answer, resolution) in [(Some(10), 100), (Some(30), 300), (None, 1_000)] {
        let ticket = give(&world, customer.id, &red).await;
        if let Some(seconds) = answer {
            after(&world, &ticket, seconds, |ticket, stamp| {
                ticket::note_activity(ticket, &scheme, false, true, stamp).unwrap()
            })
            .await;
        }
        done.push(after(&world, &ticket, resolution, resolved).await);
    }
    give(&world, customer.id, &red).await;
    give(&world, customer.id, &red).await;
    let reopened = give(&world, customer.id, &red).await;
    after(&world, &reopened, 50, resolved).await;
    world.say(&Actor::customer(world.tenant, customer.id), reopened.id, "not yet", false).await;
    let gone = give(&world, customer.id, &red).await;
    let gone = after(&world, &gone, 50, resolved).await;
    world.delete(&gone).await;
    let theirs = give(&world, customer.id, &blue).await;
    after(&world, &theirs, 7, resolved).await;

    let stats = |open, resolved, first, resolution| AgentStats {
        open,
        resolved,
        mean_first_response_seconds: first,
        mean_resolution_seconds: resolution,
    };
    let at = |ticket: &Ticket| ticket.resolved_at.expect("it is resolved");
    let frame = |from: Timestamp, until: Timestamp| TimeFrame { from, until };
    let just_after = |ticket: &Ticket| at(ticket).plus(Duration::from_micros(1));
    let mut times = [at(&done[0]), at(&done[1]), at(&done[2])];
    times.sort_unstable();
    assert_eq!(times, [at(&done[0]), at(&done[1]), at(&done[2])], "resolved one after the other");
    let expected = [
        (TimeFrame::ALL, stats(3, 3, Some(20), Some(466))),
        (frame(at(&done[0]), at(&done[1])), stats(3, 1, Some(10), Some(100))),
        (frame(just_after(&done[0]), just_after(&done[1])), stats(3, 1, Some(30), Some(300))),
        (frame(at(&done[2]), Timestamp::MAX), stats(3, 1, None, Some(1_000))),
        (frame(Timestamp::MIN, at(&done[0])), stats(3, 0, None, None)),
    ];
    for (frame, figures) in expected {
        for scope in [world.wide(), world.agent(ben.id, &[blue.id])] {
            let found = world.store.agent_stats(&scope, ann.id, frame).await.unwrap();
            assert_eq!(found, figures, "{scope:?} {frame:?}");
        }
        for scope in [world.customer(customer.id), other.wide()] {
            let found = world.store.agent_stats(&scope, ann.id, frame).await.unwrap();
            assert_eq!(found, AgentStats::default(), "{scope:?}");
        }
    }
    let theirs = world.store.agent_stats(&world.wide(), ben.id, TimeFrame::ALL).await.unwrap();
    assert_eq!(theirs, stats(0, 1, None, Some(7)));
}
