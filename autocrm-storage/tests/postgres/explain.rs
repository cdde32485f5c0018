//! Each index has a query that is answered by it, at 100,000 rows and as the role that reads: no sequential scan.

use autocrm_storage::postgres::PostgresStore;
use sqlx::{AssertSqlSafe, PgConnection};
use std::fmt::Write as _;

use crate::support::Database;

const TENANT: &str = "00000000-0000-7000-8000-00000000000a";

/// Rows of two tenants, one large, made by the server itself.
const ROWS: &str = "
    INSERT INTO autocrm.autocrm_ticket (tenant, id, version, number, subject, status, status_key, priority, category,
        channel, requester, team, assignee, messages, resolved_at, created_at, updated_at, rest, category_source)
    SELECT CASE WHEN n % 100 = 0 THEN gen_random_uuid() ELSE '00000000-0000-7000-8000-00000000000a'::uuid END,
        (lpad(to_hex(1700000000000 + n), 12, '0') || lpad(to_hex(n), 20, '0'))::uuid, 1, n, 'subject ' || n, n % 6,
        'key-' || n % 40, n % 4, 'category-' || n % 50, n % 4, md5((n % 5000)::text)::uuid, md5('team' || n % 50)::uuid,
        md5('agent' || n % 200)::uuid, 1, CASE WHEN n % 6 > 3 THEN n END, n, n, '{}', n % 400
    FROM generate_series(1, 100000) AS n;
    INSERT INTO autocrm.autocrm_participant (tenant, \"user\", ticket)
    SELECT tenant, requester, id FROM autocrm.autocrm_ticket;
    INSERT INTO autocrm.autocrm_message (tenant, id, ticket, version, sequence, audience, kind, author, body, held, created_at)
    SELECT tenant, id, id, 1, 1, 0, '{}', 0, 'text', 0, created_at FROM autocrm.autocrm_ticket;
    INSERT INTO autocrm.autocrm_search (tenant, message, ticket, audience, words)
    SELECT tenant, id, id, 0, ('word' || number % 3000 || ' common')::tsvector FROM autocrm.autocrm_ticket;
    ANALYZE autocrm.autocrm_ticket, autocrm.autocrm_participant, autocrm.autocrm_message, autocrm.autocrm_search;
";

async fn run(connection: &mut PgConnection, text: &str) {
    sqlx::raw_sql(AssertSqlSafe(text.to_owned())).execute(connection).await.unwrap();
}

/// Returns the plan of a query as a role that looks at the large tenant.
async fn plan(connection: &mut PgConnection, role: &str, kind: &str, query: &str) -> String {
    let begin = format!(
        "BEGIN READ ONLY; SET LOCAL ROLE {role}; SET LOCAL autocrm.tenant = '{TENANT}'; SET LOCAL autocrm.kind = '{kind}';
         SET LOCAL autocrm.actor = '{TENANT}'; SET LOCAL autocrm.teams = '{{{TENANT}}}'; SET LOCAL autocrm.query = '''word77'''"
    );
    run(connection, &begin).await;
    let lines: Vec<String> = sqlx::query_scalar(AssertSqlSafe(format!("EXPLAIN (COSTS OFF) {query}")))
        .fetch_all(&mut *connection)
        .await
        .unwrap();
    run(connection, "ROLLBACK").await;
    lines.join("\n")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_list_reads_a_whole_table() {
    let database = Database::migrated().await;
    let pool = database.pool(1).await;
    PostgresStore::maintain(&pool).await.unwrap();
    let mut connection = pool.acquire().await.unwrap().detach();
    // The owner is bound by the policies, too; a superuser makes the rows of many tenants.
    run(&mut connection, ROWS).await;
    let ticket = format!(
        "SELECT * FROM autocrm.autocrm_ticket t WHERE t.deleted_at IS NULL AND t.tenant = '{TENANT}'"
    );
    let customer = "md5('77')::uuid";
    let team = "md5('team7')::uuid";
    let agent = "md5('agent7')::uuid";
    let queries = [
        ("customer", "autocrm_participant", format!(
            "SELECT t.* FROM autocrm.autocrm_ticket t JOIN autocrm.autocrm_participant p ON p.tenant = t.tenant
             AND p.ticket = t.id AND p.\"user\" = {customer} AND p.tenant = '{TENANT}'
             WHERE t.deleted_at IS NULL AND t.tenant = '{TENANT}' ORDER BY t.id DESC LIMIT 51")),
        ("newest", "autocrm_ticket_pkey", format!("{ticket} ORDER BY t.id DESC LIMIT 51")),
        ("number", "autocrm_ticket_number", format!("{ticket} AND number = 4711")),
        ("recently updated", "autocrm_ticket_updated", format!("{ticket} ORDER BY t.updated_at DESC, t.id DESC LIMIT 51")),
        ("team", "autocrm_ticket_team", format!("{ticket} AND t.team = {team} ORDER BY t.id DESC LIMIT 51")),
        ("team's queue", "autocrm_ticket_team_queue", format!(
            "{ticket} AND t.team = {team} AND t.status = 1 ORDER BY t.priority DESC, t.id LIMIT 51")),
        ("status and priority", "autocrm_ticket_queue", format!(
            "{ticket} AND t.status = 1 ORDER BY t.priority DESC, t.id LIMIT 51")),
        ("load", "autocrm_ticket_assignee", format!(
            "SELECT assignee, count(*) FROM autocrm.autocrm_ticket WHERE tenant = '{TENANT}'
             AND assignee = {agent} AND status <= 3 AND deleted_at IS NULL GROUP BY assignee")),
        ("conversation", "autocrm_message", format!(
            "SELECT * FROM autocrm.autocrm_message WHERE tenant = '{TENANT}' AND ticket = md5('7')::uuid
             AND (sequence, id) > (-1, '{TENANT}') ORDER BY sequence, id LIMIT 51")),
    ];
    let mut faults = String::new();
    for (name, index, query) in queries {
        for kind in ["system", "agent", "customer"] {
            let plan = plan(&mut connection, "autocrm_runtime", kind, &query).await;
            // A customer's own policy looks at the participants besides.
            if plan.contains("Seq Scan on autocrm_ticket") || !plan.contains(index) {
                writeln!(faults, "{name} as {kind}, {index}:\n{plan}\n").unwrap();
            }
        }
    }
    let search = format!(
        "SELECT s.message, s.ticket FROM autocrm.autocrm_search s
         JOIN autocrm.autocrm_ticket t ON t.tenant = s.tenant AND t.id = s.ticket
         WHERE s.tenant = '{TENANT}' AND t.deleted_at IS NULL ORDER BY s.message DESC LIMIT 500"
    );
    for kind in ["system", "agent", "customer"] {
        let plan = plan(&mut connection, "autocrm_search", kind, &search).await;
        if plan.contains("Seq Scan") || !plan.contains("autocrm_search_words") {
            writeln!(faults, "full text as {kind}:\n{plan}\n").unwrap();
        }
    }
    assert!(faults.is_empty(), "{faults}");
}
