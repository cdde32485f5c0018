//! The tables that are copied, and the order of their rows.

use std::collections::HashMap;

use async_trait::async_trait;
use autocrm_core::error::Result;
use diesel::{deserialize::QueryableByName, sqlite::Sqlite};
use sqlx::{FromRow, PgConnection, postgres::PgRow};

use crate::{
    column::{Uid, from_json},
    plan::TicketPlan,
    postgres::{
        failure::During,
        search,
        table::{self, Column, Table},
        ticket,
    },
    record::{
        ArticleRecord, ChunkRecord, CorrespondentRecord, CounterRecord, EventRow, FeedbackRecord,
        InboundRecord, MailRefRecord, MessageRecord, NotificationRecord, OutboundRecord, RawRecord,
        ReceiptRecord, RevisionRecord, RoutingRecord, Saved, SchemeRecord, TeamRecord, TemplateRecord,
        TenantRecord, TicketRecord, TicketRest, UserRecord, WholeJobRecord,
    },
    transfer::{COPY, Value},
};

/// How the rows of a table are read from both databases: the same columns in the same order.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    /// The table.
    pub(crate) name: &'static str,
    /// What is read.
    pub(crate) columns: Vec<Column>,
    /// The columns within a tenant in whose order rows are copied: they name a row.
    pub(crate) order: Vec<Column>,
    /// Where the rows are read in PostgreSQL.
    pub(crate) target: &'static str,
}

impl Layout {
    /// Lists the columns.
    pub(crate) fn columns(&self) -> String {
        quoted(&self.columns, "")
    }

    /// Lists the columns of the order; texts are compared by their bytes, as SQLite does.
    pub(crate) fn order(&self) -> String {
        quoted(&self.order, "")
    }
}

fn quoted(columns: &[Column], after: &str) -> String {
    columns.iter().map(|(name, _)| format!("\"{name}\"{after}")).collect::<Vec<_>>().join(", ")
}

/// A record whose table is copied.
#[async_trait]
pub(crate) trait Carried:
    Table + QueryableByName<Sqlite> + for<'r> FromRow<'r, PgRow> + Send + Unpin
{
    /// Where the rows are read in PostgreSQL.
    const TARGET: &'static str;

    /// Returns how the rows are read.
    fn layout() -> Layout {
        let order = Self::KEY.iter().filter(|key| **key != "tenant");
        let column = |key: &&'static str| Self::COLUMNS.iter().find(|(name, _)| name == key).copied();
        Layout {
            name: Self::NAME,
            columns: Self::COLUMNS.to_vec(),
            order: order.filter_map(column).collect(),
            target: Self::TARGET,
        }
    }

    /// Returns the cells of the row in the order of the layout's columns.
    fn cells(&self) -> Vec<Value<'_>> {
        self.values()
    }

    /// Writes rows of a tenant, and what is derived from them.
    async fn write(connection: &mut PgConnection, tenant: Uid, rows: Vec<Self>) -> Result<()>;
}

async fn insert<R: Table>(connection: &mut PgConnection, rows: &[R]) -> Result<()> {
    table::insert(connection, &rows.iter().collect::<Vec<_>>()).await.during(COPY)
}

macro_rules! plainly {
    ($($record:ident in $target:literal,)+) => {$(
        #[async_trait]
        impl Carried for $record {
            const TARGET: &'static str = $target;

            async fn write(connection: &mut PgConnection, _: Uid, rows: Vec<Self>) -> Result<()> {
                insert(connection, &rows).await
            }
        }
    )+};
}

plainly! {
    CounterRecord in "autocrm.autocrm_counter",
    SchemeRecord in "autocrm.autocrm_scheme",
    UserRecord in "autocrm.autocrm_user",
    TeamRecord in "autocrm.autocrm_team",
    RoutingRecord in "autocrm.autocrm_routing",
    TemplateRecord in "autocrm.autocrm_template",
    ArticleRecord in "autocrm.autocrm_article",
    RevisionRecord in "autocrm.autocrm_revision",
    ChunkRecord in "autocrm.autocrm_chunk",
    FeedbackRecord in "autocrm.autocrm_feedback",
    InboundRecord in "autocrm.autocrm_inbound",
    OutboundRecord in "autocrm.autocrm_outbound",
    CorrespondentRecord in "autocrm.autocrm_correspondent",
    MailRefRecord in "autocrm.autocrm_mail_ref",
    RawRecord in "autocrm.autocrm_raw",
    NotificationRecord in "autocrm.autocrm_notification",
    WholeJobRecord in "autocrm.autocrm_job",
    ReceiptRecord in "autocrm.autocrm_idempotency",
}

