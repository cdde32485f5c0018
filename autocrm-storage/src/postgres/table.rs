//! Rows as arrays: any number of rows of one table are written by one statement, whose text depends on the table alone.

use sqlx::{
    Arguments as _, Encode, FromRow, PgConnection, Postgres, Row as _, Type,
    postgres::{PgArguments, PgHasArrayType, PgRow},
};

use crate::{
    column::{Digest, Uid},
    record::{
        ArticleRecord, ChunkRecord, CorrespondentRecord, EventRow, FeedbackRecord, InboundRecord,
        MailRefRecord, MessageRecord, NewJobRecord, NotificationRecord, OutboundRecord, RawRecord,
        RevisionRecord, RoutingRecord, SchemeRecord, TeamRecord, TemplateRecord, TenantRecord, TicketRecord,
        UserRecord,
    },
};
#[cfg(feature = "sqlite")]
use crate::{
    record::{CounterRecord, ReceiptRecord, WholeJobRecord},
    transfer::Value,
};

/// A value that stands in an array of a column's type.
pub(crate) trait Cell {
    /// The value as it is sent.
    type Element<'a>: Encode<'a, Postgres> + Type<Postgres> + PgHasArrayType
    where
        Self: 'a;

    /// Returns the value as it is sent.
    fn element(&self) -> Self::Element<'_>;

    /// Returns the value as it is compared.
    #[cfg(feature = "sqlite")]
    fn value(&self) -> Value<'_>;
}

macro_rules! copied {
    ($($cell:ty),+) => {$(
        impl Cell for $cell {
            type Element<'a> = $cell;

            fn element(&self) -> $cell {
                *self
            }

            #[cfg(feature = "sqlite")]
            fn value(&self) -> Value<'_> {
                Value::from(*self)
            }
        }
    )+};
}

copied!(i64, Option<i64>, Uid, Option<Uid>, Digest, &'static str);

impl Cell for String {
    type Element<'a> = &'a str;

    fn element(&self) -> &str {
        self
    }

    #[cfg(feature = "sqlite")]
    fn value(&self) -> Value<'_> {
        Value::from(self.as_str())
    }
}

impl Cell for Option<String> {
    type Element<'a> = Option<&'a str>;

    fn element(&self) -> Option<&str> {
        self.as_deref()
    }

    #[cfg(feature = "sqlite")]
    fn value(&self) -> Value<'_> {
        self.as_deref().map_or(Value::Null, Value::from)
    }
}

impl Cell for Vec<u8> {
    type Element<'a> = &'a [u8];

    fn element(&self) -> &[u8] {
        self
    }

    #[cfg(feature = "sqlite")]
    fn value(&self) -> Value<'_> {
        Value::Bytes(self.as_slice().into())
    }
}

/// A column and its type.
pub(crate) type Column = (&'static str, &'static str);

/// A record that is a row of a table.
pub(crate) trait Table: Sync + Sized + 'static {
    /// The table without its prefix.
    const NAME: &'static str;
    /// The columns in the order of [`arrays`](Self::arrays).
    const COLUMNS: &'static [Column];
    /// The columns that name a row.
    const KEY: &'static [&'static str];
    /// Columns that an update leaves as they are, besides the key.
    const KEPT: &'static [&'static str];

    /// Returns one array per column.
    fn arrays(rows: &[&Self]) -> Result<PgArguments, sqlx::Error>;

    /// Returns the values of a row in the order of the columns.
    #[cfg(feature = "sqlite")]
    fn values(&self) -> Vec<Value<'_>>;

    /// Returns the statement that adds rows.
    fn insertion() -> &'static str;

    /// Returns the statement that adds rows unless their key is taken.
    fn addition() -> &'static str;

    /// Returns the statement that replaces rows.
    fn replacement() -> &'static str;
}

/// Lists the names of columns.
fn names(columns: &[Column], prefix: &str) -> String {
    let all: Vec<String> = columns.iter().map(|(name, _)| format!("{prefix}\"{name}\"")).collect();
    all.join(", ")
}

/// Lists one array parameter per column.
fn parameters(columns: &[Column]) -> String {
    let all: Vec<String> =
        columns.iter().enumerate().map(|(at, (_, kind))| format!("${}::{kind}[]", at + 1)).collect();
    all.join(", ")
}

fn insertion<T: Table>() -> String {
    format!(
        "INSERT INTO autocrm.{} ({}) SELECT * FROM unnest({})",
        T::NAME,
        names(T::COLUMNS, ""),
        parameters(T::COLUMNS)
    )
}

