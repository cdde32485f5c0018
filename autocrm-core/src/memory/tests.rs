use std::time::Duration;

use super::*;
use crate::{
    access::{Action, Actor, Resource, decide},
    change::{ChangeSet, EntityRef, Event, JobOutcome, Position},
    clock::Clock,
    id::TicketId,
    mail::{BlobHash, MailRef, MailRefDirection, MessageIdHeader, RawBlob},
    port::{
        ClaimRequest, Committer, ConversationReader, EventReader, JobQueue, KnowledgeReader,
        NotificationReader, TeamReader, TicketIndex, TicketReader, UserReader,
    },
    tenant::{self, TenantPolicy},
    testing::{RandomWorld, Scene},
    ticket::{self, Ticket, TicketFilter, TicketOrder, TicketQuery},
};

async fn play(world: &RandomWorld) -> MemoryStore {
    let store = MemoryStore::new();
    for set in &world.sets {
        store.commit(set).await.unwrap();
    }
    store
}

fn reads(actor: &Actor, resource: &Resource<'_>) -> bool {
    decide(actor, Action::Read, resource).is_allowed()
}

fn reads_ticket(actor: &Actor, ticket: &Ticket) -> bool {
    ticket.deleted_at.is_none() && reads(actor, &ticket.resource())
}

#[tokio::test]
async fn everybody_reads_what_the_policy_allows() {
    for seed in 0..3 {
        let world = RandomWorld::new(seed, 2, 25);
        let store = play(&world).await;
        let (mut shown, mut hidden) = (0, 0);
        let mut check = |found: bool, allowed: bool, what: &str| {
            assert_eq!(found, allowed, "{what}");
            if allowed { shown += 1 } else { hidden += 1 }
        };
        for actor in world.tenants.iter().flat_map(|tenant| &tenant.actors) {
            let scope = Scope::of(actor);
            for tenant in &world.tenants {
                for row in &tenant.tickets {
                    let found = store.ticket(&scope, row.id).await.unwrap();
                    check(found.is_some(), reads_ticket(actor, row), "ticket");
                    assert!(found.is_none_or(|found| Ticket { number: row.number, ..found } == *row));
                }
                for row in &tenant.messages {
                    let ticket = tenant.tickets.iter().find(|ticket| ticket.id == row.ticket).unwrap();
                    let found = store.message(&scope, row.id).await.unwrap();
                    let allowed =
                        reads_ticket(actor, ticket) && reads(actor, &ticket.message_resource(row.audience()));
                    check(found.is_some(), allowed, "message");
                }
                for row in &tenant.users {
                    let found = store.user(&scope, row.id).await.unwrap();
                    check(found.is_some(), reads(actor, &row.resource()), "user");
                }
                for row in &tenant.articles {
                    let found = store.article(&scope, row.id).await.unwrap();
                    check(found.is_some(), reads(actor, &row.resource()), "article");
                    let chunks = store.article_chunks(&scope, row.id).await.unwrap();
                    check(!chunks.is_empty(), reads(actor, &row.resource()), "chunks");
                }
                for row in &tenant.teams {
                    let found = store.team(&scope, row.id).await.unwrap();
                    let team = Resource::Team { tenant: row.tenant, team: row.id };
                    check(found.is_some(), reads(actor, &team), "team");
                }
                for row in &tenant.templates {
                    let found = store.template(&scope, row.id).await.unwrap();
                    let template = Resource::Template { tenant: row.tenant, team: row.team };
                    check(found.is_some(), reads(actor, &template), "template");
                }
                for row in &tenant.notifications {
                    let found = store.notification(&scope, row.id).await.unwrap();
                    let told = Resource::Notification { tenant: row.tenant, recipient: row.recipient };
                    check(found.is_some(), reads(actor, &told), "notification");
                }
            }
        }
        assert!(shown > 500 && hidden > 500, "{shown} shown, {hidden} hidden");
    }
}

