//! Ids as values of `uuid`. The driver's own feature for them would lock a second driver of SQLite into the workspace.

use sqlx::{
    Decode, Encode, Postgres, Type,
    encode::IsNull,
    error::BoxDynError,
    postgres::{PgArgumentBuffer, PgHasArrayType, PgTypeInfo, PgValueRef, types::Oid},
};
use uuid::Uuid;

/// An id.
#[derive(Debug, Clone, Copy)]
pub(super) struct Uid(pub(super) Uuid);

impl Type<Postgres> for Uid {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(Oid(2_950))
    }
}

impl PgHasArrayType for Uid {
    fn array_type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(Oid(2_951))
    }
}

impl Encode<'_, Postgres> for Uid {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        buffer.extend_from_slice(self.0.as_bytes());
        Ok(IsNull::No)
    }
}

impl Decode<'_, Postgres> for Uid {
    fn decode(value: PgValueRef<'_>) -> Result<Self, BoxDynError> {
        Ok(Self(Uuid::from_slice(value.as_bytes()?)?))
    }
}
