//! Rows that belong to nothing: what no read of the library shows.

use std::collections::HashSet;

use super::{Target, target::Tables};
use crate::{ceiling::Cell, failure::Result};

/// Table, column, and where the row has to stand that it names.
const REFERENCES: [(&str, &str, &str, &str); 7] = [
    ("autocrm_message", "ticket", "autocrm_ticket", "id"),
    ("autocrm_participant", "ticket", "autocrm_ticket", "id"),
    ("autocrm_ticket_tag", "ticket", "autocrm_ticket", "id"),
    ("autocrm_routing", "ticket", "autocrm_ticket", "id"),
    ("autocrm_event", "ticket", "autocrm_ticket", "id"),
    ("autocrm_job", "key", "autocrm_ticket", "id"),
    ("autocrm_ticket", "requester", "autocrm_user", "id"),
];

/// What differs between the databases: the rows of the search index and their column, the message's column that they
/// name, and the condition that the payload of a job `j` names the message `m`.
struct Dialect {
    search: (&'static str, &'static str, &'static str),
    is_named: &'static str,
}

const SQLITE: Dialect = Dialect {
    search: ("autocrm_search_docsize", "id", "row"),
    is_named: "instr(j.payload, lower(substr(hex(m.id), 1, 8) || '-' || substr(hex(m.id), 9, 4) || '-' || substr(hex(m.id), 13, 4) || '-' || substr(hex(m.id), 17, 4) || '-' || substr(hex(m.id), 21))) > 0",
};
const POSTGRES: Dialect =
    Dialect { search: ("autocrm_search", "message", "id"), is_named: "strpos(j.payload, m.id::text) > 0" };

/// What is wrong with the tables themselves.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    pub(crate) orphans: usize,
    pub(crate) torn: usize,
    pub(crate) details: Vec<String>,
}

/// Examines the tables of a database.
pub(crate) async fn examine(target: &Target) -> Result<Findings> {
    let dialect = if matches!(target, Target::File(_)) { SQLITE } else { POSTGRES };
    let mut tables = target.tables().await?;
    let mut findings = Findings::default();
    let (index, entry, row) = dialect.search;
    for (table, column, named, key) in REFERENCES.into_iter().chain([(index, entry, "autocrm_message", row)])
    {
        let sql = format!(
            "SELECT count(*) AS found FROM {table} WHERE \"{column}\" IS NOT NULL AND NOT EXISTS (SELECT 1 FROM {named} t WHERE t.\"{key}\" = {table}.\"{column}\")"
        );
        let count = tables.count(&sql).await?;
        if count > 0 {
            findings.orphans += count;
            findings.details.push(format!("{count} rows of {table} name no row of {named}"));
        }
    }
    let unfound = format!(
        "SELECT count(*) AS found FROM autocrm_message m WHERE NOT EXISTS (SELECT 1 FROM {index} d WHERE d.\"{entry}\" = m.\"{row}\")"
    );
    let count = tables.count(&unfound).await?;
    if count > 0 {
        findings.torn += count;
        findings.details.push(format!("{count} messages are not in the search index"));
    }
    // Every message of a customer asks for one job, and nothing ran any.
    let idle = format!(
        "SELECT count(*) AS found FROM autocrm_message m WHERE 1 <> (SELECT count(*) FROM autocrm_job j WHERE j.tenant = m.tenant AND j.key = m.ticket AND j.state < 2 AND j.kind = 'process_ticket' AND {})",
        dialect.is_named
    );
    let lacking = tables.count(&idle).await?;
    if lacking > 0 {
        findings.torn += lacking;
        findings.details.push(format!("{lacking} messages do not have exactly one job"));
    }
    receipts(&mut tables, &mut findings).await?;
    Ok(findings)
}

/// A key that replays a receipt for a ticket that is not there would lose the request for good.
async fn receipts(tables: &mut Tables, findings: &mut Findings) -> Result<()> {
    let mut known: HashSet<Vec<u8>> = HashSet::new();
    for table in ["autocrm_ticket", "autocrm_message"] {
        for row in tables.rows(&format!("SELECT id FROM {table}")).await? {
            if let Cell::Blob(id) = row.get("id") {
                known.insert(id.clone());
            }
        }
    }
    let mut keys = 0;
    for row in tables.rows("SELECT receipt FROM autocrm_idempotency").await? {
        keys += 1;
        let receipt: serde_json::Value = serde_json::from_str(row.get("receipt").text())?;
        let named = receipt.pointer("/answer/id").and_then(|id| id.as_str());
        let id = named.and_then(|text| uuid::Uuid::try_parse(text).ok());
        if !id.is_some_and(|id| known.contains(id.as_bytes().as_slice())) {
            findings.orphans += 1;
            findings.details.push(format!("a receipt names no row: {}", row.get("receipt").text()));
        }
    }
    let messages = tables.count("SELECT count(*) AS found FROM autocrm_message").await?;
    if keys != messages {
        findings.torn += keys.abs_diff(messages);
        findings.details.push(format!("{keys} idempotency keys for {messages} requests"));
    }
    Ok(())
}
