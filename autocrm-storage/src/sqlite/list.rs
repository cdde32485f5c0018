//! Lists of tickets. A list walks indexes in its own order and merges what they give, so that a page costs the same
//! whatever the table holds; where a filter leaves few tickets, those are sorted instead.

use autocrm_core::{
    access::{Scope, View},
    error::Result,
    page::{Cursor, Page, PageRequest},
    ticket::{Priority, StatusCategory, Ticket, TicketFilter, TicketOrder},
};
use diesel::{
    SqliteConnection,
    dsl::{AsSelect, SqlTypeOf},
    prelude::*,
    sql_types::{BigInt, Binary},
    sqlite::Sqlite,
};

use crate::{
    column::{Code, Uid},
    record::TicketRecord,
    sqlite::{
        failure::During,
        statement::{Bind, Sql},
    },
};

const LIST: &str = "tickets";
/// A filter that leaves fewer tickets than this is sorted rather than walked.
const FEW: i64 = 400;
/// The largest number of index ranges that are merged.
const MOST_BRANCHES: usize = 64;
/// Statements with more conditions than this are prepared anew: there are too many combinations to keep.
const KEPT_CONDITIONS: usize = 2;

/// The columns of a [`TicketRecord`], in its order.
const COLUMNS: &str = "t.tenant, t.id, t.version, t.number, t.subject, t.status, t.status_key, t.priority, \
    t.category, t.category_source, t.channel, t.requester, t.team, t.assignee, t.pending_until, t.messages, \
    t.first_response_at, t.resolved_at, t.closed_at, t.deleted_at, t.created_at, t.updated_at, t.rest";

type Columns = SqlTypeOf<AsSelect<TicketRecord, Sqlite>>;

/// A condition, with its values.
#[derive(Debug, Clone)]
struct Condition {
    sql: String,
    binds: Vec<Bind>,
}

impl Condition {
    fn new(sql: impl Into<String>, binds: Vec<Bind>) -> Self {
        Self { sql: sql.into(), binds }
    }

    fn equal(column: &str, bind: Bind) -> Self {
        Self::new(format!("{column} = ?"), vec![bind])
    }
}

/// Where a walk begins: a range of an index or of a table that repeats the ticket.
#[derive(Debug, Clone)]
struct Source {
    from: String,
    /// The table whose rows are counted to tell whether they are few.
    counted: String,
    /// What the range is.
    range: Vec<Condition>,
    /// The column that holds the ticket's id in the order of the range.
    id: &'static str,
}

impl Source {
    fn index(name: &str, mut range: Vec<Condition>, tenant: Uid) -> Self {
        let from = format!("autocrm_ticket t INDEXED BY {name}");
        range.insert(0, Condition::equal("t.tenant", Bind::Uid(tenant)));
        range.push(Condition::new("t.deleted_at IS NULL", Vec::new()));
        Self { counted: from.clone(), from, range, id: "t.id" }
    }

    fn joined(table: &str, column: &str, bind: Bind, tenant: Uid) -> Self {
        Self {
            from: format!("{table} p CROSS JOIN autocrm_ticket t ON t.tenant = p.tenant AND t.id = p.ticket"),
            counted: format!("{table} p"),
            range: vec![
                Condition::equal("p.tenant", Bind::Uid(tenant)),
                Condition::equal(&format!("p.{column}"), bind),
            ],
            id: "p.ticket",
        }
    }
}

/// A list being planned.
struct Listing<'a> {
    tenant: Uid,
    scope: &'a Scope,
    filter: &'a TicketFilter,
    after: Option<Cursor>,
    most: usize,
}