#[async_trait]
impl Carried for TenantRecord {
    const TARGET: &'static str = "autocrm.autocrm_tenant";

    async fn write(connection: &mut PgConnection, _: Uid, rows: Vec<Self>) -> Result<()> {
        for row in &rows {
            sqlx::query(include_str!("../postgres/sql/direct.sql"))
                .bind(row.tenant)
                .bind(row.support_address.as_deref())
                .execute(&mut *connection)
                .await
                .during(COPY)?;
        }
        insert(connection, &rows).await
    }
}

/// Those involved and the tags are repeated by other tables, which are written anew.
#[async_trait]
impl Carried for TicketRecord {
    const TARGET: &'static str = "autocrm.autocrm_ticket";

    async fn write(connection: &mut PgConnection, _: Uid, rows: Vec<Self>) -> Result<()> {
        let plans: Vec<TicketPlan> = rows.into_iter().map(plan).collect::<Result<_>>()?;
        ticket::relate(connection, &crate::postgres::rows::Rows::default(), plans.iter()).await?;
        ticket::save(connection, plans.iter()).await
    }
}

fn plan(record: TicketRecord) -> Result<TicketPlan> {
    let rest: TicketRest = from_json(&record.rest, "ticket")?;
    let mut involved: Vec<Uid> = rest.participants.iter().map(|user| Uid::of(*user)).collect();
    involved.push(record.requester);
    involved.sort_unstable();
    involved.dedup();
    let tags = rest.tags.iter().map(|tag| tag.as_str().to_owned()).collect();
    Ok(TicketPlan { id: record.id.to(), saved: Saved { from: 0, record }, involved, tags })
}

/// The words under which messages are found are written anew.
#[async_trait]
impl Carried for MessageRecord {
    const TARGET: &'static str = "autocrm.autocrm_message";

    async fn write(connection: &mut PgConnection, tenant: Uid, rows: Vec<Self>) -> Result<()> {
        insert(connection, &rows).await?;
        let saved: Vec<Saved<Self>> = rows.into_iter().map(|record| Saved { from: 0, record }).collect();
        search::write(connection, tenant, &saved.iter().collect::<Vec<_>>(), &HashMap::new()).await
    }
}

/// Events keep their positions, in whose order they are written.
#[async_trait]
impl Carried for EventRow {
    const TARGET: &'static str = "(SELECT e.*, o.position FROM autocrm.autocrm_event e \
        JOIN autocrm.autocrm_event_order o ON o.tenant = e.tenant AND o.event = e.id) AS placed";

    fn layout() -> Layout {
        let position: Column = ("position", "int8");
        let mut columns = Self::COLUMNS.to_vec();
        columns.push(position);
        Layout { name: Self::NAME, columns, order: vec![position], target: Self::TARGET }
    }

    fn cells(&self) -> Vec<Value<'_>> {
        let mut cells = self.values();
        cells.push(Value::Number(self.position));
        cells
    }

    async fn write(connection: &mut PgConnection, tenant: Uid, rows: Vec<Self>) -> Result<()> {
        insert(connection, &rows).await?;
        let (ids, positions): (Vec<Uid>, Vec<i64>) = rows.iter().map(|row| (row.id, row.position)).unzip();
        sqlx::query(include_str!("sql/place_events.sql"))
            .bind(tenant)
            .bind(ids)
            .bind(positions)
            .execute(connection)
            .await
            .during(COPY)?;
        Ok(())
    }
}

/// Calls `$work::<R>` for the record of every table, in an order in which what a row is derived from is there.
macro_rules! each_table {
    ($work:ident $arguments:tt) => {
        each_table! { @each $work $arguments
            TenantRecord CounterRecord SchemeRecord UserRecord TeamRecord TicketRecord RoutingRecord
            MessageRecord TemplateRecord ArticleRecord RevisionRecord ChunkRecord FeedbackRecord RawRecord
            InboundRecord OutboundRecord CorrespondentRecord MailRefRecord NotificationRecord EventRow WholeJobRecord
            ReceiptRecord
        }
    };
    (@each $work:ident $arguments:tt $($record:ident)+) => {
        $(each_table! { @one $work $arguments $record })+
    };
    (@one $work:ident ($this:expr, $($argument:expr),*) $record:ident) => {
        $this.$work::<crate::record::$record>($($argument),*).await?;
    };
}

pub(crate) use each_table;
