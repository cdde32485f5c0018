//! Lists of tickets. Each is a union of ranges of an index that gives them in the order of the list, so that a page costs
//! the same whatever the table holds.

use autocrm_core::{
    access::{Scope, View},
    error::Result,
    page::{Cursor, Page, PageRequest},
    ticket::{StatusCategory, Ticket, TicketFilter, TicketOrder},
};
use sqlx::{PgConnection, Postgres, QueryBuilder};

use crate::{
    column::{Code, Uid, number},
    postgres::failure::During,
    record::TicketRecord,
};

const LIST: &str = "tickets";
/// The largest number of ranges that are united.
const MOST_RANGES: usize = 64;

type Statement = QueryBuilder<Postgres>;

/// Whose tickets a range holds.
#[derive(Debug, Clone, Copy)]
enum Owner {
    Anybody,
    Nobody,
    Team(Uid),
}

/// A range of an index: whose tickets, and in which status.
#[derive(Debug, Clone, Copy)]
struct Range {
    owner: Owner,
    status: Option<StatusCategory>,
}

/// A list being planned.
struct Listing<'a> {
    scope: &'a Scope,
    filter: &'a TicketFilter,
    after: Option<Cursor>,
    most: i64,
}

/// Returns a page of tickets.
pub(crate) async fn tickets(
    connection: &mut PgConnection,
    scope: &Scope,
    filter: &TicketFilter,
    page: &PageRequest,
) -> Result<Page<Ticket>> {
    let listing = Listing { scope, filter, after: page.cursor(), most: number(page.limit() + 1) };
    let mut statement = listing.statement();
    let records: Vec<TicketRecord> = statement.build_query_as().fetch_all(connection).await.during(LIST)?;
    let found = records.into_iter().map(TicketRecord::decode).collect::<Result<Vec<Ticket>>>()?;
    let order = filter.order;
    Ok(Page::from_overfetch(found, page.limit(), |ticket| Cursor {
        key: match order {
            TicketOrder::Newest | TicketOrder::Oldest => 0,
            TicketOrder::RecentlyUpdated => ticket.updated_at.as_micros(),
            TicketOrder::Queue => i64::from(ticket.priority.rank()),
        },
        id: ticket.id.as_uuid(),
    }))
}

