//! Tickets: read in every order, shown by scope, hidden once deleted.

use std::{collections::BTreeSet, time::Duration};

use crate::{
    access::{Actor, Scope},
    conformance::{
        Backend,
        commit::renamed,
        rig::{assert_conflict, walk_every_size},
        world::World,
    },
    error::Result,
    id::{TeamId, TicketId, UserId},
    page::{Page, PageRequest},
    text::{Key, Tag},
    ticket::{
        self, CategorySource, Channel, FieldValue, Priority, StatusCategory, Ticket, TicketChange,
        TicketFilter, TicketNumber, TicketOrder,
    },
    user::Role,
};

const ORDERS: [TicketOrder; 4] =
    [TicketOrder::Newest, TicketOrder::Oldest, TicketOrder::RecentlyUpdated, TicketOrder::Queue];

async fn list(world: &World, scope: &Scope, filter: &TicketFilter) -> Vec<Ticket> {
    walk_every_size(|page: PageRequest| async move {
        let found: Result<Page<Ticket>> = world.store.tickets(scope, filter, &page).await;
        found
    })
    .await
}

fn sorted(mut tickets: Vec<Ticket>, order: TicketOrder) -> Vec<Ticket> {
    tickets.sort_by(|a, b| match order {
        TicketOrder::Newest => b.id.cmp(&a.id),
        TicketOrder::Oldest => a.id.cmp(&b.id),
        TicketOrder::RecentlyUpdated => (b.updated_at, b.id).cmp(&(a.updated_at, a.id)),
        TicketOrder::Queue => b.priority.cmp(&a.priority).then(a.id.cmp(&b.id)),
    });
    tickets
}

/// Makes tickets of which several share a priority and an instant of change.
async fn crowd(world: &World) -> Vec<Ticket> {
    let customer = world.person(Role::Customer, "Cleo", None).await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        let stamp = world.stamp();
        let made: Vec<_> = Priority::ALL
            .into_iter()
            .map(|priority| {
                let mut made = world.new_ticket(customer.id, "one of many", &stamp);
                made.state.priority = priority;
                made
            })
            .collect();
        ids.extend(made.iter().map(|made| made.state.id));
        let set = world.plan_at(&stamp, |set, stamp| {
            for made in made {
                set.ticket(made, false, stamp);
            }
        });
        world.store.commit(&set).await.expect("the tickets are opened");
    }
    let first = world.load(ids[1]).await;
    world.change(&first, |ticket, stamp| renamed(world, &ticket, "changed late", stamp)).await;
    let mut crowd = Vec::new();
    for id in ids {
        crowd.push(world.load(id).await);
    }
    crowd
}

/// R2: lists come in each of the four orders, ties by id in the same direction, in pages of any size.
pub async fn r2_lists_come_in_every_order(backend: Backend) {
    let world = World::open(&backend).await;
    let crowd = crowd(&world).await;
    for order in ORDERS {
        let filter = TicketFilter { order, ..TicketFilter::default() };
        assert_eq!(list(&world, &world.wide(), &filter).await, sorted(crowd.clone(), order), "{order:?}");
        let some = TicketFilter { priority: Some(Priority::High), ..filter };
        let high = crowd.iter().filter(|ticket| ticket.priority == Priority::High).cloned().collect();
        assert_eq!(list(&world, &world.wide(), &some).await, sorted(high, order), "{order:?}, filtered");
    }
}

/// R2: the cursor of a list names the last item by the key that its order states.
pub async fn r2_cursors_name_the_last_item(backend: Backend) {
    let world = World::open(&backend).await;
    crowd(&world).await;
    for order in ORDERS {
        let filter = TicketFilter { order, ..TicketFilter::default() };
        let page = world.store.tickets(&world.wide(), &filter, &PageRequest::first(5)).await.unwrap();
        let last = page.items.last().expect("the page is full");
        let cursor = page.next.expect("more follows");
        assert_eq!(cursor.id, last.id.as_uuid());
        let key = match order {
            TicketOrder::Newest | TicketOrder::Oldest => 0,
            TicketOrder::RecentlyUpdated => last.updated_at.as_micros(),
            TicketOrder::Queue => i64::from(last.priority.rank()),
        };
        assert_eq!(cursor.key, key, "{order:?}");
    }
}

/// A ticket that differs from a plain one in everything that a filter asks for.
struct Special {
    ticket: Ticket,
    plain: Ticket,
    agent: UserId,
    team: TeamId,
}