#[tokio::test]
async fn every_order_lists_every_ticket_once() {
    let world = RandomWorld::new(7, 1, 60);
    let store = play(&world).await;
    let tenant = &world.tenants[0];
    for actor in &tenant.actors {
        let scope = Scope::of(actor);
        let mut expected: Vec<TicketId> =
            tenant.tickets.iter().filter(|row| reads_ticket(actor, row)).map(|row| row.id).collect();
        expected.sort_unstable();
        for order in
            [TicketOrder::Newest, TicketOrder::Oldest, TicketOrder::RecentlyUpdated, TicketOrder::Queue]
        {
            let filter = TicketFilter { order, ..TicketFilter::default() };
            let mut found = Vec::new();
            let mut page = PageRequest::first(7);
            loop {
                let part = store.tickets(&scope, &filter, &page).await.unwrap();
                found.extend(part.items);
                let Some(next) = part.next else { break };
                page = PageRequest::after(next, 7);
            }
            let sorted = match order {
                TicketOrder::Newest => found.is_sorted_by(|one, next| one.id > next.id),
                TicketOrder::Oldest => found.is_sorted_by(|one, next| one.id < next.id),
                TicketOrder::RecentlyUpdated => {
                    found.is_sorted_by(|one, next| one.updated_at >= next.updated_at)
                }
                TicketOrder::Queue => found.is_sorted_by(|one, next| one.priority >= next.priority),
            };
            assert!(sorted, "{order:?}");
            let mut ids: Vec<TicketId> = found.iter().map(|ticket| ticket.id).collect();
            ids.sort_unstable();
            assert_eq!(ids, expected, "{order:?}");
        }
    }
}

/// A tenant with a customer and a ticket on which the customer wrote.
async fn begin(store: &MemoryStore, scene: &Scene) -> (ChangeSet, Ticket) {
    store.commit(&scene.found("Acme", Some("help@example.org")).0).await.unwrap();
    let (set, customer) = scene.customer("Ann");
    store.commit(&set).await.unwrap();
    let (set, ticket) = scene.ticket(customer.id, "printer on fire", None);
    store.commit(&set).await.unwrap();
    let actor = Actor::customer(scene.tenant_id(), customer.id);
    let (set, ticket, _) = scene.message(&actor, &ticket, "smoke everywhere", false);
    store.commit(&set).await.unwrap();
    (set, ticket)
}

fn snapshot(store: &MemoryStore) -> String {
    format!("{:?}", store.world())
}

#[tokio::test]
async fn a_refused_set_leaves_nothing() {
    let (store, scene) = (MemoryStore::new(), Scene::new(1));
    let (written, _) = begin(&store, &scene).await;
    let before = snapshot(&store);
    let refused = store.commit(&written).await.unwrap_err();
    assert!(refused.is_conflict());
    let (other, _) = Scene::new(2).found("Other", Some("help@example.org"));
    assert!(store.commit(&other).await.unwrap_err().is_conflict());
    assert!(snapshot(&store) == before, "something is left");
}

/// Every kind of write that changes more than one map is applied and then taken back, because the last one is stale.
#[tokio::test]
async fn a_set_refused_at_its_last_write_leaves_nothing() {
    let (store, scene) = (MemoryStore::new(), Scene::new(1));
    let (_, stale) = begin(&store, &scene).await;
    let (set, deleted) = scene.ticket(stale.requester, "gone", None);
    store.commit(&set).await.unwrap();
    let (set, deleted, message) = scene.message(&scene.system(), &deleted, "words", true);
    store.commit(&set).await.unwrap();
    store.commit(&scene.delete(&deleted).0).await.unwrap();
    store.commit(&scene.delete(&stale).0).await.unwrap();
    let before = snapshot(&store);

    let stamp = scene.stamp();
    let mut set = ChangeSet::new(&scene.system(), &stamp);
    let (tenant, hash) = (scene.tenant_id(), BlobHash::of(b"raw"));
    set.raw(RawBlob { tenant, hash, bytes: bytes::Bytes::from_static(b"raw") });
    let reference = MailRef {
        tenant,
        message_id: MessageIdHeader::new("1@example.org").unwrap(),
        ticket: stale.id,
        message: message.id,
        direction: MailRefDirection::Inbound,
        user: stale.requester,
    };
    set.mail_ref(reference);
    let new = ticket::NewTicket::about("new".parse().unwrap());
    let opened =
        ticket::create(&scene.scheme(), &scene.system(), stale.requester, ticket::Channel::Chat, new, &stamp);
    set.ticket(opened.unwrap(), false, &stamp);
    let mut renamed = tenant::found(
        tenant,
        "Renamed".parse().unwrap(),
        Some("other@example.org".parse().unwrap()),
        TenantPolicy::default(),
        &stamp,
    )
    .unwrap();
    renamed.state.version = crate::transition::Version::new(1);
    set.tenant(renamed, &stamp);
    set.erase_ticket(deleted.id);
    let mut whole = set.clone();
    set.ticket(ticket::delete(stale.clone(), &TenantPolicy::default(), &stamp), true, &stamp);
    assert!(store.commit(&set).await.unwrap_err().is_conflict());
    assert!(snapshot(&store) == before, "something is left");

    whole.answers(EntityRef::Tenant);
    let receipt = store.commit(&whole).await.expect("without the stale ticket the set is applied");
    assert_eq!(receipt.numbers[0].1.get(), 3, "the refused set used no number");
    assert!(snapshot(&store) != before, "nothing was written");
}

