//! Random worlds: whatever the policy lets an actor read, every reader shows, and nothing else.

use std::collections::BTreeMap;

use crate::{
    access::{Action, Actor, MessageAudience, Resource, Scope, decide},
    change::{EventRecord, Position},
    conformance::{Backend, check::all_events, rich::whole, rig::walk, world::World},
    conversation::Message,
    id::{MessageId, TicketId},
    knowledge::ArticleFilter,
    page::PageRequest,
    port::{Store, TicketHit},
    testing::{RandomTenant, RandomWorld},
    ticket::{Ticket, TicketFilter, TicketOrder, TicketQuery},
    user::{Role, UserFilter},
};

const WORDS: [&str; 3] = ["printer", "invoice", "login refund"];

/// R1: in a random world every reader shows each row to exactly those whom the policy lets read it.
pub async fn r1_a_random_world_is_shown_as_the_policy_says(backend: Backend) {
    compare(backend, 1).await;
}

/// R1: the same in another world.
pub async fn r1_another_random_world_is_shown_as_the_policy_says(backend: Backend) {
    compare(backend, 7_919).await;
}

/// R1: a tenant that has nothing yet is shown nothing, whatever its neighbours have: no list, no row by id.
pub async fn r1_an_empty_tenant_is_shown_nothing(backend: Backend) {
    let world = World::open(&backend).await;
    let set = whole(&world, "one");
    world.store.commit(&set).await.expect("the set is applied");
    let customer = world.person(Role::Customer, "Cleo", None).await;
    let deleted = world.ticket(customer.id, "deleted").await;
    world.delete(&deleted).await;
    let other = world.sibling().await;
    let page = PageRequest::default();
    for scope in [other.wide(), other.agent(customer.id, &[]), other.customer(customer.id)] {
        let store = backend.store();
        let shown = [
            store.users(&scope, &UserFilter::default(), &page).await.unwrap().items.len(),
            store.teams(&scope).await.unwrap().len(),
            store.tickets(&scope, &TicketFilter::default(), &page).await.unwrap().items.len(),
            store.templates(&scope, &page).await.unwrap().items.len(),
            store.articles(&scope, &ArticleFilter::default(), &page).await.unwrap().items.len(),
            store.notifications(&scope, &page).await.unwrap().items.len(),
            usize::from(store.deleted_ticket(&scope, deleted.id).await.unwrap().is_some()),
        ];
        assert_eq!(shown, [0; 7], "{scope:?}");
    }
}

fn may_read(actor: &Actor, resource: &Resource<'_>) -> bool {
    decide(actor, Action::Read, resource).is_allowed()
}

async fn compare(backend: Backend, seed: u64) {
    let mut world = RandomWorld::new(seed, 2, 14);
    let store = backend.store();
    for set in &world.sets {
        store.commit(set).await.expect("the set is applied");
    }
    for tenant in &mut world.tenants {
        learn_numbers(&*store, tenant).await;
    }
    for tenant in &world.tenants {
        for actor in &tenant.actors {
            let look = Look { store: &*store, actor, scope: Scope::of(actor), world: &world, own: tenant };
            look.rows().await;
            look.lists().await;
            look.tickets().await;
            look.search().await;
            look.events().await;
        }
    }
}

/// The numbers of tickets are known only to the store.
async fn learn_numbers(store: &dyn Store, tenant: &mut RandomTenant) {
    let scope = Scope::tenant_wide(tenant.id);
    for ticket in &mut tenant.tickets {
        let found = match ticket.deleted_at {
            Some(_) => store.deleted_ticket(&scope, ticket.id).await.unwrap(),
            None => store.ticket(&scope, ticket.id).await.unwrap(),
        };
        ticket.number = found.expect("the ticket is stored").number;
    }
}

/// An actor who looks at a world through a store.
struct Look<'a> {
    store: &'a dyn Store,
    actor: &'a Actor,
    scope: Scope,
    world: &'a RandomWorld,
    own: &'a RandomTenant,
}

