//! For whom a transaction reads or writes: the settings that row-level security looks at.

use std::time::Duration;

use autocrm_core::access::{Scope, View};
use sqlx::{AssertSqlSafe, SqlSafeStr as _, SqlStr};
use uuid::Uuid;

use crate::{column::Uid, postgres::config::PostgresConfig};

/// The role whose policies hold while AutoCRM reads and writes.
pub(crate) const RUNTIME: &str = "autocrm_runtime";
/// The role whose policy on the search table is the search itself.
pub(crate) const SEARCHER: &str = "autocrm_search";

/// Planning a statement takes as long as running it where each row is found by its key. A plan for all values is kept, and
/// one that was made while a table was empty must not read the whole of it later.
const PLANNED_ONCE: &str = "; SET LOCAL plan_cache_mode = force_generic_plan; SET LOCAL enable_seqscan = off";

/// How a transaction begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// One statement that reads.
    Read,
    /// One statement that reads by keys or in the order of an index: it is planned once.
    Keyed,
    /// Several such statements that read one state of the database.
    Snapshot,
    /// Such statements, and those that write.
    Write,
}

/// For whom a transaction works. The values are ids and fixed words only, so that the settings can be sent as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Session {
    pub(crate) tenant: Option<Uid>,
    pub(crate) kind: &'static str,
    pub(crate) actor: Option<Uid>,
    pub(crate) teams: Vec<Uid>,
}

impl Session {
    /// Returns the session of a scope.
    pub(crate) fn of(scope: &Scope) -> Self {
        let (kind, actor, teams) = match scope.view() {
            View::Customer(user) => ("customer", Some(Uid::of(*user)), Vec::new()),
            View::Agent { user, teams } => {
                ("agent", Some(Uid::of(*user)), teams.iter().map(|team| Uid::of(*team)).collect())
            }
            View::Tenant => ("system", None, Vec::new()),
        };
        Self { tenant: Some(Uid::of(scope.tenant())), kind, actor, teams }
    }

    /// Returns the session that sees and writes a whole tenant.
    pub(crate) fn system(tenant: Uid) -> Self {
        Self { tenant: Some(tenant), kind: "system", actor: None, teams: Vec::new() }
    }

    /// Returns the session that sees the jobs, the order of events and the directory of all tenants, and nothing else.
    pub(crate) fn worker() -> Self {
        Self { tenant: None, kind: "worker", actor: None, teams: Vec::new() }
    }

    /// Returns the value of each setting.
    pub(crate) fn settings(&self) -> [(&'static str, String); 4] {
        let text = |uid: Option<Uid>| uid.map(|uid| uid.0.to_string()).unwrap_or_default();
        let teams: Vec<String> = self.teams.iter().map(|team| team.0.to_string()).collect();
        [
            ("autocrm.tenant", text(self.tenant)),
            ("autocrm.kind", self.kind.to_owned()),
            ("autocrm.actor", text(self.actor)),
            ("autocrm.teams", format!("{{{}}}", teams.join(","))),
        ]
    }

    /// Returns the one message that begins a transaction and says for whom it is. It holds no text of any caller: ids,
    /// numbers and fixed words.
    pub(crate) fn begin(&self, access: Access, role: &'static str, config: &PostgresConfig) -> SqlStr {
        let millis = |time: Duration| time.as_millis();
        let mut text = String::with_capacity(400);
        text.push_str(match access {
            Access::Read | Access::Keyed => "BEGIN READ ONLY",
            Access::Snapshot => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
            Access::Write => "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE",
        });
        let waits = format!(
            "; SET LOCAL idle_in_transaction_session_timeout = {}; SET LOCAL ROLE {role}",
            millis(config.idle_timeout)
        );
        text.push_str(&waits);
        if access == Access::Write {
            let locks = format!("; SET LOCAL lock_timeout = {}", millis(config.lock_timeout));
            text.push_str(&locks);
        }
        if access != Access::Read {
            text.push_str(PLANNED_ONCE);
        }
        for (name, value) in self.settings() {
            let setting = format!("; SET LOCAL {name} = '{value}'");
            text.push_str(&setting);
        }
        AssertSqlSafe(text).into_sql_str()
    }
}

/// Returns whose eyes look through a scope: the customer, or the agent's teams, or neither for the whole tenant.
pub(crate) fn eyes(scope: &Scope) -> (Option<Uid>, Option<Vec<Uid>>) {
    match scope.view() {
        View::Tenant => (None, None),
        View::Customer(user) => (Some(Uid::of(*user)), None),
        View::Agent { teams, .. } => (None, Some(teams.iter().map(|team| Uid::of(*team)).collect())),
    }
}

/// Returns an id that no row has.
pub(crate) fn nobody() -> Uid {
    Uid(Uuid::nil())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transaction_begins_with_its_settings() {
        let session = Session { teams: vec![nobody()], ..Session::system(nobody()) };
        let text = session.begin(Access::Write, RUNTIME, &PostgresConfig::default());
        assert_eq!(
            text.as_str(),
            "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SET LOCAL idle_in_transaction_session_timeout = 30000; \
             SET LOCAL ROLE autocrm_runtime; SET LOCAL lock_timeout = 10000; \
             SET LOCAL plan_cache_mode = force_generic_plan; SET LOCAL enable_seqscan = off; \
             SET LOCAL autocrm.tenant = '00000000-0000-0000-0000-000000000000'; SET LOCAL autocrm.kind = 'system'; \
             SET LOCAL autocrm.actor = ''; SET LOCAL autocrm.teams = '{00000000-0000-0000-0000-000000000000}'"
        );
    }
}
