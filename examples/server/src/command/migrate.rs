//! `migrate`: the schema, up to date.

use crate::desk::{Database, Home, Result};

/// Migrates the database; an empty directory gets one. Of many processes that migrate one server at once, one does.
pub(super) async fn run(home: &Home) -> Result<()> {
    let _hold = match home.database {
        Database::File(_) => {
            home.folder.make()?;
            Some(home.folder.hold()?)
        }
        Database::Server(_) => None,
    };
    let report = home.database.migrate().await?;
    for name in &report.applied {
        println!("applied {name}");
    }
    println!("{} has schema {}, as this program needs it", home.database, report.schema);
    Ok(())
}