async fn special(world: &World) -> Special {
    let customer = world.person(Role::Customer, "Cleo", None).await;
    let other = world.person(Role::Customer, "Max", None).await;
    let agent = world.person(Role::Agent, "Ann", None).await;
    let team = world.team("Team", &[agent.id]).await;
    let plain = world.ticket(other.id, "plain").await;
    world.pass(Duration::from_mins(1));
    let stamp = world.stamp();
    let mut made = world.new_ticket(customer.id, "special", &stamp);
    made.state.channel = Channel::Chat;
    made.state.priority = Priority::Urgent;
    made.state.category = Some(Key::new("billing").unwrap());
    made.state.category_source = Some(CategorySource::Person);
    made.state.tags = BTreeSet::from([Tag::new("vip, 100%_").unwrap(), Tag::new("b").unwrap()]);
    made.state.fields = [(Key::new("n").unwrap(), FieldValue::Number(-7))].into();
    made.state.participants = vec![other.id];
    let id = made.state.id;
    let set = world.plan_at(&stamp, |set, stamp| {
        set.ticket(made, false, stamp);
    });
    world.store.commit(&set).await.expect("the ticket is opened");
    let given = world
        .change(&world.load(id).await, |ticket, stamp| {
            ticket::assign(ticket, Some(&team), Some(agent.id), stamp).unwrap()
        })
        .await;
    let held = world.scheme().default_status(StatusCategory::OnHold).unwrap();
    let ticket = world.change(&given, |ticket, stamp| ticket::move_to(ticket, held, stamp).unwrap()).await;
    Special { ticket, plain, agent: agent.id, team: team.id }
}

/// R2: every field of the filter narrows the list by itself and together with the others.
pub async fn r2_filters_narrow_lists(backend: Backend) {
    let world = World::open(&backend).await;
    let Special { ticket, plain, agent, team } = special(&world).await;
    let any = TicketFilter::default();
    let tag = |text: &str| Some(Tag::new(text).unwrap());
    let key = |text: &str| Some(Key::new(text).unwrap());
    let only_special = [
        TicketFilter { status: vec![StatusCategory::OnHold, StatusCategory::Closed], ..any.clone() },
        TicketFilter { status_key: key("on_hold"), ..any.clone() },
        TicketFilter { priority: Some(Priority::Urgent), ..any.clone() },
        TicketFilter { category: key("billing"), ..any.clone() },
        TicketFilter { categorised_by_person: true, ..any.clone() },
        TicketFilter { team: Some(Some(team)), ..any.clone() },
        TicketFilter { assignee: Some(Some(agent)), ..any.clone() },
        TicketFilter { requester: Some(ticket.requester), ..any.clone() },
        TicketFilter { tag: tag("vip, 100%_"), ..any.clone() },
        TicketFilter { tag: tag("b"), ..any.clone() },
        TicketFilter { channel: Some(Channel::Chat), ..any.clone() },
        TicketFilter { updated_since: Some(ticket.updated_at), ..any.clone() },
    ];
    let only_plain = [
        TicketFilter { status: vec![StatusCategory::New], ..any.clone() },
        TicketFilter { team: Some(None), ..any.clone() },
        TicketFilter { assignee: Some(None), ..any.clone() },
        TicketFilter { requester: Some(plain.requester), ..any.clone() },
        TicketFilter { channel: Some(Channel::Portal), ..any.clone() },
        TicketFilter { priority: Some(Priority::Normal), ..any.clone() },
    ];
    let nothing = [
        TicketFilter { tag: tag("vip"), ..any.clone() },
        TicketFilter { tag: tag("vip, 100xx"), ..any.clone() },
        TicketFilter { category: key("other"), ..any.clone() },
        TicketFilter { updated_since: Some(ticket.updated_at.plus(Duration::from_micros(1))), ..any.clone() },
        TicketFilter { status: vec![StatusCategory::New], assignee: Some(Some(agent)), ..any.clone() },
    ];
    for (filters, expected) in
        [(&only_special[..], vec![&ticket]), (&only_plain[..], vec![&plain]), (&nothing[..], vec![])]
    {
        for filter in filters {
            for order in ORDERS {
                let filter = TicketFilter { order, ..filter.clone() };
                let found = list(&world, &world.wide(), &filter).await;
                assert_eq!(found.iter().collect::<Vec<_>>(), expected, "{filter:?}");
            }
        }
    }
    let both = TicketFilter { updated_since: Some(plain.updated_at), ..any };
    assert_eq!(list(&world, &world.wide(), &both).await.len(), 2);
}

