//! Enhanced status codes (RFC 3463) and what they say about an address.

use std::fmt;

use autocrm_core::mail::Fate;

/// An enhanced status code such as `5.1.1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StatusCode {
    /// 2 for success, 4 for a transient failure, 5 for a permanent one.
    pub class: u8,
    /// What it is about: 1 addresses, 2 mailboxes, 3 the system, 4 routing, 5 the protocol, 6 the contents, 7 policy.
    pub subject: u16,
    /// The detail, whose meaning depends on the subject.
    pub detail: u16,
}

impl StatusCode {
    /// Reads the code at the front of `text`; what follows it, such as a comment, does not matter.
    pub fn parse(text: &str) -> Option<Self> {
        let token = text.trim_start().split(|c: char| !(c.is_ascii_digit() || c == '.')).next()?;
        let mut numbers = token.split('.');
        let mut number = |max: usize| {
            let digits = numbers.next().filter(|digits| (1..=max).contains(&digits.len()))?;
            digits.parse::<u16>().ok()
        };
        let (class, subject, detail) = (number(1)?, number(3)?, number(3)?);
        let class = u8::try_from(class).ok().filter(|class| matches!(class, 2 | 4 | 5))?;
        Some(Self { class, subject, detail })
    }

    /// Finds the first code in running text, such as a diagnostic.
    pub fn find(text: &str) -> Option<Self> {
        text.match_indices(['2', '4', '5']).find_map(|(at, _)| {
            let before = text.get(..at)?.chars().next_back();
            let alone = before.is_none_or(|c| !(c.is_alphanumeric() || c == '.' || c == '-'));
            let rest = text.get(at..).filter(|_| alone)?;
            let code = Self::parse(rest)?;
            // An address of a host has a fourth number.
            let length = rest.bytes().take_while(|byte| byte.is_ascii_digit() || *byte == b'.').count();
            (rest.get(..length)?.trim_end_matches('.').matches('.').count() == 2).then_some(code)
        })
    }

    /// Returns whether the code says no more than its class.
    pub const fn is_generic(self) -> bool {
        self.subject == 0 && self.detail == 0
    }

    /// Returns what the code says about the address.
    pub const fn severity(self) -> Severity {
        match (self.class, self.subject, self.detail) {
            (2, ..) => Severity::None,
            // A mailbox that is full and a time that ran out can be otherwise tomorrow.
            (4, ..) | (5, 2, 2) | (5, 4, 7) => Severity::Soft,
            // The sender, the size, the contents or a rule was refused: the address exists or is unknown.
            (5, 7 | 6, _) | (5, 1, 7 | 8) | (5, 2, 3) | (5, 3, 4) => Severity::Policy,
            _ => Severity::Hard,
        }
    }
}

impl fmt::Display for StatusCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.class, self.subject, self.detail)
    }
}

/// What a report means for the address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Severity {
    /// Delivered, relayed or expanded: nothing failed.
    None,
    /// It may work later: a full mailbox, a server that does not answer.
    Soft,
    /// This mail was refused, by a rule, for its size, contents or sender; that says nothing about the address.
    Policy,
    /// The address does not take mail.
    Hard,
}

impl Severity {
    /// Returns what it means for the address.
    pub const fn fate(self) -> Fate {
        match self {
            Self::None => Fate::Reached,
            Self::Soft => Fate::Soft,
            Self::Policy => Fate::Policy,
            Self::Hard => Fate::Hard,
        }
    }

    /// Returns the stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Soft => "soft",
            Self::Policy => "policy",
            Self::Hard => "hard",
        }
    }
}

/// Returns the class of the SMTP reply (RFC 5321 §4.2) at the front of a line or after an opening mark, as a code that
/// says no more than that.
pub(super) fn smtp_reply(text: &str) -> Option<StatusCode> {
    text.match_indices(['4', '5']).find_map(|(at, _)| {
        let before = text.get(..at)?.chars().next_back();
        let digits = text.get(at..at + 3)?;
        let after = text.get(at + 3..)?.chars().next();
        let alone = before.is_none_or(|c| c.is_whitespace() || "[('\":;#-<".contains(c))
            && after.is_some_and(|c| matches!(c, ' ' | '-' | '#'));
        let valid = digits.bytes().all(|byte| byte.is_ascii_digit()) && digits.as_bytes().get(1)? <= &b'5';
        let class = digits.as_bytes().first()? - b'0';
        (alone && valid).then_some(StatusCode { class, subject: 0, detail: 0 })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_read_with_what_follows() {
        for (text, expected) in [
            ("5.1.1", Some("5.1.1")),
            (" 4.4.7 (delivery time expired)", Some("4.4.7")),
            ("5.7.26 rest", Some("5.7.26")),
            ("3.1.1", None),
            ("5.1", None),
            ("5..1", None),
            ("51.1.1", None),
            ("5.1.9999", None),
            ("", None),
        ] {
            assert_eq!(StatusCode::parse(text).map(|code| code.to_string()).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn codes_are_found_among_addresses_of_hosts() {
        for (text, expected) in [
            ("smtp; 550 5.1.1 no such user", Some("5.1.1")),
            ("host 5.1.1.9 said: 554 #5.7.1 refused", Some("5.7.1")),
            ("version-5.1.1", None),
            ("x5.1.1", None),
            ("5.1.1.", Some("5.1.1")),
        ] {
            assert_eq!(StatusCode::find(text).map(|code| code.to_string()).as_deref(), expected, "{text}");
        }
        assert_eq!(smtp_reply("server said: 550-no").map(|code| code.class), Some(5));
        assert_eq!(smtp_reply("<<< 452 later").map(|code| code.class), Some(4));
        assert_eq!(smtp_reply("at 5500 metres, 550"), None);
    }

    #[test]
    fn hard_soft_and_policy_are_apart() {
        for (code, expected) in [
            ("2.0.0", Severity::None),
            ("4.4.1", Severity::Soft),
            ("4.7.1", Severity::Soft),
            ("5.0.0", Severity::Hard),
            ("5.1.1", Severity::Hard),
            ("5.2.1", Severity::Hard),
            ("5.2.2", Severity::Soft),
            ("5.3.4", Severity::Policy),
            ("5.7.1", Severity::Policy),
            ("5.7.26", Severity::Policy),
        ] {
            assert_eq!(StatusCode::parse(code).unwrap().severity(), expected, "{code}");
        }
    }
}
