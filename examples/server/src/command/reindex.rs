//! `reindex`: the search index, built anew from the feed.

use crate::{
    command::announce,
    desk::{Access, DataFolder, Desk, Result},
};

/// Deletes the index and builds it anew; a damaged one is no hindrance.
pub(super) async fn run(folder: &DataFolder) -> Result<()> {
    folder.make()?;
    Desk::forget_index(folder)?;
    let desk = Desk::open(folder, Access::Exclusive, &mut announce).await?;
    println!("indexed anew: {} passages", desk.index.passages());
    Ok(())
}
