//! The event log: gapless, ordered, shown by scope, kept in place after an erasure.

use std::collections::BTreeSet;

use crate::{
    access::{Actor, Scope},
    change::{ChangeSet, EntityRef, EventRecord, Position},
    conformance::{
        Backend,
        check::all_events,
        commit::{add_user, plan_reword, plan_user},
        rig::{assert_conflict, race},
        world::World,
    },
    id::{EventId, TicketId, UserId},
    ticket::{self, Ticket},
    user::Role,
};

async fn feed(world: &World, scope: &Scope, limit: u16) -> Vec<EventRecord> {
    let mut seen: Vec<EventRecord> = Vec::new();
    loop {
        let after = seen.last().map_or(Position::START, |event| event.position);
        let more = world.store.events(scope, after, limit).await.expect("the feed is read");
        assert!(more.len() <= usize::from(limit));
        if more.is_empty() {
            return seen;
        }
        seen.extend(more);
    }
}

async fn of_ticket(world: &World, scope: &Scope, ticket: TicketId, limit: u16) -> Vec<EventRecord> {
    let mut seen: Vec<EventRecord> = Vec::new();
    loop {
        let after = seen.last().map_or(Position::START, |event| event.position);
        let more = world.store.ticket_events(scope, ticket, after, limit).await.expect("the events are read");
        assert!(more.len() <= usize::from(limit));
        if more.is_empty() {
            return seen;
        }
        seen.extend(more);
    }
}

fn positions(events: &[EventRecord]) -> Vec<u64> {
    events.iter().map(|event| event.position.get()).collect()
}

/// C10: every event of a set gets the next position, in the order of the set; a refused set uses none.
pub async fn c10_events_take_the_next_positions(backend: Backend) {
    let world = World::open(&backend).await;
    let other = world.sibling().await;
    let customer = world.person(Role::Customer, "Cleo", Some("cleo@example.org")).await;
    let mut expected: Vec<EventId> =
        all_events(&**world.store, &world.wide()).await.iter().map(|event| event.id).collect();
    for round in 0..5 {
        let stamp = world.stamp();
        let made = [world.new_ticket(customer.id, "a", &stamp), world.new_ticket(customer.id, "b", &stamp)];
        let mut set = world.plan_at(&stamp, |set, stamp| {
            for made in made {
                set.ticket(made, false, stamp);
            }
        });
        if round % 2 == 1 {
            add_user(&world, &mut set, "cleo@example.org");
            assert_conflict(world.store.commit(&set).await, "a refused set");
        } else {
            world.store.commit(&set).await.expect("the set is applied");
            expected.extend(set.events().iter().map(|event| event.id));
        }
        other.store.commit(&plan_user(&other, None)).await.expect("another tenant counts for itself");
        let events = all_events(&*backend.other(), &world.wide()).await;
        assert_eq!(events.iter().map(|event| event.id).collect::<Vec<_>>(), expected);
        let all: Vec<u64> = (1..=expected.len() as u64).collect();
        assert_eq!(positions(&events), all, "without gaps, from 1");
        let head = world.store.head(&world.wide()).await.unwrap();
        assert_eq!(head.get(), expected.len() as u64);
    }
}

/// C10: sets committed at once share no position and leave no gap, and each one's events stand together.
pub async fn c10_sets_at_once_leave_no_gap(backend: Backend) {
    let world = World::open(&backend).await;
    let customer = world.person(Role::Customer, "Cleo", None).await;
    let sets: Vec<ChangeSet> = (0..40)
        .map(|_| {
            let stamp = world.stamp();
            let made =
                [world.new_ticket(customer.id, "a", &stamp), world.new_ticket(customer.id, "b", &stamp)];
            world.plan_at(&stamp, |set, stamp| {
                for made in made {
                    set.ticket(made, false, stamp);
                }
            })
        })
        .collect();
    let writers = sets.clone().into_iter().enumerate().map(|(index, set)| {
        let store = if index % 2 == 0 { backend.store() } else { backend.other() };
        async move { store.commit(&set).await.map(drop) }
    });
    assert!(race(writers).await.iter().all(Result::is_ok));
    let events = feed(&world, &world.wide(), 7).await;
    assert_eq!(positions(&events), (1..=events.len() as u64).collect::<Vec<_>>());
    let order: Vec<EventId> = events.iter().map(|event| event.id).collect();
    for set in &sets {
        let own: Vec<EventId> = set.events().iter().map(|event| event.id).collect();
        let start = order.iter().position(|id| *id == own[0]).expect("the event is in the feed");
        assert_eq!(order[start..start + own.len()], own);
    }
}

