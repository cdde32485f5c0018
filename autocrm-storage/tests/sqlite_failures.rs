//! Migrations, and files that are locked, damaged, newer, or cannot be written.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;
#[path = "support/waiting.rs"]
mod waiting;

use std::{fs, time::Duration};

use autocrm_core::{
    error::{ErrorKind, Retry},
    port::{Committer, TicketReader},
};
use autocrm_storage::{
    Severity,
    sqlite::{SqliteConfig, SqliteStore},
};
use diesel::{Connection, SqliteConnection, connection::SimpleConnection};
use support::{Fixture, Place};

fn raw(place: &Place) -> SqliteConnection {
    SqliteConnection::establish(place.path().to_str().unwrap()).unwrap()
}

#[test]
fn a_second_migration_is_nothing_to_do() {
    let place = Place::new();
    let before = SqliteStore::schema_status(&place.config()).unwrap();
    assert_eq!((before.schema, before.pending.len()), (0, 1));
    assert!(!place.path().exists(), "the status makes no file");
    let first = SqliteStore::migrate(&place.config()).unwrap();
    assert_eq!((first.schema, first.applied.as_slice()), (1, ["0001_initial"].as_slice()));
    let second = SqliteStore::migrate(&place.config()).unwrap();
    assert_eq!((second.schema, second.applied.len()), (1, 0));
    assert!(SqliteStore::schema_status(&place.config()).unwrap().pending.is_empty());
    assert_eq!(SqliteStore::doctor(&place.config()), []);
}

#[test]
fn opening_never_migrates() {
    let place = Place::new();
    let missing = SqliteStore::open(place.config()).unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::SchemaOutdated);
    assert!(!place.path().exists(), "opening makes no file");
    raw(&place).batch_execute("CREATE TABLE purchase (number INTEGER)").unwrap();
    let foreign = SqliteStore::open(place.config()).unwrap_err();
    assert_eq!(foreign.kind(), ErrorKind::SchemaOutdated);
    assert!(foreign.to_string().contains("migrate first"), "{foreign}");
    assert_eq!(SqliteStore::doctor(&place.config()).len(), 1);
}

#[test]
fn a_migration_that_died_half_way_starts_over() {
    let place = Place::new();
    // What a killed process leaves: a hot journal of a transaction that was never committed, rolled back by the next.
    let mut connection = raw(&place);
    connection
        .batch_execute("PRAGMA journal_mode = WAL; BEGIN IMMEDIATE; CREATE TABLE autocrm_tenant (x)")
        .unwrap();
    drop(connection);
    assert_eq!(SqliteStore::migrate(&place.config()).unwrap().schema, 1);
    SqliteStore::open(place.config()).unwrap();
}

#[test]
fn a_table_of_the_hosts_with_our_name_stops_the_migration_and_nothing_is_left() {
    let place = Place::new();
    raw(&place).batch_execute("CREATE TABLE autocrm_job (x)").unwrap();
    assert!(SqliteStore::migrate(&place.config()).is_err());
    assert_eq!(SqliteStore::schema_status(&place.config()).unwrap().schema, 0);
    raw(&place).batch_execute("DROP TABLE autocrm_job").unwrap();
    assert_eq!(SqliteStore::migrate(&place.config()).unwrap().schema, 1);
}

#[test]
fn a_newer_schema_is_refused_by_everything() {
    let place = Place::new();
    SqliteStore::migrate(&place.config()).unwrap();
    raw(&place).batch_execute("INSERT INTO autocrm_migration (schema, name) VALUES (9, 'later')").unwrap();
    assert_eq!(SqliteStore::open(place.config()).unwrap_err().kind(), ErrorKind::SchemaTooNew);
    assert_eq!(SqliteStore::migrate(&place.config()).unwrap_err().kind(), ErrorKind::SchemaTooNew);
    let findings = SqliteStore::doctor(&place.config());
    assert_eq!(findings.first().map(|finding| finding.code), Some("schema_too_new"));
}