impl Look<'_> {
    fn sees_ticket(&self, ticket: &Ticket) -> bool {
        ticket.deleted_at.is_none() && may_read(self.actor, &ticket.resource())
    }

    fn ticket_of(&self, id: TicketId) -> Option<&Ticket> {
        self.world.tenants.iter().flat_map(|tenant| &tenant.tickets).find(|ticket| ticket.id == id)
    }

    fn sees_message(&self, message: &Message) -> bool {
        self.ticket_of(message.ticket).is_some_and(|ticket| {
            self.sees_ticket(ticket) && may_read(self.actor, &ticket.message_resource(message.audience()))
        })
    }

    async fn rows(&self) {
        let (store, scope) = (self.store, &self.scope);
        for tenant in &self.world.tenants {
            for row in &tenant.users {
                let shown = may_read(self.actor, &row.resource()).then_some(row);
                assert_eq!(store.user(scope, row.id).await.unwrap().as_ref(), shown, "{scope:?}");
            }
            for row in &tenant.teams {
                let resource = Resource::Team { tenant: row.tenant, team: row.id };
                let shown = may_read(self.actor, &resource).then_some(row);
                assert_eq!(store.team(scope, row.id).await.unwrap().as_ref(), shown, "{scope:?}");
            }
            for row in &tenant.messages {
                let shown = self.sees_message(row).then_some(row);
                assert_eq!(store.message(scope, row.id).await.unwrap().as_ref(), shown, "{scope:?}");
            }
            for row in &tenant.articles {
                let shown = may_read(self.actor, &row.resource()).then_some(row);
                assert_eq!(store.article(scope, row.id).await.unwrap().as_ref(), shown, "{scope:?}");
                let chunks = store.article_chunks(scope, row.id).await.unwrap();
                assert_eq!(chunks.is_empty(), shown.is_none(), "{scope:?}");
                let all = store.article_chunks(&Scope::tenant_wide(tenant.id), row.id).await.unwrap();
                let ids: Vec<_> = all.iter().map(|chunk| chunk.id).collect();
                assert_eq!(store.chunks(scope, &ids).await.unwrap(), chunks, "{scope:?}");
            }
            for row in &tenant.templates {
                let resource = Resource::Template { tenant: row.tenant, team: row.team };
                let shown = may_read(self.actor, &resource).then_some(row);
                assert_eq!(store.template(scope, row.id).await.unwrap().as_ref(), shown, "{scope:?}");
            }
            for row in &tenant.notifications {
                let resource = Resource::Notification { tenant: row.tenant, recipient: row.recipient };
                let shown = may_read(self.actor, &resource).then_some(row);
                assert_eq!(store.notification(scope, row.id).await.unwrap().as_ref(), shown, "{scope:?}");
            }
        }
    }

    async fn lists(&self) {
        let (store, scope) = (self.store, &self.scope);
        let newest_first = |ids: &mut Vec<uuid::Uuid>| ids.sort_unstable_by(|a, b| b.cmp(a));
        let users =
            walk(7, |page| async move { store.users(scope, &UserFilter::default(), &page).await }).await;
        let shown = self.own.users.iter().filter(|row| may_read(self.actor, &row.resource()));
        let mut expected: Vec<uuid::Uuid> = shown.map(|row| row.id.as_uuid()).collect();
        newest_first(&mut expected);
        assert_eq!(users.iter().map(|row| row.id.as_uuid()).collect::<Vec<_>>(), expected, "{scope:?}");
        let articles =
            walk(4, |page| async move { store.articles(scope, &ArticleFilter::default(), &page).await })
                .await;
        let shown = self.own.articles.iter().filter(|row| may_read(self.actor, &row.resource()));
        let mut expected: Vec<uuid::Uuid> = shown.map(|row| row.id.as_uuid()).collect();
        newest_first(&mut expected);
        assert_eq!(articles.iter().map(|row| row.id.as_uuid()).collect::<Vec<_>>(), expected, "{scope:?}");
        let told = walk(5, |page| async move { store.notifications(scope, &page).await }).await;
        let shown = self.own.notifications.iter().filter(|row| {
            may_read(self.actor, &Resource::Notification { tenant: row.tenant, recipient: row.recipient })
        });
        let mut expected: Vec<uuid::Uuid> = shown.map(|row| row.id.as_uuid()).collect();
        newest_first(&mut expected);
        assert_eq!(told.iter().map(|row| row.id.as_uuid()).collect::<Vec<_>>(), expected, "{scope:?}");
        let teams = store.teams(scope).await.unwrap();
        let shown = self.own.teams.iter();
        let shown = shown
            .filter(|row| may_read(self.actor, &Resource::Team { tenant: row.tenant, team: row.id }))
            .count();
        assert_eq!(teams.len(), shown, "{scope:?}");
    }

    async fn tickets(&self) {
        let (store, scope) = (self.store, &self.scope);
        for tenant in &self.world.tenants {
            for row in &tenant.tickets {
                let shown = self.sees_ticket(row);
                assert_eq!(
                    store.ticket(scope, row.id).await.unwrap().as_ref(),
                    shown.then_some(row),
                    "{scope:?}"
                );
                let messages =
                    walk(3, |page: PageRequest| async move { store.messages(scope, row.id, &page).await })
                        .await;
                let of_ticket = tenant.messages.iter().filter(|message| message.ticket == row.id);
                let expected: Vec<&Message> =
                    of_ticket.filter(|message| self.sees_message(message)).collect();
                assert_eq!(messages.iter().collect::<Vec<_>>(), expected, "{scope:?}");
            }
        }
        let mut expected: Vec<&Ticket> =
            self.own.tickets.iter().filter(|row| self.sees_ticket(row)).collect();
        for order in [TicketOrder::RecentlyUpdated, TicketOrder::Oldest] {
            let filter = TicketFilter { order, ..TicketFilter::default() };
            let filter = &filter;
            let listed = walk(4, |page| async move { store.tickets(scope, filter, &page).await }).await;
            match order {
                TicketOrder::Oldest => expected.sort_by_key(|row| row.id),
                _ => expected.sort_by_key(|row| std::cmp::Reverse((row.updated_at, row.id))),
            }
            assert_eq!(listed.iter().collect::<Vec<_>>(), expected, "{scope:?} {order:?}");
        }
    }

    async fn search(&self) {
        for text in WORDS {
            for notes in [true, false] {
                let mut newest: BTreeMap<TicketId, MessageId> = BTreeMap::new();
                for message in self.own.messages.iter().filter(|message| self.sees_message(message)) {
                    if message.audience() == MessageAudience::Internal && !notes {
                        continue;
                    }
                    let Some(ticket) = self.ticket_of(message.ticket) else { continue };
                    let held = format!("{} {}", message.body.as_str(), ticket.subject.as_str());
                    if text.split(' ').all(|word| held.split(' ').any(|own| own == word)) {
                        let known = newest.entry(message.ticket).or_insert(message.id);
                        *known = message.id.max(*known);
                    }
                }
                let mut expected: Vec<TicketHit> =
                    newest.into_iter().map(|(ticket, message)| TicketHit { ticket, message }).collect();
                expected.sort_by_key(|hit| std::cmp::Reverse(hit.message));
                let query = TicketQuery { text: text.to_owned(), notes };
                let page = PageRequest::first(200);
                let found = self.store.search_tickets(&self.scope, &query, &page).await.unwrap();
                assert_eq!(found.items, expected, "{:?} {query:?}", self.scope);
            }
        }
    }

    async fn events(&self) {
        let all = all_events(self.store, &Scope::tenant_wide(self.own.id)).await;
        let wide = self.scope == Scope::tenant_wide(self.own.id);
        let shown = |event: &&EventRecord| {
            let ticket = event.ticket.and_then(|id| self.ticket_of(id));
            let followed = ticket.is_some_and(|ticket| {
                self.sees_ticket(ticket)
                    && may_read(self.actor, &ticket.message_resource(event.event.audience()))
            });
            wide || followed
        };
        let expected: Vec<EventRecord> = all.iter().filter(shown).cloned().collect();
        assert_eq!(all_events(self.store, &self.scope).await, expected, "{:?}", self.scope);
        for ticket in &self.own.tickets {
            let found =
                self.store.ticket_events(&self.scope, ticket.id, Position::START, 1_000).await.unwrap();
            let own = expected.iter().filter(|event| event.ticket == Some(ticket.id));
            let own: Vec<&EventRecord> = own.filter(|_| self.sees_ticket(ticket)).collect();
            assert_eq!(found.iter().collect::<Vec<_>>(), own, "{:?}", self.scope);
        }
    }
}
