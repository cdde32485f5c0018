//! Links that stand in the header of a mail.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::text::{TextError, TextProblem};

/// Where one click ends a subscription (RFC 8058, section 3.1): an `https` URL of 9..=2,000 visible ASCII characters,
/// none of `<>`. It holds everything that the other side needs, with a part that nobody else can make.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct UnsubscribeLink(String);

impl UnsubscribeLink {
    /// The largest length, in bytes.
    pub const MAX: usize = 2_000;

    /// Checks a link.
    pub fn new(url: impl AsRef<str>) -> Result<Self, TextError> {
        let error = |problem| TextError { kind: "UnsubscribeLink", problem };
        let text = url.as_ref();
        if text.len() > Self::MAX {
            return Err(error(TextProblem::TooLong { max: Self::MAX, actual: text.len() }));
        }
        let visible = text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'<' && byte != b'>');
        let host = text.strip_prefix("https://").filter(|rest| !rest.is_empty() && !rest.starts_with('/'));
        if !visible || host.is_none() {
            return Err(error(TextProblem::Malformed));
        }
        Ok(Self(text.to_owned()))
    }

    /// Returns the URL.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The link acts for whoever has it: it is not shown.
impl fmt::Debug for UnsubscribeLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UnsubscribeLink(…)")
    }
}

impl Serialize for UnsubscribeLink {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for UnsubscribeLink {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::new(text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_line_of_https_is_a_link() {
        assert!(UnsubscribeLink::new("https://desk.example/u/abc?x=1").is_ok());
        for bad in [
            "",
            "https://",
            "https:///path",
            "http://desk.example/u",
            "mailto:a@example.org",
            "https://desk.example/\r\nBcc: eve@example.org",
            "https://desk.example/a b",
            "https://desk.example/>,<mailto:eve@example.org",
        ] {
            assert!(UnsubscribeLink::new(bad).is_err(), "{bad:?}");
        }
        assert!(UnsubscribeLink::new(format!("https://{}", "a".repeat(2_000))).is_err());
    }
}
