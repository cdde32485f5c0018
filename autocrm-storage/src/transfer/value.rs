//! Cells of rows, as both databases give them.

use std::borrow::Cow;

use sha2::{Digest as _, Sha256};

use crate::column::{Digest, Uid};

/// A cell of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value<'a> {
    Null,
    Number(i64),
    Uid(Uid),
    Bytes(Cow<'a, [u8]>),
    Text(Cow<'a, str>),
}

impl Value<'_> {
    /// Returns the cell without its row.
    pub(crate) fn into_owned(self) -> Value<'static> {
        match self {
            Self::Null => Value::Null,
            Self::Number(number) => Value::Number(number),
            Self::Uid(uid) => Value::Uid(uid),
            Self::Bytes(bytes) => Value::Bytes(Cow::Owned(bytes.into_owned())),
            Self::Text(text) => Value::Text(Cow::Owned(text.into_owned())),
        }
    }

    /// Adds the cell to a hash: its kind, its length and its bytes, so that no two rows are one sequence of bytes.
    pub(crate) fn feed(&self, hash: &mut Sha256) {
        let number_bytes;
        let (kind, bytes): (u8, &[u8]) = match self {
            Self::Null => (0, &[]),
            Self::Number(number) => {
                number_bytes = number.to_be_bytes();
                (1, &number_bytes)
            }
            Self::Uid(uid) => (2, uid.0.as_bytes()),
            Self::Bytes(bytes) => (3, bytes),
            Self::Text(text) => (4, text.as_bytes()),
        };
        hash.update([kind]);
        hash.update(u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(bytes);
    }
}

impl From<i64> for Value<'_> {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl From<Option<i64>> for Value<'_> {
    fn from(number: Option<i64>) -> Self {
        number.map_or(Self::Null, Self::Number)
    }
}

impl From<Uid> for Value<'_> {
    fn from(uid: Uid) -> Self {
        Self::Uid(uid)
    }
}

impl From<Option<Uid>> for Value<'_> {
    fn from(uid: Option<Uid>) -> Self {
        uid.map_or(Self::Null, Self::Uid)
    }
}

impl From<Digest> for Value<'_> {
    fn from(digest: Digest) -> Self {
        Self::Bytes(Cow::Owned(digest.0.as_array().to_vec()))
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(cells: &[Value<'_>]) -> Vec<u8> {
        let mut hash = Sha256::new();
        for cell in cells {
            cell.feed(&mut hash);
        }
        hash.finalize().to_vec()
    }

    #[test]
    fn rows_that_differ_have_other_hashes() {
        let rows = [
            vec![Value::from("ab"), Value::from("c")],
            vec![Value::from("a"), Value::from("bc")],
            vec![Value::from("abc")],
            vec![Value::Null, Value::from("abc")],
            vec![Value::from(0)],
            vec![Value::Null],
            vec![Value::from("")],
        ];
        for (at, one) in rows.iter().enumerate() {
            for other in rows.iter().skip(at + 1) {
                assert_ne!(hash(one), hash(other));
            }
        }
    }
}