#[test]
fn a_file_that_is_no_database_is_corrupt() {
    let place = Place::new();
    fs::write(
        place.path(),
        "not a database, but long enough to have a header of a hundred bytes ".repeat(99),
    )
    .unwrap();
    assert_eq!(SqliteStore::open(place.config()).unwrap_err().kind(), ErrorKind::Corrupt);
    assert_eq!(SqliteStore::migrate(&place.config()).unwrap_err().kind(), ErrorKind::Corrupt);
    let findings = SqliteStore::doctor(&place.config());
    assert_eq!(
        findings.first().map(|finding| (finding.severity, finding.code)),
        Some((Severity::Error, "corrupt"))
    );
}

#[test]
fn looking_at_a_file_leaves_it_as_it_is() {
    let place = Place::new();
    SqliteStore::migrate(&place.config()).unwrap();
    raw(&place).batch_execute("PRAGMA journal_mode = DELETE").unwrap();
    for _ in 0..2 {
        assert!(SqliteStore::schema_status(&place.config()).unwrap().pending.is_empty());
        let findings = SqliteStore::doctor(&place.config());
        let codes: Vec<_> = findings.iter().map(|finding| (finding.severity, finding.code)).collect();
        assert_eq!(codes, [(Severity::Warning, "no_wal")]);
    }
    SqliteStore::open(place.config()).unwrap();
    assert_eq!(SqliteStore::doctor(&place.config()), []);
}

#[tokio::test]
async fn a_row_that_cannot_be_read_refuses_one_call_and_not_its_neighbours() {
    let place = Place::new();
    let fixture = Fixture::open(&place).await;
    let (opened, ticket) = fixture.scene.ticket(fixture.customer.id, "Damage", None);
    fixture.store.commit(&opened).await.unwrap();
    let stored = fixture.store.ticket(&fixture.scope(), ticket.id).await.unwrap().unwrap();
    let (invited, _) = fixture.scene.invite(&stored, &[fixture.scene.stamp().id()]);
    let mut other = raw(&place);
    other.batch_execute("UPDATE autocrm_ticket SET rest = 'no JSON'; BEGIN IMMEDIATE").unwrap();
    // Both wait for the lock, and are then in one batch.
    let (good, _) = fixture.scene.ticket(fixture.customer.id, "Healthy", None);
    let release = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        other.batch_execute("ROLLBACK").unwrap();
    };
    let (bad, good, ()) = tokio::join!(fixture.store.commit(&invited), fixture.store.commit(&good), release);
    assert_eq!(bad.unwrap_err().kind(), ErrorKind::Corrupt);
    good.unwrap();
}

#[test]
fn a_directory_that_is_missing_is_unavailable() {
    let place = Place::new();
    let config = SqliteConfig::new(place.path().join("missing").join("desk.db"));
    assert_eq!(SqliteStore::migrate(&config).unwrap_err().kind(), ErrorKind::Unavailable);
}

#[test]
fn numbers_outside_of_their_range_are_invalid() {
    let place = Place::new();
    let config = SqliteConfig { readers: 0, ..place.config() };
    assert_eq!(SqliteStore::open(config).unwrap_err().kind(), ErrorKind::Invalid);
}

#[tokio::test]
async fn a_locked_file_is_unavailable_and_the_store_recovers() {
    let place = Place::new();
    let fixture = Fixture::open(&place).await;
    let config = SqliteConfig { busy_timeout: Duration::from_millis(50), ..place.config() };
    let store = SqliteStore::open(config).unwrap();
    let mut other = raw(&place);
    other.batch_execute("BEGIN IMMEDIATE").unwrap();
    let (set, ticket) = fixture.scene.ticket(fixture.customer.id, "Locked out", None);
    let refused = store.commit(&set).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Unavailable);
    assert!(matches!(refused.retry_advice(), Retry::Later(_)));
    assert_eq!(store.ticket(&fixture.scope(), ticket.id).await.unwrap(), None, "readers go on");
    other.batch_execute("ROLLBACK").unwrap();
    store.commit(&set).await.unwrap();
    assert!(store.ticket(&fixture.scope(), ticket.id).await.unwrap().is_some());
}