/// E1: a reader that goes on from the last position it saw misses nothing and sees nothing twice, while others write.
pub async fn e1_a_reader_that_goes_on_misses_nothing(backend: Backend) {
    let world = World::open(&backend).await;
    let before = world.store.head(&world.wide()).await.unwrap().get();
    let writers = (0..4).map(|writer| {
        let world = world.through(if writer % 2 == 0 { backend.store() } else { backend.other() });
        async move {
            for _ in 0..15 {
                world.store.commit(&plan_user(&world, None)).await.expect("the set is applied");
            }
            Vec::new()
        }
    });
    let reader = {
        let world = world.through(backend.other());
        async move {
            let mut seen: Vec<EventRecord> = Vec::new();
            for _ in 0..100_000 {
                let after = seen.last().map_or(Position::START, |event| event.position);
                seen.extend(world.store.events(&world.wide(), after, 5).await.expect("the feed is read"));
                if seen.len() as u64 >= before + 60 {
                    break;
                }
                tokio::task::yield_now().await;
            }
            seen
        }
    };
    let tasks: Vec<std::pin::Pin<Box<dyn Future<Output = Vec<EventRecord>> + Send>>> =
        writers.map(|writer| Box::pin(writer) as _).chain([Box::pin(reader) as _]).collect();
    let seen: Vec<EventRecord> = race(tasks).await.into_iter().flatten().collect();
    assert_eq!(positions(&seen), (1..=before + 60).collect::<Vec<_>>());
    assert_eq!(feed(&world, &world.wide(), 1_000).await, seen, "what was read stays as it was");
}

/// E2: the events of one ticket stand in the order of its versions, however its writers race.
pub async fn e2_a_tickets_events_follow_its_versions(backend: Backend) {
    let world = World::open(&backend).await;
    let customer = world.person(Role::Customer, "Cleo", None).await;
    let ticket = world.ticket(customer.id, "start").await;
    let writers = (0..6).map(|writer| {
        let world = world.through(if writer % 2 == 0 { backend.store() } else { backend.other() });
        async move {
            for round in 0..5 {
                loop {
                    let present = world.load(ticket.id).await;
                    let set = plan_reword(&world, &present, &format!("{writer} {round}"));
                    if world.store.commit(&set).await.is_ok() {
                        break;
                    }
                }
            }
        }
    });
    race(writers).await;
    for events in
        [of_ticket(&world, &world.wide(), ticket.id, 4).await, feed(&world, &world.wide(), 1_000).await]
    {
        let versions: Vec<u64> = events
            .iter()
            .filter(|event| event.subject == EntityRef::Ticket(ticket.id))
            .map(|event| event.version.get())
            .collect();
        assert_eq!(versions, (1..=31).collect::<Vec<u64>>());
    }
}

/// Tickets of three kinds with events of both audiences.
async fn busy(world: &World) -> (Vec<Ticket>, UserId, crate::id::TeamId) {
    let cleo = world.person(Role::Customer, "Cleo", None).await;
    let max = world.person(Role::Customer, "Max", None).await;
    let ann = world.person(Role::Agent, "Ann", None).await;
    let team = world.team("Team", &[ann.id]).await;
    let agent = Actor::agent(world.tenant, ann.id, vec![team.id]);
    let mut tickets = Vec::new();
    for (requester, given) in [(cleo.id, false), (max.id, true), (cleo.id, true)] {
        let ticket = world.ticket(requester, "busy").await;
        world.say(&Actor::customer(world.tenant, requester), ticket.id, "hello", false).await;
        world.say(&agent, ticket.id, "a note", true).await;
        world.say(&agent, ticket.id, "hello yourself", false).await;
        if given {
            world
                .change(&world.load(ticket.id).await, |ticket, stamp| {
                    ticket::assign(ticket, Some(&team), Some(ann.id), stamp).unwrap()
                })
                .await;
        }
        tickets.push(world.load(ticket.id).await);
    }
    (tickets, ann.id, team.id)
}

