//! What happens while the database is away.

use std::{
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use autocrm_core::{app::AutoCrm, id::TenantId, tenant::TenantPolicy, user::NewUser};
use autocrm_server::{BearerTokens, CursorKey, Options, Principal, router};
use autocrm_storage::postgres::{PostgresConfig, PostgresStore};
use axum::{
    body::Body,
    http::{Request, StatusCode, header::AUTHORIZATION},
};
use sqlx::postgres::PgPoolOptions;
use tempfile::TempDir;
use tower::ServiceExt as _;
use uuid::Uuid;

use crate::{
    node::{Node, bad, run, until},
    support::Database,
};

const SERVICES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scripts/services");

/// A PostgreSQL server of a test's own, which it may stop.
struct Private {
    folder: TempDir,
}

impl Private {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        // The server runs as another user.
        std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        let server = Self { folder };
        server.services(&["up", "postgres"]);
        server
    }

    fn services(&self, arguments: &[&str]) -> String {
        let output = services(self.folder.path()).args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }
}

fn services(folder: &Path) -> Command {
    let mut command = Command::new(SERVICES);
    command.env("AUTOCRM_SERVICES_DIR", folder);
    command
}

impl Drop for Private {
    fn drop(&mut self) {
        drop(services(self.folder.path()).args(["down", "--wipe", "postgres"]).output());
    }
}

#[test]
fn a_server_that_was_away_is_found_again_without_a_restart() {
    let server = Private::start();
    let url = server.services(&["url", "postgres"]);
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut node = Node::start(&data, &url, &["--lease", "2"]);
    let opened = r#"{"subject":"The printer burns","body":"It does."}"#;
    assert_eq!(node.ask("customer", "POST", "/api/tickets", opened).status, 201);

    server.services(&["down", "postgres"]);
    let asked = Instant::now();
    node.ask("customer", "GET", "/api/tickets", "").assert_unavailable();
    assert!(asked.elapsed() < Duration::from_secs(10), "nobody waits for long: {:?}", asked.elapsed());
    node.ask("customer", "POST", "/api/tickets", opened).assert_unavailable();
    node.ask("admin", "GET", "/ready", "").assert_unavailable();
    let other = folder.path().join("other");
    bad(&run(&other, &url, &["migrate"]), "unavailable");

    server.services(&["up", "postgres"]);
    assert_eq!(server.services(&["url", "postgres"]), url, "the server is where it was");
    until(Duration::from_secs(10), "the desk answers again", || {
        node.ask("customer", "GET", "/api/tickets", "").status == 200
    });
    assert_eq!(node.ask("customer", "POST", "/api/tickets", opened).status, 201);
    until(Duration::from_secs(30), "the worker works again", || {
        let answer = node.ask("admin", "GET", "/ready", "");
        answer.status == 200 && answer.body.contains(r#""ready":0"#) && answer.body.contains(r#""leased":0"#)
    });
    assert!(node.is_running());
    let log = node.stop();
    assert!(!log.contains("panicked"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exhausted_pool_is_unavailable_until_a_connection_is_free() {
    let database = Database::migrated().await;
    let pool = PgPoolOptions::new()
        .max_connections(2)
        .acquire_timeout(Duration::from_millis(200))
        .connect_with(database.options())
        .await
        .unwrap();
    let store = PostgresStore::open(pool.clone(), PostgresConfig::default()).await.unwrap();
    let crm = AutoCrm::builder().store(store).build().unwrap();
    let tenant = TenantId::from_uuid(Uuid::from_u128(7));
    crm.admin().found_tenant(tenant, &"Acme".parse().unwrap(), None, TenantPolicy::default()).await.unwrap();
    let system = autocrm_core::access::Actor::system(tenant);
    let ann = crm.admin().create_user(&system, &NewUser::customer("Ann".parse().unwrap())).await.unwrap();
    let mut tokens = BearerTokens::default();
    tokens.admit("a token of a test's own", Principal { tenant, user: ann.id });
    let app = router(crm, Options::new(tokens, CursorKey::new(vec![7; 32]).unwrap()));
    let list = || {
        Request::get("/api/tickets")
            .header(AUTHORIZATION, "Bearer a token of a test's own")
            .body(Body::empty())
            .unwrap()
    };
    let held = [pool.acquire().await.unwrap(), pool.acquire().await.unwrap()];
    let answer = app.clone().oneshot(list()).await.unwrap();
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.headers().contains_key("retry-after"));
    assert_eq!(answer.headers()["content-type"], "application/problem+json");
    drop(held);
    assert_eq!(app.oneshot(list()).await.unwrap().status(), StatusCode::OK);
}