#[tokio::test]
async fn a_full_disk_is_unavailable_and_loses_nothing() {
    let place = Place::new();
    let fixture = Fixture::open(&place).await;
    let (first, kept) = fixture.scene.ticket(fixture.customer.id, "Before", None);
    fixture.store.commit(&first).await.unwrap();
    // SQLite itself says that the file is full at its largest page count, which lies in the file's header.
    let mut pages = 0;
    let failure = loop {
        let (set, _) = fixture.scene.ticket(fixture.customer.id, &format!("Filler {pages}"), None);
        let limit = limited(&place);
        match commit_with(&place, limit, &set) {
            Err(error) => break error,
            Ok(()) => pages += 1,
        }
        assert!(pages < 1_000, "the limit is never reached");
    };
    assert_eq!(failure.kind(), ErrorKind::Unavailable, "{failure}");
    assert!(fixture.store.ticket(&fixture.scope(), kept.id).await.unwrap().is_some());
    let (set, later) = fixture.scene.ticket(fixture.customer.id, "After", None);
    fixture.store.commit(&set).await.unwrap();
    assert!(fixture.store.ticket(&fixture.scope(), later.id).await.unwrap().is_some());
    assert_eq!(SqliteStore::doctor(&place.config()), []);
}

fn limited(place: &Place) -> SqliteConnection {
    let mut connection = raw(place);
    // The smallest limit that SQLite accepts is the present size.
    connection.batch_execute("PRAGMA busy_timeout = 5000; PRAGMA max_page_count = 1").unwrap();
    connection
}

fn commit_with(
    _place: &Place,
    mut connection: SqliteConnection,
    set: &autocrm_core::change::ChangeSet,
) -> Result<(), autocrm_core::error::Error> {
    connection.batch_execute("BEGIN IMMEDIATE").unwrap();
    let outcome = autocrm_storage::sqlite::commit_in(&mut connection, set).map(drop);
    match outcome {
        Ok(()) => connection.batch_execute("COMMIT").unwrap(),
        Err(_) => drop(connection.batch_execute("ROLLBACK")),
    }
    outcome
}

#[tokio::test]
async fn damage_is_found_by_the_doctor() {
    let place = Place::new();
    let fixture = Fixture::open(&place).await;
    let author = fixture.scene.system();
    let (set, ticket) = fixture.scene.ticket(fixture.customer.id, "Damage", None);
    fixture.store.commit(&set).await.unwrap();
    let stored = fixture.store.ticket(&fixture.scope(), ticket.id).await.unwrap().unwrap();
    let (set, stored, _) = fixture.scene.message(&author, &stored, "a text", true);
    fixture.store.commit(&set).await.unwrap();
    let (set, _, _) = fixture.scene.message(&author, &stored, "another text", true);
    fixture.store.commit(&set).await.unwrap();
    waiting::until_none_waits(&place.path()).await;
    assert_eq!(SqliteStore::doctor(&place.config()), []);
    for (damage, code) in [
        ("UPDATE autocrm_counter SET number = 0", "counter_behind"),
        ("DELETE FROM autocrm_event WHERE position = 2", "positions_with_gaps"),
        ("DELETE FROM autocrm_search WHERE rowid = 1", "search_incomplete"),
        ("DELETE FROM autocrm_ticket", "message_without_ticket"),
    ] {
        raw(&place).batch_execute(damage).unwrap();
        let findings = SqliteStore::doctor(&place.config());
        assert!(findings.iter().any(|finding| finding.code == code), "{code}: {findings:?}");
    }
}

#[tokio::test]
async fn a_full_queue_answers_overloaded() {
    let place = Place::new();
    let fixture = Fixture::open(&place).await;
    let config = SqliteConfig { queue: 1, busy_timeout: Duration::from_millis(300), ..place.config() };
    let store = SqliteStore::open(config).unwrap();
    let mut other = raw(&place);
    other.batch_execute("BEGIN IMMEDIATE").unwrap();
    let mut running = tokio::task::JoinSet::new();
    for number in 0..20 {
        let (set, _) = fixture.scene.ticket(fixture.customer.id, &format!("Ticket {number}"), None);
        let handle = store.clone();
        running.spawn(async move { handle.commit(&set).await.unwrap_err().kind() });
    }
    let answers = running.join_all().await;
    assert!(answers.contains(&ErrorKind::Overloaded), "{answers:?}");
    assert!(answers.iter().all(|kind| matches!(kind, ErrorKind::Overloaded | ErrorKind::Unavailable)));
    other.batch_execute("ROLLBACK").unwrap();
}