fn replacement<T: Table>() -> String {
    let is_kept = |name: &&str| T::KEY.contains(name) || T::KEPT.contains(name);
    let changed: Vec<String> = T::COLUMNS
        .iter()
        .filter(|(name, _)| !is_kept(name))
        .map(|(name, _)| format!("\"{name}\" = u.\"{name}\""))
        .collect();
    let same: Vec<String> = T::KEY.iter().map(|name| format!("t.\"{name}\" = u.\"{name}\"")).collect();
    format!(
        "UPDATE autocrm.{} t SET {} FROM unnest({}) AS u({}) WHERE {}",
        T::NAME,
        changed.join(", "),
        parameters(T::COLUMNS),
        names(T::COLUMNS, ""),
        same.join(" AND ")
    )
}

macro_rules! tables {
    ($($record:ident = $name:literal by $($key:literal)+ $(keeping $kept:literal)? { $($field:ident $kind:literal),+ $(,)? })+) => {$(
        impl Table for $record {
            const NAME: &'static str = $name;
            const COLUMNS: &'static [Column] = &[$((stringify!($field), $kind)),+];
            const KEY: &'static [&'static str] = &[$($key),+];
            const KEPT: &'static [&'static str] = &[$($kept)?];

            fn arrays(rows: &[&Self]) -> Result<PgArguments, sqlx::Error> {
                let mut arguments = PgArguments::default();
                $(
                    let column: Vec<_> = rows.iter().map(|row| row.$field.element()).collect();
                    arguments.add(column).map_err(sqlx::Error::Encode)?;
                )+
                Ok(arguments)
            }

            #[cfg(feature = "sqlite")]
            fn values(&self) -> Vec<Value<'_>> {
                vec![$(self.$field.value()),+]
            }

            fn insertion() -> &'static str {
                static TEXT: std::sync::LazyLock<String> = std::sync::LazyLock::new(insertion::<$record>);
                &TEXT
            }

            fn addition() -> &'static str {
                static TEXT: std::sync::LazyLock<String> =
                    std::sync::LazyLock::new(|| format!("{} ON CONFLICT DO NOTHING", insertion::<$record>()));
                &TEXT
            }

            fn replacement() -> &'static str {
                static TEXT: std::sync::LazyLock<String> = std::sync::LazyLock::new(replacement::<$record>);
                &TEXT
            }
        }
    )+};
}

/// Tables whose rows are read by the places of their columns, with `SELECT *` or `t.*`: to find each value by the name of
/// its column takes longer than to read it.
macro_rules! read_by_place {
    ($($record:ident = $name:literal by $($key:literal)+ $(keeping $kept:literal)? { $($field:ident $kind:literal),+ $(,)? })+) => {
        tables! { $($record = $name by $($key)+ $(keeping $kept)? { $($field $kind),+ })+ }

        $(impl FromRow<'_, PgRow> for $record {
            fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
                let mut places = 0..;
                let mut place = || places.next().unwrap_or(usize::MAX);
                Ok(Self { $($field: row.try_get(place())?),+ })
            }
        })+
    };
}

