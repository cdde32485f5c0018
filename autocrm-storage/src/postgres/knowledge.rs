use autocrm_core::error::Result;
use sqlx::PgConnection;
use crate::{column::Uid, record::{ChunkRecord, FeedbackRecord}};
pub(crate) async fn replace_chunks(_: &mut PgConnection, _: Uid, _: Uid, _: &[ChunkRecord]) -> Result<()> { Ok(()) }
pub(crate) async fn save_feedback(_: &mut PgConnection, _: &[&FeedbackRecord]) -> Result<()> { Ok(()) }
