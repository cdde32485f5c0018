//! `commit_in`: a host's row and ours are committed or vanish together.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use autocrm_core::{
    access::Scope,
    change::{ChangeSet, Receipt},
    error::{Error, ErrorKind},
    page::PageRequest,
    port::{Committer, EventReader, TicketIndex, TicketReader},
    ticket::{Ticket, TicketQuery},
};
use autocrm_storage::sqlite::{SqliteStore, commit_in};
use diesel::{
    Connection, RunQueryDsl, SqliteConnection,
    connection::SimpleConnection,
    result::{DatabaseErrorKind, Error as DieselError},
    sql_types::BigInt,
};
use support::{Fixture, Place};

#[derive(Debug)]
enum HostError {
    Ours(Error),
    Theirs(DieselError),
}

impl From<DieselError> for HostError {
    fn from(error: DieselError) -> Self {
        Self::Theirs(error)
    }
}

impl From<Error> for HostError {
    fn from(error: Error) -> Self {
        Self::Ours(error)
    }
}

#[derive(diesel::QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// A store, a host's connection with a table of its own, and a ticket that is planned.
struct Host {
    fixture: Fixture,
    connection: SqliteConnection,
    set: ChangeSet,
    ticket: Ticket,
}

impl Host {
    async fn open(place: &Place) -> Self {
        let fixture = Fixture::open(place).await;
        let mut connection = SqliteConnection::establish(place.path().to_str().unwrap()).unwrap();
        connection
            .batch_execute("PRAGMA busy_timeout = 5000; CREATE TABLE purchase (number INTEGER PRIMARY KEY)")
            .unwrap();
        let (set, ticket) = fixture.scene.ticket(fixture.customer.id, "Where is purchase 7?", None);
        Self { fixture, connection, set, ticket }
    }

    fn store(&self) -> &SqliteStore {
        &self.fixture.store
    }

    fn scope(&self) -> Scope {
        self.fixture.scope()
    }

    fn purchases(&mut self) -> i64 {
        let counted = diesel::sql_query("SELECT count(*) AS count FROM purchase");
        counted.get_result::<Count>(&mut self.connection).unwrap().count
    }
}

fn purchase(connection: &mut SqliteConnection) -> Result<usize, DieselError> {
    diesel::sql_query("INSERT INTO purchase (number) VALUES (7)").execute(connection)
}

#[tokio::test]
async fn both_are_committed_together() {
    let place = Place::new();
    let mut host = Host::open(&place).await;
    let set = host.set.clone();
    let receipt: Result<Receipt, HostError> = host.connection.immediate_transaction(|connection| {
        purchase(connection)?;
        Ok(commit_in(connection, &set)?)
    });
    let number = receipt.unwrap().number(host.ticket.id).unwrap();
    assert_eq!(host.purchases(), 1);
    let stored = host.store().ticket(&host.scope(), host.ticket.id).await.unwrap().unwrap();
    assert_eq!(stored.number, number);
    // The store goes on where the host's transaction ended.
    let (set, next) = host.fixture.scene.ticket(host.fixture.customer.id, "Another", None);
    let later = host.store().commit(&set).await.unwrap().number(next.id).unwrap();
    assert_eq!(later.get(), number.get() + 1);
    assert_eq!(SqliteStore::doctor(&place.config()), []);
}

#[tokio::test]
async fn both_vanish_together() {
    let place = Place::new();
    let mut host = Host::open(&place).await;
    let set = host.set.clone();
    let head = host.store().head(&host.scope()).await.unwrap();
    let outcome: Result<(), HostError> = host.connection.immediate_transaction(|connection| {
        purchase(connection)?;
        commit_in(connection, &set)?;
        purchase(connection)?;
        Ok(())
    });
    let Err(HostError::Theirs(error)) = outcome else { panic!("the second purchase 7 is refused") };
    assert!(matches!(error, DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, _)), "{error}");
    assert_eq!(host.purchases(), 0);
    assert_eq!(host.store().ticket(&host.scope(), host.ticket.id).await.unwrap(), None);
    assert_eq!(host.store().head(&host.scope()).await.unwrap(), head);
    let query = TicketQuery { text: "purchase".to_owned(), notes: true };
    let hits = host.store().search_tickets(&host.scope(), &query, &PageRequest::default()).await.unwrap();
    assert_eq!(hits.items, []);
}

#[tokio::test]
async fn a_refused_set_leaves_the_hosts_transaction_usable() {
    let place = Place::new();
    let mut host = Host::open(&place).await;
    let set = host.set.clone();
    host.store().commit(&set).await.unwrap();
    let outcome: Result<(), HostError> = host.connection.immediate_transaction(|connection| {
        let refused = commit_in(connection, &set).unwrap_err();
        assert!(refused.is_conflict(), "{refused}");
        purchase(connection)?;
        Ok(())
    });
    outcome.unwrap();
    assert_eq!(host.purchases(), 1);
    assert_eq!(SqliteStore::doctor(&place.config()), []);
}

#[tokio::test]
async fn only_a_write_transaction_is_accepted() {
    let place = Place::new();
    let mut host = Host::open(&place).await;
    let set = host.set.clone();
    let refused = commit_in(&mut host.connection, &set).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::NotInWriteTransaction);
    let outcome: Result<Receipt, HostError> =
        host.connection.transaction(|connection| Ok(commit_in(connection, &set)?));
    let Err(HostError::Ours(refused)) = outcome else { panic!("a transaction that reads is refused") };
    assert_eq!(refused.kind(), ErrorKind::NotInWriteTransaction);
    assert_eq!(host.store().ticket(&host.scope(), host.ticket.id).await.unwrap(), None);
    // A transaction that has written holds the lock, however it began.
    let outcome: Result<Receipt, HostError> = host.connection.transaction(|connection| {
        purchase(connection)?;
        Ok(commit_in(connection, &set)?)
    });
    assert!(outcome.is_ok(), "{outcome:?}");
}

#[tokio::test]
async fn a_file_without_the_schema_is_refused() {
    let place = Place::new();
    let host = Host::open(&place).await;
    let mut other = SqliteConnection::establish(":memory:").unwrap();
    let outcome: Result<(), HostError> = other.immediate_transaction(|connection| {
        let refused = commit_in(connection, &host.set).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::SchemaOutdated);
        Ok(())
    });
    outcome.unwrap();
}
