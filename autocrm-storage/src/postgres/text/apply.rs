//! What changes the index: steps of a feed.

use std::collections::BTreeSet;

use autocrm_core::{
    access::ArticleVisibility,
    change::Position,
    error::{Error, ErrorKind, Result},
    port::IndexChange,
};
use sqlx::PgConnection;

use super::{
    PostgresTextIndex,
    words::{config, words},
};
use crate::{
    column::{Code as _, Uid, number},
    postgres::{
        failure::During,
        fold::Fold,
        session::{Access, Session},
    },
};

const APPLY: &str = "text_index.apply";
/// How many passages are written by one statement.
const GROUP: usize = 256;
/// How many bytes of the words of a title or of headings count.
const MAX_HEAD: usize = 16 * 1_024;
/// How many bytes of the words of a passage count; a server takes one MiB with all places.
const MAX_BODY: usize = 256 * 1_024;

/// A passage to be stored.
struct Row {
    visibility: ArticleVisibility,
    config: &'static str,
    title: String,
    heading: String,
    body: String,
    length: i64,
}

/// How a tenant's passages stand.
struct Shelf {
    position: i64,
    passages: i64,
    length: i64,
    configs: BTreeSet<String>,
}

fn folded(changes: &[IndexChange]) -> Fold<Row> {
    let mut fold = Fold::new();
    for change in changes {
        match change {
            IndexChange::Remove { article } => fold.replace(Uid::of(*article), std::iter::empty()),
            IndexChange::Replace { article, title, visibility, language, chunks } => {
                let title = words(title, MAX_HEAD);
                let rows = chunks.iter().map(|chunk| {
                    let (heading, body) = (words(&chunk.heading, MAX_HEAD), words(&chunk.text, MAX_BODY));
                    let row = Row {
                        visibility: *visibility,
                        config: config(language.as_ref()),
                        length: number(title.len() + heading.len() + body.len()),
                        title: title.join(" "),
                        heading: heading.join(" "),
                        body: body.join(" "),
                    };
                    (Uid::of(chunk.id), row)
                });
                fold.replace(Uid::of(*article), rows);
            }
        }
    }
    fold
}

impl Shelf {
    /// Waits until nobody else changes the tenant's passages, and reads how they stand.
    async fn lock(connection: &mut PgConnection, tenant: Uid) -> Result<Self> {
        sqlx::query("INSERT INTO autocrm.autocrm_passage_cursor (tenant) VALUES ($1) ON CONFLICT DO NOTHING")
            .bind(tenant)
            .execute(&mut *connection)
            .await
            .during(APPLY)?;
        let row: Option<(i64, i64, i64, Vec<String>)> = sqlx::query_as(
            "SELECT position, passages, length, configs FROM autocrm.autocrm_passage_cursor WHERE tenant = $1 FOR UPDATE",
        )
        .bind(tenant)
        .fetch_optional(connection)
        .await
        .during(APPLY)?;
        let cleared = || Error::new(ErrorKind::Conflict, APPLY).context("the index is being cleared");
        let (position, passages, length, configs) = row.ok_or_else(cleared)?;
        Ok(Self { position, passages, length, configs: configs.into_iter().collect() })
    }

    async fn forget(
        &mut self,
        connection: &mut PgConnection,
        tenant: Uid,
        (articles, chunks): (Vec<Uid>, Vec<Uid>),
    ) -> Result<()> {
        let (passages, length): (i64, i64) = sqlx::query_as(include_str!("../sql/text_forget.sql"))
            .bind(tenant)
            .bind(articles)
            .bind(chunks)
            .fetch_one(connection)
            .await
            .during(APPLY)?;
        self.passages -= passages;
        self.length -= length;
        Ok(())
    }

    async fn keep(
        &mut self,
        connection: &mut PgConnection,
        tenant: Uid,
        rows: &[(Uid, (Uid, Row))],
    ) -> Result<()> {
        let column =
            |pick: fn(&Row) -> &str| rows.iter().map(|(_, (_, row))| pick(row)).collect::<Vec<&str>>();
        let numbers =
            |pick: fn(&Row) -> i64| rows.iter().map(|(_, (_, row))| pick(row)).collect::<Vec<i64>>();
        let lengths = numbers(|row| row.length);
        self.passages += number(rows.len());
        self.length += lengths.iter().sum::<i64>();
        self.configs.extend(rows.iter().map(|(_, (_, row))| row.config.to_owned()));
        sqlx::query(include_str!("../sql/text_keep.sql"))
            .bind(tenant)
            .bind(rows.iter().map(|(chunk, _)| *chunk).collect::<Vec<Uid>>())
            .bind(rows.iter().map(|(_, (article, _))| *article).collect::<Vec<Uid>>())
            .bind(numbers(|row| row.visibility.code()))
            .bind(lengths)
            .bind(column(|row| row.config))
            .bind(column(|row| &row.title))
            .bind(column(|row| &row.heading))
            .bind(column(|row| &row.body))
            .execute(connection)
            .await
            .during(APPLY)?;
        Ok(())
    }

    async fn save(&self, connection: &mut PgConnection, tenant: Uid) -> Result<()> {
        sqlx::query(
            "UPDATE autocrm.autocrm_passage_cursor SET position = $2, passages = $3, length = $4, configs = $5
             WHERE tenant = $1",
        )
        .bind(tenant)
        .bind(self.position)
        .bind(self.passages)
        .bind(self.length)
        .bind(self.configs.iter().cloned().collect::<Vec<String>>())
        .execute(connection)
        .await
        .during(APPLY)?;
        Ok(())
    }
}

impl PostgresTextIndex {
    pub(super) async fn apply_changes(
        &self,
        tenant: Uid,
        changes: &[IndexChange],
        upto: Position,
    ) -> Result<()> {
        let fold = folded(changes);
        let mut tx = self.begin(APPLY, &Session::system(tenant), Access::Write).await?;
        let mut kept = Shelf::lock(&mut tx, tenant).await?;
        // Another node has read the feed further: what it wrote is newer than this.
        if number(upto.get()) < kept.position {
            return Ok(());
        }
        if !fold.articles.is_empty() {
            kept.forget(&mut tx, tenant, fold.gone()).await?;
        }
        let rows: Vec<(Uid, (Uid, Row))> = fold.rows.into_iter().collect();
        for group in rows.chunks(GROUP) {
            kept.keep(&mut tx, tenant, group).await?;
        }
        kept.position = number(upto.get());
        kept.save(&mut tx, tenant).await?;
        tx.commit().await.during(APPLY)
    }
}