#[tokio::test]
async fn an_erased_ticket_leaves_places_in_the_log_and_nothing_else() {
    let (store, scene) = (MemoryStore::new(), Scene::new(1));
    let (_, ticket) = begin(&store, &scene).await;
    let scope = Scope::tenant_wide(scene.tenant_id());
    assert!(store.commit(&scene.erase(ticket.id)).await.unwrap_err().is_conflict(), "it is not deleted");
    store.commit(&scene.delete(&ticket).0).await.unwrap();
    let events = store.events(&scope, Position::START, 1_000).await.unwrap();
    store.commit(&scene.erase(ticket.id)).await.unwrap();
    assert!(store.deleted_ticket(&scope, ticket.id).await.unwrap().is_none());
    assert!(!snapshot(&store).contains("smoke"));
    let erased = store.events(&scope, Position::START, 1_000).await.unwrap();
    assert_eq!(erased.len(), events.len());
    for (now, then) in erased.iter().zip(&events) {
        assert_eq!(
            (now.id, now.position, now.at, now.ticket),
            (then.id, then.position, then.at, then.ticket)
        );
        assert_eq!(now.event == Event::Erased, then.ticket == Some(ticket.id));
    }
    store.commit(&scene.erase(ticket.id)).await.expect("what is gone is nothing to do");
}

#[tokio::test]
async fn words_of_subject_and_text_find_a_ticket() {
    let (store, scene) = (MemoryStore::new(), Scene::new(1));
    let (_, ticket) = begin(&store, &scene).await;
    let scope = Scope::tenant_wide(scene.tenant_id());
    for (text, found) in [("Printer SMOKE", true), ("printer water", false), ("\"*:-", false), ("", false)] {
        let query = TicketQuery { text: text.to_owned(), notes: false };
        let hits = store.search_tickets(&scope, &query, &PageRequest::default()).await.unwrap();
        assert_eq!(hits.items.iter().any(|hit| hit.ticket == ticket.id), found, "{text}");
    }
}

#[tokio::test]
async fn one_job_of_a_ticket_runs_at_a_time_and_tokens_are_fenced() {
    let (store, scene) = (MemoryStore::new(), Scene::new(1));
    let (_, ticket) = begin(&store, &scene).await;
    let actor = Actor::customer(scene.tenant_id(), ticket.requester);
    let (set, _, _) = scene.message(&actor, &ticket, "hello?", false);
    store.commit(&set).await.unwrap();
    let claim = |after: u64| ClaimRequest {
        now: scene.clock().now().plus(Duration::from_secs(after)),
        lease: Duration::from_secs(30),
        limit: 10,
    };
    let first = store.claim(&claim(0)).await.unwrap();
    assert_eq!(first.len(), 1, "{first:?}");
    assert!(store.claim(&claim(1)).await.unwrap().is_empty());
    let again = store.claim(&claim(60)).await.unwrap();
    assert_eq!((again.len(), again[0].id, again[0].attempt), (1, first[0].id, 2));
    assert!(again[0].token > first[0].token);
    let finish = |job| {
        let stamp = scene.stamp();
        let mut set = ChangeSet::new(&scene.system(), &stamp);
        set.finish(job, JobOutcome::Done);
        set
    };
    assert!(store.commit(&finish(&first[0])).await.unwrap_err().is_conflict());
    assert!(store.release(first[0].id, first[0].token).await.unwrap_err().is_conflict());
    store.commit(&finish(&again[0])).await.unwrap();
    let second = store.claim(&claim(60)).await.unwrap();
    assert_eq!(second.len(), 1);
    assert_ne!(second[0].id, first[0].id);
}
