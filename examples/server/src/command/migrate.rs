//! `migrate`: the schema, up to date.

use crate::desk::{self, DataFolder, Result};

/// Migrates the database; an empty directory gets one.
pub(super) fn run(folder: &DataFolder) -> Result<()> {
    folder.make()?;
    let _hold = folder.hold()?;
    let report = desk::migrate(folder)?;
    for name in &report.applied {
        println!("applied {name}");
    }
    println!("{} has schema {}, as this program needs it", folder.database().display(), report.schema);
    Ok(())
}
