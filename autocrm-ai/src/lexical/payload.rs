//! What a commit carries beside the passages: the format, and how far each tenant's feed was applied.

use std::collections::BTreeMap;

use autocrm_core::{
    change::Position,
    error::{Error, ErrorKind, Result},
    id::TenantId,
};
use serde::{Deserialize, Serialize};

/// Counts changes of the schema, of the terms or of the payload; an index of another format is built anew.
pub(crate) const FORMAT: u32 = 1;

/// The payload of every commit, as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Payload {
    format: u32,
    /// By tenant, in order, so that equal states give equal bytes.
    cursors: BTreeMap<TenantId, Position>,
}

impl Payload {
    pub(crate) fn new() -> Self {
        Self { format: FORMAT, cursors: BTreeMap::new() }
    }

    /// Reads the payload of a commit.
    pub(crate) fn parse(stored: Option<&str>) -> Result<Self> {
        /// The part that every format shares.
        #[derive(Deserialize)]
        struct Format {
            format: u32,
        }
        let error = |kind| Error::new(kind, "text_index.open");
        let Some(text) = stored else {
            return Err(error(ErrorKind::SchemaOutdated).context("no format"));
        };
        let found: Format = serde_json::from_str(text)
            .map_err(|source| error(ErrorKind::Corrupt).context("format").source(source))?;
        if found.format > FORMAT {
            return Err(error(ErrorKind::SchemaTooNew).context(found.format));
        }
        if found.format < FORMAT {
            return Err(error(ErrorKind::SchemaOutdated).context(found.format));
        }
        serde_json::from_str(text)
            .map_err(|source| error(ErrorKind::Corrupt).context("cursors").source(source))
    }

    pub(crate) fn to_text(&self) -> Result<String> {
        serde_json::to_string(self)
            .map_err(|source| Error::new(ErrorKind::Internal, "text_index.apply").source(source))
    }

    pub(crate) fn cursor(&self, tenant: TenantId) -> Position {
        self.cursors.get(&tenant).copied().unwrap_or(Position::START)
    }

    /// Moves a tenant's cursor forward; it never moves back.
    pub(crate) fn advance(&mut self, tenant: TenantId, upto: Position) {
        let cursor = self.cursors.entry(tenant).or_insert(Position::START);
        *cursor = upto.max(*cursor);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stored_form_is_pinned() {
        let mut payload = Payload::new();
        payload.advance(TenantId::from_uuid(uuid::Uuid::from_u128(1)), Position::new(7));
        let text = r#"{"format":1,"cursors":{"00000000-0000-0000-0000-000000000001":7}}"#;
        assert_eq!(payload.to_text().unwrap(), text);
        assert_eq!(Payload::parse(Some(text)).unwrap(), payload);
    }

    #[test]
    fn other_formats_are_told_apart() {
        let kind = |stored: Option<&str>| Payload::parse(stored).unwrap_err().kind();
        assert_eq!(kind(None), ErrorKind::SchemaOutdated);
        assert_eq!(kind(Some(r#"{"format":0}"#)), ErrorKind::SchemaOutdated);
        assert_eq!(kind(Some(r#"{"format":2,"anything":[]}"#)), ErrorKind::SchemaTooNew);
        assert_eq!(kind(Some("{")), ErrorKind::Corrupt);
        assert_eq!(kind(Some(r#"{"format":1,"cursors":7}"#)), ErrorKind::Corrupt);
    }

    #[test]
    fn cursors_never_move_back() {
        let tenant = TenantId::from_uuid(uuid::Uuid::from_u128(1));
        let mut payload = Payload::new();
        payload.advance(tenant, Position::new(7));
        payload.advance(tenant, Position::new(3));
        assert_eq!(payload.cursor(tenant), Position::new(7));
    }
}
