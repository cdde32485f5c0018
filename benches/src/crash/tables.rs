//! Rows that belong to nothing: what no read of the library shows.

use std::{collections::HashSet, path::Path};

use crate::{
    ceiling::{Cell, connect, rows},
    failure::Result,
};

/// Table, column, and where the row has to stand that it names.
const REFERENCES: [(&str, &str, &str, &str); 8] = [
    ("autocrm_message", "ticket", "autocrm_ticket", "id"),
    ("autocrm_participant", "ticket", "autocrm_ticket", "id"),
    ("autocrm_ticket_tag", "ticket", "autocrm_ticket", "id"),
    ("autocrm_routing", "ticket", "autocrm_ticket", "id"),
    ("autocrm_event", "ticket", "autocrm_ticket", "id"),
    ("autocrm_job", "key", "autocrm_ticket", "id"),
    ("autocrm_search_docsize", "id", "autocrm_message", "row"),
    ("autocrm_ticket", "requester", "autocrm_user", "id"),
];

/// What is wrong with the tables themselves.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    pub(crate) orphans: usize,
    pub(crate) torn: usize,
    pub(crate) details: Vec<String>,
}

/// Examines a database file.
pub(crate) fn examine(file: &Path) -> Result<Findings> {
    let mut connection = connect(file, 8_192)?;
    let mut findings = Findings::default();
    for (table, column, target, key) in REFERENCES {
        let sql = format!(
            "SELECT count(*) AS found FROM {table} WHERE \"{column}\" IS NOT NULL AND NOT EXISTS (SELECT 1 FROM {target} t WHERE t.\"{key}\" = {table}.\"{column}\")"
        );
        let count = rows(&mut connection, &sql, &[])?.first().map_or(0, |row| row.get("found").integer());
        if count > 0 {
            findings.orphans += count as usize;
            findings.details.push(format!("{count} rows of {table} name no row of {target}"));
        }
    }
    let unfound = "SELECT count(*) AS found FROM autocrm_message m WHERE NOT EXISTS (SELECT 1 FROM autocrm_search_docsize d WHERE d.id = m.row)";
    let count = rows(&mut connection, unfound, &[])?.first().map_or(0, |row| row.get("found").integer());
    if count > 0 {
        findings.torn += count as usize;
        findings.details.push(format!("{count} messages are not in the search index"));
    }
    // Every message of a customer asks for one job, and nothing ran any.
    let idle = "SELECT count(*) AS found FROM autocrm_message m WHERE 1 <> (SELECT count(*) FROM autocrm_job j WHERE j.tenant = m.tenant AND j.key = m.ticket AND j.state < 2 AND j.kind = 'process_ticket' AND instr(j.payload, lower(substr(hex(m.id), 1, 8) || '-' || substr(hex(m.id), 9, 4) || '-' || substr(hex(m.id), 13, 4) || '-' || substr(hex(m.id), 17, 4) || '-' || substr(hex(m.id), 21))) > 0)";
    let lacking = rows(&mut connection, idle, &[])?.first().map_or(0, |row| row.get("found").integer());
    if lacking > 0 {
        findings.torn += lacking as usize;
        findings.details.push(format!("{lacking} messages do not have exactly one job"));
    }
    receipts(&mut connection, &mut findings)?;
    Ok(findings)
}

/// A key that replays a receipt for a ticket that is not there would lose the request for good.
fn receipts(connection: &mut diesel::SqliteConnection, findings: &mut Findings) -> Result<()> {
    let mut known: HashSet<Vec<u8>> = HashSet::new();
    for table in ["autocrm_ticket", "autocrm_message"] {
        for row in rows(connection, &format!("SELECT id FROM {table}"), &[])? {
            if let Cell::Blob(id) = row.get("id") {
                known.insert(id.clone());
            }
        }
    }
    let mut keys = 0;
    for row in rows(connection, "SELECT receipt FROM autocrm_idempotency", &[])? {
        keys += 1;
        let receipt: serde_json::Value = serde_json::from_str(row.get("receipt").text())?;
        let named = receipt.pointer("/answer/id").and_then(|id| id.as_str());
        let id = named.and_then(|text| uuid::Uuid::try_parse(text).ok());
        if !id.is_some_and(|id| known.contains(id.as_bytes().as_slice())) {
            findings.orphans += 1;
            findings.details.push(format!("a receipt names no row: {}", row.get("receipt").text()));
        }
    }
    let written = rows(connection, "SELECT (SELECT count(*) FROM autocrm_message) AS found", &[])?;
    let messages = written.first().map_or(0, |row| row.get("found").integer());
    if keys != messages {
        findings.torn += keys.abs_diff(messages) as usize;
        findings.details.push(format!("{keys} idempotency keys for {messages} requests"));
    }
    Ok(())
}