/// R1: a ticket is shown to its requester and participants, to its team's agents, to every agent while it has no team,
/// and to the tenant's eyes; by id, by number and in lists alike.
pub async fn r1_tickets_are_shown_by_scope(backend: Backend) {
    let world = World::open(&backend).await;
    let other = world.sibling().await;
    let Special { ticket, plain, agent, team } = special(&world).await;
    let foreign = other.ticket(other.person(Role::Customer, "Eve", None).await.id, "foreign").await;
    let elsewhere: TeamId = world.stamp().id();
    let stranger: UserId = world.stamp().id();
    let scopes = [
        (world.wide(), vec![&ticket, &plain]),
        (world.agent(agent, &[team]), vec![&ticket, &plain]),
        (world.agent(stranger, &[elsewhere, team]), vec![&ticket, &plain]),
        (world.agent(agent, &[elsewhere]), vec![&plain]),
        (world.agent(agent, &[]), vec![&plain]),
        (world.customer(ticket.requester), vec![&ticket]),
        (world.customer(plain.requester), vec![&ticket, &plain]),
        (world.customer(stranger), vec![]),
        (world.customer(agent), vec![]),
        (other.wide(), vec![&foreign]),
        (Scope::customer(other.tenant, ticket.requester), vec![]),
    ];
    for (scope, shown) in scopes {
        for row in [&ticket, &plain, &foreign] {
            let expected = shown.contains(&row).then_some(row);
            assert_eq!(world.store.ticket(&scope, row.id).await.unwrap().as_ref(), expected, "{scope:?}");
            // Numbers repeat between tenants, so that a foreign number may name one's own ticket.
            let numbered = world.store.ticket_by_number(&scope, row.number).await.unwrap();
            let own = shown.iter().find(|own| own.number == row.number).copied();
            assert_eq!(numbered.as_ref(), own, "{scope:?}");
        }
        for order in ORDERS {
            let filter = TicketFilter { order, ..TicketFilter::default() };
            let expected = sorted(shown.iter().copied().cloned().collect(), order);
            assert_eq!(list(&world, &scope, &filter).await, expected, "{scope:?} {order:?}");
        }
    }
    let unknown = TicketNumber::new(u64::from(u32::MAX));
    assert_eq!(world.store.ticket_by_number(&world.wide(), unknown).await.unwrap(), None);
}

/// R1: a deleted ticket is shown by no read but the one that erases it, with its messages, loads and figures; an erased
/// one by none.
pub async fn r1_deleted_tickets_are_shown_by_no_read(backend: Backend) {
    let world = World::open(&backend).await;
    let Special { ticket, plain, agent, team } = special(&world).await;
    let message =
        world.say(&Actor::customer(world.tenant, ticket.requester), ticket.id, "zebra", false).await;
    let decision = crate::routing::RoutingDecision {
        tenant: world.tenant,
        ticket: ticket.id,
        at: world.now(),
        team: Some(team),
        reason: crate::routing::RoutingReason::OnlyTeam,
        agent: Some(agent),
        teams: Vec::new(),
        candidates: Vec::new(),
    };
    world
        .apply(|set, _| {
            set.routing(decision);
        })
        .await;
    let present = world.load(ticket.id).await;
    let number = present.number;
    let deleted = world.delete(&present).await;
    assert!(deleted.deleted_at.is_some());
    let query = ticket::TicketQuery { text: "zebra".to_owned(), notes: true };
    for erased in [false, true] {
        if erased {
            world.erase(ticket.id).await;
        }
        for store in [backend.store(), backend.other()] {
            for scope in [world.wide(), world.agent(agent, &[team]), world.customer(ticket.requester)] {
                assert_eq!(store.ticket(&scope, ticket.id).await.unwrap(), None);
                assert_eq!(store.ticket_by_number(&scope, number).await.unwrap(), None);
                assert_eq!(store.message(&scope, message.id).await.unwrap(), None);
                assert_eq!(store.routing(&scope, ticket.id).await.unwrap(), None);
                let page = PageRequest::default();
                assert_eq!(store.messages(&scope, ticket.id, &page).await.unwrap(), Page::default());
                assert_eq!(store.search_tickets(&scope, &query, &page).await.unwrap(), Page::default());
                for order in ORDERS {
                    let filter = TicketFilter { order, ..TicketFilter::default() };
                    let found = list(&world, &scope, &filter).await;
                    assert!(found.iter().all(|found| found.id == plain.id), "{scope:?} {order:?}");
                }
                assert_eq!(
                    store.loads(&scope, &[agent]).await.unwrap(),
                    vec![],
                    "no load of a deleted ticket"
                );
                let frame = crate::metrics::TimeFrame::ALL;
                assert_eq!(store.agent_stats(&scope, agent, frame).await.unwrap().open, 0);
                let waiting = store.deleted_ticket(&scope, ticket.id).await.unwrap();
                let expected = (!erased && scope == world.wide()).then_some(&deleted);
                assert_eq!(waiting.as_ref(), expected, "{scope:?}");
                assert_eq!(store.deleted_ticket(&scope, plain.id).await.unwrap(), None, "not deleted");
            }
        }
    }
}