/// E3: a scope sees the events of the tickets that it shows and of their audience; the tenant's eyes see all.
pub async fn e3_events_are_shown_by_scope(backend: Backend) {
    let world = World::open(&backend).await;
    let other = world.sibling().await;
    let (tickets, ann, team) = busy(&world).await;
    other.person(Role::Customer, "Eve", None).await;
    let all = feed(&world, &world.wide(), 1_000).await;
    let audiences: BTreeSet<String> =
        all.iter().map(|event| format!("{:?}", event.event.audience())).collect();
    assert_eq!(audiences.len(), 2, "both audiences are played");
    let stranger: UserId = world.stamp().id();
    for scope in [
        world.wide(),
        world.agent(ann, &[team]),
        world.agent(ann, &[]),
        world.customer(tickets[0].requester),
        world.customer(tickets[1].requester),
        world.customer(stranger),
        Scope::tenant_wide(world.stamp().id()),
    ] {
        let shows = |event: &&EventRecord| {
            if scope.tenant() != world.tenant {
                return false;
            }
            let ticket = event.ticket.and_then(|id| tickets.iter().find(|ticket| ticket.id == id));
            scope == world.wide()
                || ticket.is_some_and(|ticket| scope.sees_ticket(&ticket.access()))
                    && scope.sees_audience(event.event.audience())
        };
        let expected: Vec<EventRecord> = all.iter().filter(shows).cloned().collect();
        for limit in [1, 3, 1_000] {
            assert_eq!(feed(&world, &scope, limit).await, expected, "{scope:?}");
        }
        for ticket in &tickets {
            let own: Vec<EventRecord> =
                expected.iter().filter(|event| event.ticket == Some(ticket.id)).cloned().collect();
            for limit in [2, 1_000] {
                assert_eq!(of_ticket(&world, &scope, ticket.id, limit).await, own, "{scope:?}");
            }
        }
    }
    let unknown = Scope::tenant_wide(world.stamp().id());
    assert_eq!(world.store.head(&unknown).await.unwrap(), Position::START);
    let theirs = feed(&world, &other.wide(), 1_000).await;
    assert!(theirs.iter().all(|event| event.tenant == other.tenant));
    assert_eq!(positions(&theirs), (1..=theirs.len() as u64).collect::<Vec<_>>());
}

/// E4: an erased ticket's events keep their place, so that later positions stay; what they told is gone.
pub async fn e4_erased_events_keep_their_place(backend: Backend) {
    let world = World::open(&backend).await;
    let (tickets, ..) = busy(&world).await;
    world.delete(&tickets[0]).await;
    let before = feed(&world, &world.wide(), 1_000).await;
    let head = world.store.head(&world.wide()).await.unwrap();
    world.erase(tickets[0].id).await;
    assert_eq!(world.store.head(&world.wide()).await.unwrap(), head, "the places are kept");
    let after = feed(&world, &world.wide(), 1_000).await;
    assert_eq!(positions(&after), positions(&before), "every place is still read");
    for (old, new) in before.iter().zip(&after) {
        assert_eq!((old.id, old.position, old.ticket), (new.id, new.position, new.ticket));
        if old.ticket == Some(tickets[0].id) {
            assert_ne!(old.event, new.event, "the payload is gone");
            let told = format!("{:?}", new.event);
            assert!(!told.contains(&tickets[0].requester.to_string()), "{told}");
        } else {
            assert_eq!(old, new);
        }
    }
    world.store.commit(&plan_user(&world, None)).await.expect("the set is applied");
    assert_eq!(world.store.head(&world.wide()).await.unwrap().get(), head.get() + 1);
}
