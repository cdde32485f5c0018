//! Everything that works on SQLite works on PostgreSQL.

use std::fs;

use sqlx::Executor as _;

use crate::{
    node::{MAILS, Node, bad, good, run, text},
    support::Database,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_desk_is_made_imported_asked_examined_and_served() {
    let database = Database::empty().await;
    let (url, folder) = (database.url(), tempfile::tempdir().unwrap());
    let data = folder.path().join("data");

    let first = run(&data, &url, &["import", "--eml", MAILS, "--trust-senders"]);
    let told = good(&first);
    assert!(
        text(&first.stderr).contains("first start: creating and migrating 127.0.0.1:"),
        "{}",
        text(&first.stderr)
    );
    assert!(told.contains(" 0 duplicates, 0 refused"), "{told}");
    let answered = told.lines().filter(|line| line.contains(" answered [")).count();
    assert!(answered > 0 && told.contains(&format!("answers: {answered} sent")), "{told}");
    assert_eq!(fs::read_dir(data.join("outbox")).unwrap().count(), answered);
    assert!(!data.join("autocrm.db").exists(), "nothing lies in a file");

    let told = good(&run(&data, &url, &["import", "--eml", MAILS]));
    assert!(told.contains("0 tickets opened"), "{told}");
    let told = good(&run(&data, &url, &["ask", "How", "long", "is", "an", "idempotency", "key", "kept?"]));
    assert!(told.contains("bytes ") && told.contains("      > "), "{told}");
    assert!(good(&run(&data, &url, &["reindex"])).contains("indexed anew"));
    let told = good(&run(&data, &url, &["migrate"]));
    assert!(!told.contains("applied") && told.contains("has schema 1"), "{told}");

    let pool = database.pool(2).await;
    pool.execute("CREATE EXTENSION IF NOT EXISTS vector; CREATE EXTENSION IF NOT EXISTS pg_trgm")
        .await
        .unwrap();
    let told = good(&run(&data, &url, &["doctor"]));
    assert!(
        told.contains("ok       database: schema, roles, extensions") && told.contains("all is well"),
        "{told}"
    );
    pool.execute("ALTER TABLE autocrm.autocrm_user DISABLE ROW LEVEL SECURITY").await.unwrap();
    let output = run(&data, &url, &["doctor"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stdout).contains("autocrm_user is not protected"), "{}", text(&output.stdout));
    pool.execute("ALTER TABLE autocrm.autocrm_user ENABLE ROW LEVEL SECURITY").await.unwrap();

    let node = Node::start(&data, &url, &[]);
    assert_eq!(node.ask("customer", "GET", "/api/tickets", "").status, 200);
    bad(&run(&data, &url, &["import", "--eml", MAILS]), "another autocrm-server uses");
    let log = node.stop();
    assert!(log.trim_end().ends_with("stopped"), "{log}");
    assert!(!log.contains("could not be maintained"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn schemas_of_other_versions_and_wrong_urls_are_refused() {
    let database = Database::migrated().await;
    let (url, folder) = (database.url(), tempfile::tempdir().unwrap());
    let data = folder.path().join("data");
    let pool = database.pool(2).await;
    pool.execute("INSERT INTO autocrm.autocrm_migration (schema, name) VALUES (99, 'later')").await.unwrap();
    for arguments in [&["ask", "anything"][..], &["serve", "--listen", "127.0.0.1:0"], &["migrate"]] {
        bad(&run(&data, &url, arguments), "schema 99");
    }
    assert_eq!(run(&data, &url, &["doctor"]).status.code(), Some(1));
    for wrong in ["mysql://u:secret@h/n", "postgres://u:secret@h:port/n", "secret"] {
        let output = run(&data, wrong, &["migrate"]);
        bad(&output, "the database URL is not postgres://");
        assert!(!text(&output.stderr).contains("secret"), "{}", text(&output.stderr));
    }
    let help = text(&run(&data, &url, &["--help"]).stdout);
    assert!(help.contains("DATABASE_URL") && !help.contains(&url), "{help}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_owns_nothing_serves_and_says_that_it_cannot_maintain() {
    let database = Database::empty().await;
    let (owner, folder) = (database.url(), tempfile::tempdir().unwrap());
    let data = folder.path().join("data");
    good(&run(&data, &owner, &["migrate"]));
    let pool = database.pool(2).await;
    let role = format!("node_{}", pool.connect_options().get_database().unwrap());
    let made =
        format!("CREATE ROLE {role} LOGIN PASSWORD 'node'; GRANT autocrm_runtime, autocrm_search TO {role}");
    pool.execute(sqlx::AssertSqlSafe(made)).await.unwrap();
    let url = as_role(&owner, &role);
    let node = Node::start(&data, &url, &[]);
    assert_eq!(node.ask("customer", "GET", "/api/tickets", "").status, 200);
    let log = node.stop();
    assert!(log.contains("could not be maintained") && log.contains("does not own the tables"), "{log}");
    let told = text(&run(&data, &url, &["doctor"]).stdout);
    assert!(!told.contains("error    "), "{told}");
    pool.execute(sqlx::AssertSqlSafe(format!("DROP ROLE {role}"))).await.unwrap();
}

/// Returns the URL with another user, whose password is `node`.
fn as_role(url: &str, role: &str) -> String {
    let (_, place) = url.split_once('@').unwrap();
    format!("postgres://{role}:node@{place}")
}