/// Returns a page of tickets. It reads more than once: the caller gives it one state of the database.
pub(crate) fn tickets(
    connection: &mut SqliteConnection,
    scope: &Scope,
    filter: &TicketFilter,
    page: &PageRequest,
) -> Result<Page<Ticket>> {
    let listing = Listing {
        tenant: Uid::of(scope.tenant()),
        scope,
        filter,
        after: page.cursor(),
        most: page.limit() + 1,
    };
    let rows = listing.rows(connection)?;
    let mut found = Vec::with_capacity(rows.len());
    for record in load(connection, &rows)? {
        found.push(record.decode()?);
    }
    let rank = |ticket: &Ticket| i64::from(ticket.priority.rank());
    match filter.order {
        TicketOrder::Newest => found.sort_by_key(|ticket| std::cmp::Reverse(ticket.id)),
        TicketOrder::Oldest => found.sort_by_key(|ticket| ticket.id),
        TicketOrder::RecentlyUpdated => {
            found.sort_by_key(|ticket| std::cmp::Reverse((ticket.updated_at, ticket.id)));
        }
        TicketOrder::Queue => found.sort_by_key(|ticket| (std::cmp::Reverse(rank(ticket)), ticket.id)),
    }
    let order = filter.order;
    Ok(Page::from_overfetch(found, page.limit(), |ticket| Cursor {
        key: match order {
            TicketOrder::Newest | TicketOrder::Oldest => 0,
            TicketOrder::RecentlyUpdated => ticket.updated_at.as_micros(),
            TicketOrder::Queue => rank(ticket),
        },
        id: ticket.id.as_uuid(),
    }))
}

fn load(connection: &mut SqliteConnection, rows: &[i64]) -> Result<Vec<TicketRecord>> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let list = rows.iter().map(i64::to_string).collect::<Vec<_>>().join(",");
    let text = format!("SELECT {COLUMNS} FROM json_each(?) j CROSS JOIN autocrm_ticket t ON t.row = j.value");
    Sql::<Columns>::new(text).text(format!("[{list}]")).load(connection).during(LIST)
}

