//! Random walks through a ticket's life keep its invariants, and its events tell its state.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use autocrm_core::{
    access::Actor,
    clock::Stamp,
    id::{RandomIds, UserId},
    routing::{RouteRequest, RoutingReason, WhyNot, route},
    team::{Availability, Capacity, Member, Team, TeamSpec},
    testing::{Dice, Scene},
    text::{Name, Subject},
    ticket::{
        Channel, NewTicket, Scheme, Status, StatusCategory, Ticket, TicketEvent, create, move_to,
        note_activity, snooze, wake,
    },
    transition::Transition,
};

fn open(scene: &Scene, scheme: &Scheme) -> Transition<Ticket, TicketEvent> {
    let actor = Actor::system(scene.tenant_id());
    let new = NewTicket::about(Subject::new("Help").unwrap());
    let requester: UserId = scene.stamp().id();
    create(scheme, &actor, requester, Channel::Api, new, &scene.stamp()).unwrap()
}

fn status(scheme: &Scheme, category: StatusCategory) -> Status {
    scheme.default_status(category).unwrap()
}

fn step(
    dice: &mut Dice,
    ticket: Ticket,
    scheme: &Scheme,
    stamp: &Stamp<'_>,
) -> Option<Transition<Ticket, TicketEvent>> {
    match dice.below(6) {
        0 => note_activity(ticket, scheme, true, true, stamp).ok(),
        1 => note_activity(ticket, scheme, false, true, stamp).ok(),
        2 => note_activity(ticket, scheme, false, false, stamp).ok(),
        3 => snooze(ticket, scheme, stamp.at().plus(Duration::from_mins(1)), stamp).ok(),
        4 => wake(ticket, scheme, stamp).ok(),
        _ => {
            let to = *dice.pick(&StatusCategory::ALL)?;
            move_to(ticket, status(scheme, to), stamp).ok()
        }
    }
}

fn check(ticket: &Ticket) {
    let category = ticket.status.category;
    assert_eq!(ticket.closed_at.is_some(), category == StatusCategory::Closed);
    assert_eq!(
        ticket.resolved_at.is_some(),
        matches!(category, StatusCategory::Resolved | StatusCategory::Closed)
    );
    assert!(ticket.pending_until.is_none() || category == StatusCategory::OnHold);
}

#[test]
fn random_walks_keep_the_invariants_and_the_events_tell_the_state() {
    for seed in 0..500 {
        let scene = Scene::new(1);
        let scheme = scene.scheme();
        let mut dice = Dice::new(seed);
        let opened = open(&scene, &scheme);
        let mut ticket = opened.state;
        let mut told = ticket.status.clone();
        for _ in 0..60 {
            scene.clock().advance(Duration::from_secs(dice.below(90) as u64));
            let stamp = scene.stamp();
            let Some(next) = step(&mut dice, ticket.clone(), &scheme, &stamp) else { continue };
            assert!(next.state.messages >= ticket.messages);
            for event in &next.events {
                if let TicketEvent::StatusChanged { from, to } = event {
                    assert_eq!(*from, told);
                    assert!(from.category.may_move_to(to.category));
                    told = to.clone();
                }
            }
            ticket = next.state;
            assert_eq!(ticket.status, told);
            check(&ticket);
        }
    }
}

#[test]
fn a_sleeping_ticket_wakes_not_a_moment_early() {
    let scene = Scene::new(1);
    let scheme = scene.scheme();
    let ticket = open(&scene, &scheme).state;
    let until = scene.stamp().at().plus(Duration::from_mins(1));
    let asleep = snooze(ticket, &scheme, until, &scene.stamp()).unwrap().state;
    let early = Stamp::new(until.minus(Duration::from_micros(1)), &RandomIds);
    assert!(wake(asleep.clone(), &scheme, &early).unwrap().events.is_empty());
    let woken = wake(asleep, &scheme, &Stamp::new(until, &RandomIds)).unwrap();
    assert_eq!(woken.events.len(), 2);
    assert_eq!(woken.state.pending_until, None);
}

fn random_team(scene: &Scene, dice: &mut Dice) -> Team {
    let mut members = Vec::new();
    for _ in 0..dice.below(12) {
        members.push(Member {
            user: scene.stamp().id(),
            skills: BTreeMap::new(),
            languages: BTreeSet::new(),
            capacity: Capacity::new(u16::try_from(dice.below(5)).unwrap()).unwrap(),
            availability: if dice.chance(30) { Availability::Away } else { Availability::Online },
        });
    }
    let name = Name::new(format!("Team {}", dice.roll())).unwrap();
    let spec = TeamSpec { name, description: None, categories: BTreeSet::new(), members };
    autocrm_core::team::create(scene.tenant_id(), spec, |_| true, &scene.stamp()).unwrap().state
}

#[test]
fn routing_never_picks_who_is_away_or_full_and_lists_everybody_with_a_reason() {
    for seed in 0..500 {
        let scene = Scene::new(1);
        let scheme = scene.scheme();
        let mut dice = Dice::new(seed);
        let ticket = open(&scene, &scheme).state;
        let team = random_team(&scene, &mut dice);
        let loads: BTreeMap<UserId, u32> =
            team.members.iter().map(|member| (member.user, u32::try_from(dice.below(6)).unwrap())).collect();
        let teams = [team.clone()];
        let inactive = BTreeSet::new();
        let request = RouteRequest {
            ticket: &ticket,
            scheme: &scheme,
            teams: &teams,
            loads: &loads,
            inactive: &inactive,
        };
        let decision = route(&request, &scene.stamp());
        assert_eq!((decision.team, decision.reason), (Some(team.id), RoutingReason::OnlyTeam));
        assert_eq!(decision.candidates.len(), team.members.len());
        let able = |member: &Member| {
            member.availability == Availability::Online
                && loads[&member.user] < u32::from(member.capacity.get())
        };
        assert_eq!(decision.agent.is_some(), team.members.iter().any(able));
        for (place, candidate) in decision.candidates.iter().enumerate() {
            let member = team.member(candidate.agent).unwrap();
            let chosen = decision.agent == Some(candidate.agent);
            assert_eq!(candidate.why_not.is_none(), chosen);
            assert!(!chosen || (place == 0 && able(member)));
            assert_eq!(candidate.why_not == Some(WhyNot::Outscored), able(member) && !chosen);
        }
        assert_eq!(route(&request, &scene.stamp()).agent, decision.agent, "equal inputs, equal decisions");
    }
}
