//! What is wrong with a database file.

use autocrm_core::error::Result;
use diesel::{
    SqliteConnection,
    prelude::*,
    sql_types::{BigInt, Text},
};

use crate::finding::Finding;
use crate::sqlite::{config::SqliteConfig, failure::During, migrate, statement::Sql};

const DOCTOR: &str = "doctor";

/// Examines a file.
pub(crate) fn examine(config: &SqliteConfig) -> Vec<Finding> {
    let opened = config.check().and_then(|()| config.look_at_existing());
    let mut connection = match opened {
        Ok(connection) => connection,
        Err(error) => return vec![error.into()],
    };
    let mut findings = Vec::new();
    for check in [integrity, journal_mode, foreign_keys] {
        match check(&mut connection) {
            Ok(found) => findings.extend(found),
            Err(error) => findings.push(error.into()),
        }
    }
    if let Err(error) = migrate::require_current(&mut connection) {
        findings.push(error.into());
        return findings;
    }
    for (code, text, message) in COUNTS {
        let counted: Result<i64> =
            Sql::<BigInt>::new(*text).once().get_result(&mut connection).during(DOCTOR);
        match counted {
            Ok(0) => {}
            Ok(count) => findings.push(Finding::error(code, format!("{message}: {count}"))),
            Err(error) => findings.push(error.into()),
        }
    }
    findings
}

/// Counts of what must not be there.
const COUNTS: &[(&str, &str, &str)] = &[
    (
        "counter_behind",
        "SELECT count(*) FROM (SELECT tenant, max(number) AS last FROM autocrm_ticket GROUP BY tenant) t \
         LEFT JOIN autocrm_counter c ON c.tenant = t.tenant WHERE coalesce(c.number, 0) < t.last",
        "tenants whose next ticket number is taken already",
    ),
    (
        "positions_with_gaps",
        "SELECT count(*) FROM (SELECT tenant, max(position) AS last, count(*) AS events FROM autocrm_event \
         GROUP BY tenant) e LEFT JOIN autocrm_counter c ON c.tenant = e.tenant \
         WHERE e.events <> e.last OR coalesce(c.position, 0) <> e.last",
        "tenants whose event positions have gaps",
    ),
    (
        "message_without_ticket",
        "SELECT count(*) FROM autocrm_message m LEFT JOIN autocrm_ticket t ON t.tenant = m.tenant \
         AND t.id = m.ticket WHERE t.id IS NULL",
        "messages whose ticket is missing",
    ),
    (
        "search_incomplete",
        "SELECT count(*) FROM autocrm_message m LEFT JOIN autocrm_search_docsize s ON s.id = m.row \
         WHERE s.id IS NULL AND m.row <= (SELECT max(id) FROM autocrm_search_docsize)",
        "messages that the search index lacks",
    ),
    (
        "search_left_over",
        "SELECT count(*) FROM autocrm_search_docsize s LEFT JOIN autocrm_message m ON m.row = s.id \
         WHERE m.row IS NULL",
        "entries of the search index without a message",
    ),
];

fn integrity(connection: &mut SqliteConnection) -> Result<Vec<Finding>> {
    let lines: Vec<String> =
        Sql::<Text>::new("PRAGMA quick_check(20)").once().load(connection).during(DOCTOR)?;
    let damage = lines.into_iter().filter(|line| line != "ok");
    Ok(damage.map(|line| Finding::error("corrupt", line)).collect())
}

fn journal_mode(connection: &mut SqliteConnection) -> Result<Vec<Finding>> {
    let mode: String =
        Sql::<Text>::new("PRAGMA journal_mode").once().get_result(connection).during(DOCTOR)?;
    if mode.eq_ignore_ascii_case("wal") {
        return Ok(Vec::new());
    }
    let message = format!("the journal mode is {mode}, not WAL: readers and the writer block each other");
    Ok(vec![Finding::warning("no_wal", message)])
}

fn foreign_keys(connection: &mut SqliteConnection) -> Result<Vec<Finding>> {
    let violations: i64 = Sql::<BigInt>::new("SELECT count(*) FROM pragma_foreign_key_check")
        .once()
        .get_result(connection)
        .during(DOCTOR)?;
    if violations == 0 {
        return Ok(Vec::new());
    }
    Ok(vec![Finding::error("foreign_key", format!("rows that refer to missing ones: {violations}"))])
}
