//! A desk moves from a SQLite file to a PostgreSQL database.
//!
//! Every row is copied as it is: ids, versions, ticket numbers, positions of events, jobs with their attempts, receipts.
//! What is derived from rows (who is involved, tags, the words under which messages are found) is written anew. At the
//! end both databases are read back and compared by a hash over the rows of each table.
//!
//! Rows are copied tenant by tenant and table by table in the order of their keys, so that what is there tells how far an
//! interrupted copy came. Until a copy has ended, [`PostgresStore::open`](crate::postgres::PostgresStore::open) refuses
//! the database.

mod source;
mod table;
mod target;
mod value;

use autocrm_core::error::{Error, ErrorKind, Result};
use data_encoding::HEXLOWER;
use sha2::{Digest as _, Sha256};
use sqlx::PgPool;
use uuid::Uuid;

use crate::{
    column::Uid,
    sqlite::SqliteConfig,
    transfer::{
        source::Source,
        table::{Carried, each_table},
        target::{Target, named},
    },
};

pub(crate) use value::Value;

const COPY: &str = "copy a desk";
/// How many rows are copied in one transaction.
const BATCH: i64 = 200;
/// For how many months partitions are made at most, from the oldest on; messages of later months wait in the default one.
const MONTHS: usize = 1_200;

/// How far a copy is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// What is being done to the table.
    pub step: Step,
    /// The table.
    pub table: &'static str,
    /// Rows of the table that are done, those of an interrupted copy included.
    pub rows: u64,
    /// Rows that the table has in the source.
    pub total: u64,
}

/// A step of a copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Rows are written.
    Copy,
    /// Rows are read back and compared.
    Compare,
}

/// A table whose rows are equal in both databases.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableReport {
    /// The table.
    pub table: &'static str,
    /// How many rows it has.
    pub rows: u64,
    /// The SHA-256 over all of its rows, in hexadecimal digits.
    pub hash: String,
}

/// What a copy did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransferReport {
    /// Whether it went on with an interrupted copy.
    pub resumed: bool,
    /// Every table.
    pub tables: Vec<TableReport>,
}

/// Copies the desk in a SQLite file into an empty, migrated PostgreSQL database, or goes on with an interrupted copy, and
/// compares both at the end. `watch` hears of every batch.
///
/// The file is read in the state that it has at the beginning: stop the desk first, or what it writes meanwhile is left
/// behind. The pool has at least 2 connections, and its user owns the tables and may create a schema. Raw mails above
/// 65,536 bytes lie in the blob store, which the host copies.
///
/// # Errors
/// `Conflict` when the database holds another desk, `Corrupt` when rows differ at the end or a row cannot be read,
/// `Unavailable` when another process copies into the database or one of both cannot be reached; `SchemaOutdated`,
/// `SchemaTooNew` and `Unsupported` as when either is opened. After an error the call may be repeated.
pub async fn copy(
    source: &SqliteConfig,
    pool: &PgPool,
    mut watch: impl FnMut(Progress) + Send,
) -> Result<TransferReport> {
    let mut source = Source::open(source).await?;
    let tenants = source.tenants().await?;
    let target = Target::take(pool, &identity(&tenants)).await?;
    let resumed = target.is_continued;
    make_months(&mut source, &target, &tenants).await?;
    let mut work = Work { source, target, tenants, watch: &mut watch, tables: Vec::new() };
    work.copy_all().await?;
    work.compare_all().await?;
    let Work { target, tables, .. } = work;
    target.finish().await?;
    Ok(TransferReport { resumed, tables })
}

/// Returns what a desk is recognised by: its tenants.
fn identity(tenants: &[Uid]) -> String {
    let mut hash = Sha256::new();
    for tenant in tenants {
        hash.update(tenant.0.as_bytes());
    }
    HEXLOWER.encode(&hash.finalize())
}

/// Makes the partitions of the months in which there are messages.
async fn make_months(source: &mut Source, target: &Target, tenants: &[Uid]) -> Result<()> {
    let mut made = 0;
    for tenant in tenants {
        let mut from = Uid(Uuid::nil());
        while let Some(message) = source.first_message(*tenant, from).await? {
            made += 1;
            match target.make_month(message).await? {
                Some(next) if made < MONTHS => from = next,
                _ => break,
            }
        }
    }
    Ok(())
}

/// A copy under way.
struct Work<'a> {
    source: Source,
    target: Target,
    tenants: Vec<Uid>,
    watch: &'a mut (dyn FnMut(Progress) + Send),
    tables: Vec<TableReport>,
}

impl Work<'_> {
    async fn copy_all(&mut self) -> Result<()> {
        each_table!(copy_table(self,));
        Ok(())
    }

    async fn compare_all(&mut self) -> Result<()> {
        let there = self.target.tenants().await?;
        if there.iter().any(|tenant| !self.tenants.contains(tenant)) {
            return Err(
                Error::new(ErrorKind::Conflict, COPY).context("a tenant came into the database meanwhile")
            );
        }
        each_table!(compare_table(self,));
        Ok(())
    }

    async fn copy_table<R: Carried>(&mut self) -> Result<()> {
        let layout = R::layout();
        let total = self.source.count(layout.name).await?;
        let mut rows = 0;
        for tenant in self.tenants.clone() {
            let mut after = self.target.last::<R>(tenant).await?;
            if after.is_some() {
                rows += self.target.count::<R>(tenant).await?;
            }
            loop {
                let page: Vec<R> = self.source.page(tenant, after.take(), BATCH).await?;
                let Some(last) = page.last() else { break };
                after = Some(named(&layout, last));
                rows += u64::try_from(page.len()).unwrap_or(u64::MAX);
                self.target.write(tenant, page).await?;
                (self.watch)(Progress { step: Step::Copy, table: layout.name, rows, total });
            }
        }
        Ok(())
    }

    async fn compare_table<R: Carried>(&mut self) -> Result<()> {
        let layout = R::layout();
        let total = self.source.count(layout.name).await?;
        let (mut ours, mut theirs) = (Tally::default(), Tally::default());
        for tenant in self.tenants.clone() {
            let mut after = None;
            loop {
                let page: Vec<R> = self.source.page(tenant, after.take(), BATCH).await?;
                let Some(last) = page.last() else { break };
                after = Some(named(&layout, last));
                ours.take(&page);
            }
            let mut copied = self.target.rows::<R>(tenant).await?;
            loop {
                let page: Vec<R> = copied.next().await?;
                if page.is_empty() {
                    break;
                }
                theirs.take(&page);
                (self.watch)(Progress { step: Step::Compare, table: layout.name, rows: theirs.rows, total });
            }
        }
        let (rows, copied) = (ours.rows, theirs.rows);
        let (hash, other) = (ours.finish(), theirs.finish());
        if rows != total || rows != copied || hash != other {
            let context = format!("{}: of {total} rows {copied} were copied, or one differs", layout.name);
            return Err(Error::new(ErrorKind::Corrupt, COPY).context(context));
        }
        self.tables.push(TableReport { table: layout.name, rows, hash });
        Ok(())
    }
}

/// Rows counted and hashed.
#[derive(Default)]
struct Tally {
    rows: u64,
    hash: Sha256,
}

impl Tally {
    fn take<R: Carried>(&mut self, page: &[R]) {
        for row in page {
            self.rows += 1;
            for cell in row.cells() {
                cell.feed(&mut self.hash);
            }
        }
    }

    fn finish(self) -> String {
        HEXLOWER.encode(&self.hash.finalize())
    }
}