impl Listing<'_> {
    fn statement(&self) -> Statement {
        let ranges = self.ranges();
        let mut statement = QueryBuilder::new("");
        if let [range] = ranges.as_slice() {
            self.push_range(&mut statement, *range);
            return statement;
        }
        statement.push("SELECT t.* FROM (");
        for (at, range) in ranges.into_iter().enumerate() {
            statement.push(if at == 0 { "(" } else { " UNION ALL (" });
            self.push_range(&mut statement, range);
            statement.push(")");
        }
        statement.push(") t");
        self.push_order(&mut statement);
        statement
    }

    /// Returns the ranges of which each is in the order of the list.
    fn ranges(&self) -> Vec<Range> {
        let whole = vec![Range { owner: Owner::Anybody, status: None }];
        if self.is_involved().is_some() || self.filter.order == TicketOrder::RecentlyUpdated {
            return whole;
        }
        let owners: Vec<Owner> = match (self.scope.view(), self.filter.team, self.filter.assignee) {
            (View::Agent { teams, .. }, None, None) => {
                let own = teams.iter().map(|team| Owner::Team(Uid::of(*team)));
                std::iter::once(Owner::Nobody).chain(own).collect()
            }
            _ => vec![Owner::Anybody],
        };
        let mut statuses = self.filter.status.clone();
        statuses.sort_unstable();
        statuses.dedup();
        let by_status: Vec<Option<StatusCategory>> = match (self.filter.order, statuses.is_empty()) {
            (TicketOrder::Queue, true) => StatusCategory::ALL.into_iter().map(Some).collect(),
            (TicketOrder::Queue, false) => statuses.into_iter().map(Some).collect(),
            _ => vec![None],
        };
        if owners.len().saturating_mul(by_status.len()) > MOST_RANGES {
            return whole;
        }
        let mut ranges = Vec::new();
        for owner in owners {
            ranges.extend(by_status.iter().map(|status| Range { owner, status: *status }));
        }
        ranges
    }

    /// Returns the customer whose tickets are wanted: the one who looks, or the one who is looked for.
    fn is_involved(&self) -> Option<Uid> {
        match self.scope.view() {
            View::Customer(user) => Some(Uid::of(*user)),
            View::Agent { .. } | View::Tenant => self.filter.requester.map(Uid::of),
        }
    }

    fn push_range(&self, statement: &mut Statement, range: Range) {
        let tenant = Uid::of(self.scope.tenant());
        statement.push("SELECT t.* FROM autocrm.autocrm_ticket t");
        if let Some(user) = self.is_involved() {
            statement.push(" JOIN autocrm.autocrm_participant p ON p.tenant = t.tenant AND p.ticket = t.id AND p.\"user\" = ");
            statement.push_bind(user);
            statement.push(" AND p.tenant = ").push_bind(tenant);
        }
        statement.push(" WHERE t.deleted_at IS NULL AND t.tenant = ").push_bind(tenant);
        match range.owner {
            Owner::Anybody => {}
            Owner::Nobody => drop(statement.push(" AND t.team IS NULL")),
            Owner::Team(team) => drop(statement.push(" AND t.team = ").push_bind(team)),
        }
        if let Some(status) = range.status {
            // A small number of our own, not a parameter: PostgreSQL then knows how many there are.
            statement.push(" AND t.status = ").push(status.code());
        }
        self.push_scope(statement);
        self.push_filter(statement);
        self.push_after(statement);
        self.push_order(statement);
    }

    /// The first wall; row-level security is the second.
    fn push_scope(&self, statement: &mut Statement) {
        if let View::Agent { teams, .. } = self.scope.view() {
            let own: Vec<Uid> = teams.iter().map(|team| Uid::of(*team)).collect();
            statement.push(" AND (t.team IS NULL OR t.team = ANY (").push_bind(own).push("))");
        }
    }

    fn push_filter(&self, statement: &mut Statement) {
        let filter = self.filter;
        if !filter.status.is_empty() {
            let codes: Vec<String> = filter.status.iter().map(|status| status.code().to_string()).collect();
            statement.push(" AND t.status IN (").push(codes.join(", ")).push(")");
        }
        let texts =
            [("t.status_key", filter.status_key.as_deref()), ("t.category", filter.category.as_deref())];
        for (column, text) in texts {
            if let Some(text) = text {
                statement.push(" AND ").push(column).push(" = ").push_bind(text.to_owned());
            }
        }
        if let Some(priority) = filter.priority {
            statement.push(" AND t.priority = ").push(priority.code());
        }
        if let Some(channel) = filter.channel {
            statement.push(" AND t.channel = ").push(channel.code());
        }
        if let Some(user) = filter.requester {
            statement.push(" AND t.requester = ").push_bind(Uid::of(user));
        }
        let owners = [
            ("t.team", filter.team.map(|team| team.map(Uid::of))),
            ("t.assignee", filter.assignee.map(|agent| agent.map(Uid::of))),
        ];
        for (column, owner) in owners {
            match owner {
                None => {}
                Some(None) => drop(statement.push(" AND ").push(column).push(" IS NULL")),
                Some(Some(id)) => drop(statement.push(" AND ").push(column).push(" = ").push_bind(id)),
            }
        }
        if filter.categorised_by_person {
            statement.push(" AND t.category_source = 1");
        }
        if let Some(tag) = &filter.tag {
            self.push_tag(statement, tag.as_str());
        }
        if let Some(since) = filter.updated_since {
            statement.push(" AND t.updated_at >= ").push_bind(since.as_micros());
        }
    }

    /// Staff find tags by their table. A customer does not see it, and has few tickets.
    fn push_tag(&self, statement: &mut Statement, tag: &str) {
        if self.scope.is_staff() {
            statement.push(
                " AND EXISTS (SELECT 1 FROM autocrm.autocrm_ticket_tag g WHERE g.tenant = t.tenant AND g.ticket = t.id AND g.tag = ",
            );
            statement.push_bind(tag.to_owned()).push(")");
        } else {
            statement.push(" AND t.rest::jsonb -> 'tags' ? ").push_bind(tag.to_owned());
        }
    }

    fn push_after(&self, statement: &mut Statement) {
        let Some(Cursor { key, id }) = self.after else { return };
        let id = Uid(id);
        match self.filter.order {
            TicketOrder::Newest => drop(statement.push(" AND t.id < ").push_bind(id)),
            TicketOrder::Oldest => drop(statement.push(" AND t.id > ").push_bind(id)),
            TicketOrder::RecentlyUpdated => {
                statement
                    .push(" AND (t.updated_at, t.id) < (")
                    .push_bind(key)
                    .push(", ")
                    .push_bind(id)
                    .push(")");
            }
            TicketOrder::Queue => {
                statement.push(" AND t.priority <= ").push_bind(key);
                statement
                    .push(" AND (t.priority < ")
                    .push_bind(key)
                    .push(" OR t.id > ")
                    .push_bind(id)
                    .push(")");
            }
        }
    }

    fn push_order(&self, statement: &mut Statement) {
        statement.push(match self.filter.order {
            TicketOrder::Newest => " ORDER BY t.id DESC LIMIT ",
            TicketOrder::Oldest => " ORDER BY t.id LIMIT ",
            TicketOrder::RecentlyUpdated => " ORDER BY t.updated_at DESC, t.id DESC LIMIT ",
            TicketOrder::Queue => " ORDER BY t.priority DESC, t.id LIMIT ",
        });
        statement.push(self.most);
    }
}