impl Listing<'_> {
    /// Returns the rows of the page.
    fn rows(&self, connection: &mut SqliteConnection) -> Result<Vec<i64>> {
        let conditions = self.conditions();
        let ordered_by_id = matches!(self.filter.order, TicketOrder::Newest | TicketOrder::Oldest);
        let mut narrow = self.narrow_sources();
        if let (1, true, Some(source)) = (narrow.len(), ordered_by_id, narrow.first()) {
            return self.walk(connection, std::slice::from_ref(source), &conditions);
        }
        for source in &narrow {
            if count(connection, source)? < FEW {
                return self.walk(connection, std::slice::from_ref(source), &conditions);
            }
        }
        if let (true, Some(source)) = (ordered_by_id, narrow.pop()) {
            return self.walk(connection, &[source], &conditions);
        }
        if ordered_by_id {
            if let Some(branches) = self.branches(true, true) {
                return self.walk(connection, &branches, &conditions);
            }
            let all = Source::index("autocrm_ticket_id", Vec::new(), self.tenant);
            return self.walk(connection, &[all], &conditions);
        }
        if let Some(branches) = self.branches(false, true) {
            let sorted = self.filter.order == TicketOrder::RecentlyUpdated || self.filter.assignee.is_some();
            if !sorted || few_together(connection, &branches)? {
                return self.walk(connection, &branches, &conditions);
            }
        }
        if self.filter.order == TicketOrder::RecentlyUpdated {
            let updated = Source::index("autocrm_ticket_updated", Vec::new(), self.tenant);
            return self.walk(connection, &[updated], &conditions);
        }
        let by_status = self.branches(false, false).unwrap_or_default();
        self.walk(connection, &by_status, &conditions)
    }

    /// Returns everything that has to hold, whatever the walk begins with.
    fn conditions(&self) -> Vec<Condition> {
        let filter = self.filter;
        let mut conditions = vec![Condition::new("t.deleted_at IS NULL", Vec::new())];
        match self.scope.view() {
            View::Tenant => {}
            View::Customer(user) => conditions.push(Condition::new(
                "EXISTS (SELECT 1 FROM autocrm_participant s WHERE s.tenant = t.tenant AND s.user = ? AND s.ticket = t.id)",
                vec![Bind::Uid(Uid::of(*user))],
            )),
            View::Agent { teams, .. } => {
                let marks = vec!["?"; teams.len()].join(", ");
                let binds = teams.iter().map(|team| Bind::Uid(Uid::of(*team))).collect();
                conditions.push(Condition::new(format!("(t.team IS NULL OR t.team IN ({marks}))"), binds));
            }
        }
        if !filter.status.is_empty() {
            let codes: Vec<String> = filter.status.iter().map(|status| status.code().to_string()).collect();
            conditions.push(Condition::new(format!("t.status IN ({})", codes.join(", ")), Vec::new()));
        }
        let mut equal = |column: &str, bind: Option<Bind>| {
            conditions.extend(bind.map(|bind| Condition::equal(column, bind)));
        };
        let text = |text: &str| Bind::Text(text.to_owned());
        equal("t.status_key", filter.status_key.as_deref().map(text));
        equal("t.priority", filter.priority.map(|priority| Bind::Number(priority.code())));
        equal("t.category", filter.category.as_deref().map(text));
        equal("t.requester", filter.requester.map(|user| Bind::Uid(Uid::of(user))));
        equal("t.channel", filter.channel.map(|channel| Bind::Number(channel.code())));
        equal("t.team", filter.team.flatten().map(|team| Bind::Uid(Uid::of(team))));
        equal("t.assignee", filter.assignee.flatten().map(|agent| Bind::Uid(Uid::of(agent))));
        if filter.team == Some(None) {
            conditions.push(Condition::new("t.team IS NULL", Vec::new()));
        }
        if filter.assignee == Some(None) {
            conditions.push(Condition::new("t.assignee IS NULL", Vec::new()));
        }
        if filter.categorised_by_person {
            conditions.push(Condition::new("t.category_source = 1", Vec::new()));
        }
        if let Some(tag) = &filter.tag {
            conditions.push(Condition::new(
                "EXISTS (SELECT 1 FROM autocrm_ticket_tag g WHERE g.tenant = t.tenant AND g.tag = ? AND g.ticket = t.id)",
                vec![text(tag)],
            ));
        }
        if let Some(since) = filter.updated_since {
            conditions.push(Condition::new("t.updated_at >= ?", vec![Bind::Number(since.as_micros())]));
        }
        conditions
    }

    /// Returns the ranges that a filter narrows the list to, each in the order of ids, the likely narrowest first.
    fn narrow_sources(&self) -> Vec<Source> {
        let (filter, tenant) = (self.filter, self.tenant);
        let mut sources = Vec::new();
        let viewer = match self.scope.view() {
            View::Customer(user) => Some(*user),
            View::Agent { .. } | View::Tenant => filter.requester,
        };
        if let Some(user) = viewer {
            sources.push(Source::joined("autocrm_participant", "user", Bind::Uid(Uid::of(user)), tenant));
        }
        if let Some(tag) = &filter.tag {
            sources.push(Source::joined(
                "autocrm_ticket_tag",
                "tag",
                Bind::Text(tag.as_str().to_owned()),
                tenant,
            ));
        }
        if filter.categorised_by_person {
            let learned = Condition::new("t.category_source = 1", Vec::new());
            sources.push(Source::index("autocrm_ticket_learned", vec![learned], tenant));
        }
        let mut by_index = |index: &str, column: &str, bind: Option<Bind>| {
            if let Some(bind) = bind {
                sources.push(Source::index(index, vec![Condition::equal(column, bind)], tenant));
            }
        };
        let text = |text: &str| Bind::Text(text.to_owned());
        by_index("autocrm_ticket_category", "t.category", filter.category.as_deref().map(text));
        by_index("autocrm_ticket_status_key", "t.status_key", filter.status_key.as_deref().map(text));
        by_index(
            "autocrm_ticket_channel",
            "t.channel",
            filter.channel.map(|channel| Bind::Number(channel.code())),
        );
        sources
    }

    /// Returns index ranges by status and, where `owned`, by agent or team: in the order of ids, or of the queue except
    /// for those by agent. `None` when there are none, or too many to merge.
    fn branches(&self, ordered_by_id: bool, owned: bool) -> Option<Vec<Source>> {
        let filter = self.filter;
        let owners: Option<(&str, Vec<Condition>)> = if !owned {
            None
        } else if let Some(agent) = filter.assignee {
            Some(("assignee", vec![owner("t.assignee", agent.map(Uid::of))]))
        } else if let Some(team) = filter.team {
            Some(("team", vec![owner("t.team", team.map(Uid::of))]))
        } else if let View::Agent { teams, .. } = self.scope.view() {
            let own = teams.iter().map(|team| owner("t.team", Some(Uid::of(*team))));
            Some(("team", std::iter::once(owner("t.team", None)).chain(own).collect()))
        } else {
            None
        };
        let by_status = !filter.status.is_empty() || filter.priority.is_some();
        let unordered = filter.order == TicketOrder::RecentlyUpdated;
        let (index, by_priority) = match (&owners, ordered_by_id) {
            (None, _) if (ordered_by_id || unordered) && !by_status => return None,
            (None, _) => ("autocrm_ticket_queue", ordered_by_id),
            (Some(("assignee", _)), _) => ("autocrm_ticket_assignee", false),
            (Some(_), true) if !by_status => ("autocrm_ticket_team", false),
            (Some(_), _) => ("autocrm_ticket_team_queue", ordered_by_id),
        };
        let statuses: Vec<StatusCategory> = match (index, filter.status.is_empty()) {
            ("autocrm_ticket_team", _) => Vec::new(),
            (_, true) => StatusCategory::ALL.to_vec(),
            (_, false) => {
                let mut distinct = filter.status.clone();
                distinct.sort_unstable();
                distinct.dedup();
                distinct
            }
        };
        let priorities: Vec<Priority> = match (by_priority, filter.priority) {
            (_, Some(priority)) if index.ends_with("_queue") => vec![priority],
            (true, None) => Priority::ALL.to_vec(),
            _ => Vec::new(),
        };
        let first = owners.map_or_else(
            || vec![Vec::new()],
            |(_, owners)| owners.into_iter().map(|one| vec![one]).collect(),
        );
        let of_status = equals("t.status", statuses.into_iter().map(Code::code));
        let of_priority = equals("t.priority", priorities.into_iter().map(Code::code));
        let ranges = times(times(first, &of_status), &of_priority);
        if ranges.len() > MOST_BRANCHES {
            return None;
        }
        Some(ranges.into_iter().map(|range| Source::index(index, range, self.tenant)).collect())
    }

    /// Walks each source in the order of the list and returns the first rows of all of them together.
    fn walk(
        &self,
        connection: &mut SqliteConnection,
        sources: &[Source],
        conditions: &[Condition],
    ) -> Result<Vec<i64>> {
        let mut merged: Vec<(i64, Uid, i64)> = Vec::new();
        for source in sources {
            merged.extend(self.walk_one(connection, source, conditions)?);
        }
        match self.filter.order {
            TicketOrder::Newest => merged.sort_unstable_by_key(|(_, id, _)| std::cmp::Reverse(*id)),
            TicketOrder::Oldest => merged.sort_unstable_by_key(|(_, id, _)| *id),
            TicketOrder::RecentlyUpdated => {
                merged.sort_unstable_by_key(|(key, id, _)| std::cmp::Reverse((*key, *id)));
            }
            TicketOrder::Queue => merged.sort_unstable_by_key(|(key, id, _)| (std::cmp::Reverse(*key), *id)),
        }
        merged.truncate(self.most);
        Ok(merged.into_iter().map(|(_, _, row)| row).collect())
    }

    fn walk_one(
        &self,
        connection: &mut SqliteConnection,
        source: &Source,
        conditions: &[Condition],
    ) -> Result<Vec<(i64, Uid, i64)>> {
        let id = source.id;
        let (key, order) = match self.filter.order {
            TicketOrder::Newest => ("0", format!("{id} DESC")),
            TicketOrder::Oldest => ("0", format!("{id} ASC")),
            TicketOrder::RecentlyUpdated => ("t.updated_at", format!("t.updated_at DESC, {id} DESC")),
            TicketOrder::Queue => ("t.priority", format!("t.priority DESC, {id} ASC")),
        };
        let mut clauses = source.range.clone();
        let known = |condition: &&Condition| !clauses.iter().any(|clause| clause.sql == condition.sql);
        let others: Vec<Condition> = conditions.iter().filter(known).cloned().collect();
        clauses.extend(others);
        let count = clauses.len();
        if let Some(cursor) = self.after {
            let (last, key_bind) = (Bind::Uid(Uid(cursor.id)), Bind::Number(cursor.key));
            clauses.push(match self.filter.order {
                TicketOrder::Newest => Condition::new(format!("{id} < ?"), vec![last]),
                TicketOrder::Oldest => Condition::new(format!("{id} > ?"), vec![last]),
                // The first half bounds the range of the index; without it the second half is a filter only.
                TicketOrder::RecentlyUpdated => Condition::new(
                    format!("t.updated_at <= ? AND (t.updated_at < ? OR {id} < ?)"),
                    vec![key_bind.clone(), key_bind, last],
                ),
                TicketOrder::Queue => Condition::new(
                    format!("t.priority <= ? AND (t.priority < ? OR {id} > ?)"),
                    vec![key_bind.clone(), key_bind, last],
                ),
            });
        }
        let (sql, binds) = joined(&clauses);
        let from = &source.from;
        let most = self.most;
        let text = format!("SELECT {key}, {id}, t.row FROM {from} WHERE {sql} ORDER BY {order} LIMIT {most}");
        let mut statement = Sql::<(BigInt, Binary, BigInt)>::new(text);
        for bind in binds {
            statement = statement.bind(bind);
        }
        if count > source.range.len() + KEPT_CONDITIONS {
            statement = statement.once();
        }
        statement.load(connection).during(LIST)
    }
}

