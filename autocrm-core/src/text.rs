//! Bounded texts: each type states its limit, normalises once and is valid ever after.

use std::{borrow::Borrow, fmt, ops::Deref, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Why a text was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TextProblem {
    /// Nothing is left after trimming.
    Empty,
    /// The text is longer than the limit.
    TooLong {
        /// The limit, in the unit of the type.
        max: usize,
        /// The length found, in the same unit.
        actual: usize,
    },
    /// The text holds a control character that the type does not allow.
    ControlCharacter,
    /// The text does not have the form that the type asks for.
    Malformed,
}

/// A text was refused; the refused text itself is not repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TextError {
    /// The type that refused.
    pub kind: &'static str,
    /// What is wrong.
    pub problem: TextProblem,
}

impl TextError {
    /// Returns the stable code.
    pub const fn code(&self) -> &'static str {
        match self.problem {
            TextProblem::Empty => "text_empty",
            TextProblem::TooLong { .. } => "text_too_long",
            TextProblem::ControlCharacter => "text_control_character",
            TextProblem::Malformed => "text_malformed",
        }
    }
}

impl fmt::Display for TextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.problem {
            TextProblem::Empty => write!(f, "{} is empty", self.kind),
            TextProblem::TooLong { max, actual } => {
                write!(f, "{} is too long: {actual}, the limit is {max}", self.kind)
            }
            TextProblem::ControlCharacter => write!(f, "{} holds a control character", self.kind),
            TextProblem::Malformed => write!(f, "{} is malformed", self.kind),
        }
    }
}

impl std::error::Error for TextError {}

fn line(kind: &'static str, text: &str, max: usize) -> Result<String, TextError> {
    let trimmed = text.trim();
    let problem = if trimmed.is_empty() {
        TextProblem::Empty
    } else if trimmed.chars().any(char::is_control) {
        TextProblem::ControlCharacter
    } else {
        let actual = trimmed.chars().count();
        if actual <= max {
            return Ok(trimmed.to_owned());
        }
        TextProblem::TooLong { max, actual }
    };
    Err(TextError { kind, problem })
}

fn body(kind: &'static str, text: &str, max: usize) -> Result<String, TextError> {
    if text.len() > max {
        return Err(TextError { kind, problem: TextProblem::TooLong { max, actual: text.len() } });
    }
    if text.contains('\0') {
        return Err(TextError { kind, problem: TextProblem::ControlCharacter });
    }
    Ok(text.to_owned())
}

fn key(kind: &'static str, text: &str, max: usize) -> Result<String, TextError> {
    let lower = line(kind, text, max)?.to_ascii_lowercase();
    if lower.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')) {
        return Ok(lower);
    }
    Err(TextError { kind, problem: TextProblem::Malformed })
}

fn tag(kind: &'static str, text: &str, max: usize) -> Result<String, TextError> {
    Ok(line(kind, text, max)?.to_lowercase())
}

fn language(kind: &'static str, text: &str, max: usize) -> Result<String, TextError> {
    let lower = line(kind, text, max)?.to_ascii_lowercase();
    if lower.len() >= 2 && lower.bytes().all(|byte| byte.is_ascii_lowercase()) {
        return Ok(lower);
    }
    Err(TextError { kind, problem: TextProblem::Malformed })
}

/// Lower-cases the whole address: no mailbox provider in use tells `Ann@` from `ann@`, and two users for one person
/// are the worse mistake.
fn email(kind: &'static str, text: &str, max: usize) -> Result<String, TextError> {
    let address = line(kind, text, max)?.to_lowercase();
    let malformed = Err(TextError { kind, problem: TextProblem::Malformed });
    let Some((local, domain)) = address.rsplit_once('@') else { return malformed };
    let forbidden = |c: char| {
        c.is_whitespace()
            || matches!(c, '<' | '>' | '(' | ')' | '[' | ']' | ',' | ';' | ':' | '"' | '\\' | '@')
    };
    if local.is_empty() || local.len() > 64 || local.chars().any(forbidden) {
        return malformed;
    }
    let label_is_good = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_alphanumeric() || c == '-')
    };
    if domain.is_empty() || !domain.split('.').all(label_is_good) {
        return malformed;
    }
    Ok(address)
}