tables! {
    TenantRecord = "autocrm_tenant" by "tenant" {
        tenant "uuid", version "int8", support_address "text", document "text",
    }
    SchemeRecord = "autocrm_scheme" by "tenant" { tenant "uuid", version "int8", document "text" }
    UserRecord = "autocrm_user" by "tenant" "id" {
        tenant "uuid", id "uuid", version "int8", email "text", external_id "text", role "int8", active "int8",
        document "text",
    }
    TeamRecord = "autocrm_team" by "tenant" "id" {
        tenant "uuid", id "uuid", version "int8", name "text", document "text",
    }
    RoutingRecord = "autocrm_routing" by "tenant" "ticket" { tenant "uuid", ticket "uuid", document "text" }
    MessageRecord = "autocrm_message" by "tenant" "id" {
        tenant "uuid", id "uuid", ticket "uuid", version "int8", sequence "int8", audience "int8", kind "text",
        author "int8", author_user "uuid", body "text", reply_at "int8", trimmed_at "int8", language "text",
        attachments "text", held "int8", mail "uuid", sent_at "int8", created_at "int8",
    }
    TemplateRecord = "autocrm_template" by "tenant" "id" {
        tenant "uuid", id "uuid", version "int8", team "uuid", document "text",
    }
    ArticleRecord = "autocrm_article" by "tenant" "id" {
        tenant "uuid", id "uuid", version "int8", slug "text", state "int8", visibility "int8", category "text",
        language "text", document "text",
    }
    RevisionRecord = "autocrm_revision" by "tenant" "article" "number" {
        tenant "uuid", article "uuid", number "int8", document "text",
    }
    ChunkRecord = "autocrm_chunk" by "tenant" "id" {
        tenant "uuid", id "uuid", article "uuid", ordinal "int8", document "text",
    }
    FeedbackRecord = "autocrm_feedback" by "tenant" "id" {
        tenant "uuid", id "uuid", target_kind "int8", target "uuid", user "uuid", helpful "int8", document "text",
    }
    InboundRecord = "autocrm_inbound" by "tenant" "id" {
        tenant "uuid", id "uuid", version "int8", recipient "text", raw "bytea", provider_id "text", ticket "uuid",
        document "text",
    }
    OutboundRecord = "autocrm_outbound" by "tenant" "id" {
        tenant "uuid", id "uuid", version "int8", ticket "uuid", document "text",
    }
    CorrespondentRecord = "autocrm_correspondent" by "tenant" "id" {
        tenant "uuid", id "uuid", version "int8", address "text", suppressed "int8", acknowledged_at "int8",
        document "text",
    }
    MailRefRecord = "autocrm_mail_ref" by "tenant" "message_id" "message" {
        tenant "uuid", message_id "text", message "uuid", ticket "uuid", user "uuid", outbound "uuid",
    }
    RawRecord = "autocrm_raw" by "tenant" "hash" { tenant "uuid", hash "bytea", bytes "bytea" }
    NotificationRecord = "autocrm_notification" by "tenant" "id" {
        tenant "uuid", id "uuid", version "int8", recipient "uuid", ticket "uuid", document "text",
    }
    EventRow = "autocrm_event" by "tenant" "id" {
        tenant "uuid", id "uuid", at "int8", actor "int8", actor_user "uuid", subject "int8", subject_id "uuid",
        version "int8", ticket "uuid", audience "int8", event "text",
    }
    NewJobRecord = "autocrm_job" by "id" {
        id "uuid", tenant "uuid", kind "text", payload "text", key "uuid", state "int8", attempts "int8",
        max_attempts "int8", token "int8", run_at "int8", first_due "int8", created_at "int8",
    }
}

// Tickets are read by the hundred.
read_by_place! {
    TicketRecord = "autocrm_ticket" by "tenant" "id" keeping "number" {
        tenant "uuid", id "uuid", version "int8", number "int8", subject "text", status "int8", status_key "text",
        priority "int8", category "text", category_source "int8", channel "int8", requester "uuid", team "uuid",
        assignee "uuid", pending_until "int8", messages "int8", first_response_at "int8", resolved_at "int8",
        closed_at "int8", deleted_at "int8", created_at "int8", updated_at "int8", rest "text",
    }
}

#[cfg(feature = "sqlite")]
tables! {
    CounterRecord = "autocrm_counter" by "tenant" { tenant "uuid", number "int8" }
    WholeJobRecord = "autocrm_job" by "tenant" "id" {
        id "uuid", tenant "uuid", kind "text", payload "text", key "uuid", state "int8", attempts "int8",
        max_attempts "int8", token "int8", run_at "int8", first_due "int8", lease_until "int8", last_error "text",
        created_at "int8",
    }
    ReceiptRecord = "autocrm_idempotency" by "tenant" "key" "principal" {
        tenant "uuid", principal "text", key "text", request "bytea", receipt "text", at "int8",
    }
}

/// Adds rows.
pub(crate) async fn insert<T: Table>(connection: &mut PgConnection, rows: &[&T]) -> Result<(), sqlx::Error> {
    write(connection, T::insertion(), rows).await.map(drop)
}

/// Adds rows whose key is not taken.
pub(crate) async fn add<T: Table>(connection: &mut PgConnection, rows: &[&T]) -> Result<(), sqlx::Error> {
    write(connection, T::addition(), rows).await.map(drop)
}

/// Replaces rows, and returns how many there were.
pub(crate) async fn replace<T: Table>(
    connection: &mut PgConnection,
    rows: &[&T],
) -> Result<u64, sqlx::Error> {
    write(connection, T::replacement(), rows).await
}

async fn write<T: Table>(
    connection: &mut PgConnection,
    statement: &'static str,
    rows: &[&T],
) -> Result<u64, sqlx::Error> {
    if rows.is_empty() {
        return Ok(0);
    }
    let done = sqlx::query_with(statement, T::arrays(rows)?).execute(connection).await?;
    Ok(done.rows_affected())
}
