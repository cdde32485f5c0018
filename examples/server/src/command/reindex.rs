//! `reindex`: the search index, built anew from the feed.

use crate::{
    command::announce,
    desk::{Access, Desk, Home, Result},
};

/// Deletes the index and builds it anew; a damaged one is no hindrance.
pub(super) async fn run(home: &Home) -> Result<()> {
    home.folder.make()?;
    Desk::forget_index(&home.folder)?;
    let desk = Desk::open(home, Access::Exclusive, &mut announce).await?;
    println!("indexed anew: {} passages", desk.index.passages());
    Ok(())
}