macro_rules! texts {
    ($($(#[$doc:meta])* $name:ident = $check:ident($max:expr),)+) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// The limit, in the unit that the type's description states.
            pub const MAX: usize = $max;

            /// Checks and normalises `text`.
            pub fn new(text: impl AsRef<str>) -> Result<Self, TextError> {
                $check(stringify!($name), text.as_ref(), Self::MAX).map(Self)
            }

            /// Returns the text.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// Returns the text as an owned string.
            pub fn into_string(self) -> String {
                self.0
            }
        }

        impl Deref for $name {
            type Target = str;

            fn deref(&self) -> &str {
                &self.0
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = TextError;

            fn from_str(text: &str) -> Result<Self, TextError> {
                Self::new(text)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                Self::new(text).map_err(serde::de::Error::custom)
            }
        }
    )+};
}

texts! {
    /// A text of several lines, 0..=1,048,576 bytes, without NUL; kept byte for byte.
    Body = body(1_048_576),
    /// An e-mail address, at most 254 characters, lower-cased.
    EmailAddress = email(254),
    /// The host's own id of a user or entity: one line, 1..=200 characters.
    ExternalId = line(200),
    /// A short machine name, 1..=64 of `a-z 0-9 _ - .`, lower-cased: categories, skills, statuses, fields.
    Key = key(64),
    /// A language as its two- or three-letter code (ISO 639), lower-cased.
    Language = language(3),
    /// The name of a model as its maker writes it: one line, 1..=200 characters.
    ModelName = line(200),
    /// A person's, team's or file's name: one line, 1..=150 characters.
    Name = line(150),
    /// A note of one line, 1..=500 characters: reasons and descriptions.
    Note = line(500),
    /// A ticket's subject or an article's title: one line, 1..=255 characters.
    Subject = line(255),
    /// A tag: one line, 1..=50 characters, lower-cased.
    Tag = tag(50),
}

/// Cuts `text` to at most `max` bytes at a character boundary.
pub fn truncate_bytes(text: &str, max: usize) -> &str {
    if text.len() <= max {
        return text;
    }
    let mut end = max;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

/// Turns any text into one line of at most `max` characters: control characters become spaces, runs are folded.
pub fn one_line(text: &str, max: usize) -> String {
    let spaced: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let folded = spaced.split_whitespace().collect::<Vec<_>>().join(" ");
    folded.chars().take(max).collect::<String>().trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_enforced() {
        assert!(Subject::new("a".repeat(255)).is_ok());
        assert_eq!(
            Subject::new("a".repeat(256)).unwrap_err().problem,
            TextProblem::TooLong { max: 255, actual: 256 }
        );
        assert_eq!(Subject::new("  ").unwrap_err().problem, TextProblem::Empty);
        assert_eq!(Subject::new("a\r\nBcc: b").unwrap_err().problem, TextProblem::ControlCharacter);
        assert_eq!(Body::new("a\0b").unwrap_err().problem, TextProblem::ControlCharacter);
    }

    #[test]
    fn addresses_are_checked_and_lower_cased() {
        assert_eq!(EmailAddress::new(" Ann@Example.ORG ").unwrap().as_str(), "ann@example.org");
        for bad in [
            "",
            "ann",
            "@example.org",
            "a b@example.org",
            "a@b@example.org",
            "a@-x.org",
            "a@x..org",
            "a<b@x.org",
        ] {
            assert!(EmailAddress::new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn lines_are_made_from_anything() {
        assert_eq!(one_line("a\r\n\tb   c", 10), "a b c");
        assert_eq!(one_line("äöü", 2), "äö");
        assert_eq!(truncate_bytes("äb", 1), "");
    }
}