/// C2: only a deleted ticket is erased; one that is not there, or another tenant's, is nothing to do.
pub async fn c2_only_deleted_tickets_are_erased(backend: Backend) {
    let world = World::open(&backend).await;
    let other = world.sibling().await;
    let customer = world.person(Role::Customer, "Cleo", None).await;
    let live = world.ticket(customer.id, "live").await;
    let set = world.plan(|set, _| {
        set.erase_ticket(live.id);
    });
    assert_conflict(world.store.commit(&set).await, "the erasure of a live ticket");
    assert_eq!(world.load(live.id).await, live);
    let missing: TicketId = world.stamp().id();
    world.erase(missing).await;
    let deleted = world.delete(&live).await;
    other.erase(live.id).await;
    let found = world.store.deleted_ticket(&world.wide(), live.id).await.unwrap();
    assert_eq!(found, Some(deleted), "no tenant erases another's ticket");
}

/// R1: loads count the whole tenant's live tickets for the agents asked for, to staff only.
pub async fn r1_loads_are_counted_for_staff(backend: Backend) {
    let world = World::open(&backend).await;
    let other = world.sibling().await;
    let Special { ticket, plain, agent, team } = special(&world).await;
    let idle: UserId = world.stamp().id();
    let sought = [idle, agent];
    for scope in [world.wide(), world.agent(idle, &[]), world.agent(agent, &[team])] {
        assert_eq!(world.store.loads(&scope, &sought).await.unwrap(), vec![(agent, 1)], "{scope:?}");
        assert_eq!(world.store.loads(&scope, &[idle]).await.unwrap(), vec![]);
        assert_eq!(world.store.loads(&scope, &[]).await.unwrap(), vec![]);
    }
    assert_eq!(world.store.loads(&world.customer(plain.requester), &sought).await.unwrap(), vec![]);
    assert_eq!(world.store.loads(&other.wide(), &sought).await.unwrap(), vec![]);
    let done = world.scheme().default_status(StatusCategory::Resolved).unwrap();
    world.change(&ticket, |ticket, stamp| ticket::move_to(ticket, done, stamp).unwrap()).await;
    assert_eq!(world.store.loads(&world.wide(), &sought).await.unwrap(), vec![]);
}

/// R1: the latest routing decision explains a ticket to the staff who see it.
pub async fn r1_the_latest_routing_is_shown_to_staff(backend: Backend) {
    let world = World::open(&backend).await;
    let other = world.sibling().await;
    let Special { ticket, agent, team, .. } = special(&world).await;
    assert_eq!(world.store.routing(&world.wide(), ticket.id).await.unwrap(), None);
    for reason in [crate::routing::RoutingReason::NoTeam, crate::routing::RoutingReason::AlreadyThere] {
        let decision = crate::routing::RoutingDecision {
            tenant: world.tenant,
            ticket: ticket.id,
            at: world.tick(),
            team: Some(team),
            reason,
            agent: None,
            teams: Vec::new(),
            candidates: Vec::new(),
        };
        let stored = decision.clone();
        world
            .apply(|set, _| {
                set.routing(stored);
            })
            .await;
        let scopes = [
            (world.wide(), true),
            (world.agent(agent, &[team]), true),
            (world.agent(agent, &[]), false),
            (world.customer(ticket.requester), false),
            (other.wide(), false),
        ];
        for (scope, shown) in scopes {
            let found = world.store.routing(&scope, ticket.id).await.unwrap();
            assert_eq!(found, shown.then(|| decision.clone()), "{scope:?}");
        }
    }
}

/// C1: what was set is unset again: every optional field returns to nothing.
pub async fn c1_optional_fields_return_to_nothing(backend: Backend) {
    let world = World::open(&backend).await;
    let Special { ticket, .. } = special(&world).await;
    let bare = world
        .change(&ticket, |mut ticket, stamp| {
            ticket.category = None;
            ticket.category_source = None;
            ticket.tags.clear();
            ticket.fields.clear();
            ticket.participants.clear();
            ticket.team = None;
            ticket.assignee = None;
            let change = TicketChange { priority: Some(Priority::Low), ..TicketChange::default() };
            let source = CategorySource::Person;
            ticket::update(&world.scheme(), &world.system(), ticket, change, source, stamp).unwrap()
        })
        .await;
    let expected = Ticket {
        version: ticket.version.next(),
        category: None,
        category_source: None,
        tags: BTreeSet::new(),
        fields: std::collections::BTreeMap::new(),
        participants: Vec::new(),
        team: None,
        assignee: None,
        priority: Priority::Low,
        updated_at: bare.updated_at,
        ..ticket.clone()
    };
    assert_eq!(bare, expected);
    let gone = TicketFilter { tag: Some(Tag::new("b").unwrap()), ..TicketFilter::default() };
    assert_eq!(list(&world, &world.wide(), &gone).await, vec![]);
    let participant = world.customer(ticket.participants[0]);
    assert_eq!(world.store.ticket(&participant, ticket.id).await.unwrap(), None, "no longer a participant");
}
