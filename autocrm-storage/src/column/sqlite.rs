//! Ids and hashes as columns of SQLite: blobs.

use autocrm_core::mail::BlobHash;
use diesel::{
    deserialize::{self, FromSql},
    serialize::{self, IsNull, Output, ToSql},
    sql_types::Binary,
    sqlite::{Sqlite, SqliteValue},
};
use uuid::Uuid;

use super::{Digest, Uid};

impl ToSql<Binary, Sqlite> for Uid {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(self.0.as_bytes().as_slice());
        Ok(IsNull::No)
    }
}

impl FromSql<Binary, Sqlite> for Uid {
    fn from_sql(mut value: SqliteValue<'_, '_, '_>) -> deserialize::Result<Self> {
        Ok(Self(Uuid::from_slice(value.read_blob())?))
    }
}

impl ToSql<Binary, Sqlite> for Digest {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(self.0.as_array().as_slice());
        Ok(IsNull::No)
    }
}

impl FromSql<Binary, Sqlite> for Digest {
    fn from_sql(mut value: SqliteValue<'_, '_, '_>) -> deserialize::Result<Self> {
        Ok(Self(BlobHash::from_array(<[u8; 32]>::try_from(value.read_blob())?)))
    }
}
