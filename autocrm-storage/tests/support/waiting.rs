//! The messages that the search index has not taken up.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    path::Path,
    time::{Duration, Instant},
};

use diesel::{Connection, RunQueryDsl, SqliteConnection, sql_types::BigInt};

/// Returns how many they are.
pub(crate) fn waiting(database: &Path) -> i64 {
    let mut connection = SqliteConnection::establish(database.to_str().unwrap()).unwrap();
    let late = "(SELECT count(*) FROM autocrm_message
        WHERE row > (SELECT coalesce(max(id), 0) FROM autocrm_search_docsize))";
    diesel::select(diesel::dsl::sql::<BigInt>(late)).get_result(&mut connection).unwrap()
}

/// Waits until there are none.
pub(crate) async fn until_none_waits(database: &Path) {
    let begun = Instant::now();
    while waiting(database) > 0 {
        assert!(begun.elapsed() < Duration::from_secs(30), "nothing takes the messages up");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