fn owner(column: &str, id: Option<Uid>) -> Condition {
    match id {
        Some(uid) => Condition::equal(column, Bind::Uid(uid)),
        None => Condition::new(format!("{column} IS NULL"), Vec::new()),
    }
}

fn equals(column: &str, codes: impl Iterator<Item = i64>) -> Vec<Condition> {
    codes.map(|code| Condition::equal(column, Bind::Number(code))).collect()
}

/// Returns every range followed by every condition; the ranges themselves when there is no condition.
fn times(ranges: Vec<Vec<Condition>>, conditions: &[Condition]) -> Vec<Vec<Condition>> {
    if conditions.is_empty() {
        return ranges;
    }
    let with = |range: &Vec<Condition>, condition: &Condition| {
        range.iter().chain(std::iter::once(condition)).cloned().collect()
    };
    ranges.iter().flat_map(|range| conditions.iter().map(|condition| with(range, condition))).collect()
}

fn joined(conditions: &[Condition]) -> (String, Vec<Bind>) {
    let sql = conditions.iter().map(|condition| condition.sql.as_str()).collect::<Vec<_>>().join(" AND ");
    (sql, conditions.iter().flat_map(|condition| condition.binds.clone()).collect())
}

/// Counts what a source holds, up to [`FEW`].
fn count(connection: &mut SqliteConnection, source: &Source) -> Result<i64> {
    let (sql, binds) = joined(&source.range);
    let text = format!("SELECT count(*) FROM (SELECT 1 FROM {} WHERE {sql} LIMIT {FEW})", source.counted);
    let statement = binds.into_iter().fold(Sql::<BigInt>::new(text), Sql::bind);
    statement.get_result(connection).during(LIST)
}

fn few_together(connection: &mut SqliteConnection, sources: &[Source]) -> Result<bool> {
    let mut total = 0;
    for source in sources {
        total += count(connection, source)?;
        if total >= FEW {
            return Ok(false);
        }
    }
    Ok(true)
}
