//! What HTML may cost before a tree is built of it.
//!
//! Parsers that follow the HTML standard need the square of some counts: elements inside each other, formatting
//! elements that are never closed and come back in every paragraph, content that a table puts before itself, attributes
//! of one tag, pieces of one text. Each is counted here in one pass without a tree.

use super::{
    VOID,
    token::{Token, attributes, tokens},
};

/// Elements that end their own kind when it opens again (HTML standard, §13.1.2.4).
const SELF_ENDING: &[&str] = &["p", "li", "td", "th", "tr", "dt", "dd", "option"];
/// Elements that come back after the element around them was closed (HTML standard, §13.2.4.3).
const FORMATTING: &[&str] =
    &["a", "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt", "u"];
const TABLE: &[&str] = &["table", "tbody", "thead", "tfoot", "tr"];
/// What may stand directly in a table or its rows.
const IN_TABLE: &[&str] = &[
    "caption", "colgroup", "col", "tbody", "thead", "tfoot", "tr", "td", "th", "table", "script", "style",
    "template", "input", "form",
];

/// Why HTML is not handed to a tree-building parser.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HtmlRefusal {
    /// It is larger than the limit, in bytes.
    #[error("the html has {actual} bytes, the limit is {limit}")]
    TooLarge {
        /// The size found.
        actual: usize,
        /// The limit.
        limit: usize,
    },
    /// It holds more elements than the limit.
    #[error("the html has more than {limit} elements")]
    TooManyElements {
        /// The limit.
        limit: usize,
    },
    /// More elements are open at once than the limit.
    #[error("the html nests deeper than {limit} elements")]
    TooDeep {
        /// The limit.
        limit: usize,
    },
    /// Its form costs a parser more than its size, such as thousands of misplaced elements or attributes.
    #[error("the html is malformed in a costly way")]
    Costly,
}

impl HtmlRefusal {
    /// Returns the stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "html_too_large",
            Self::TooManyElements { .. } => "html_too_many_elements",
            Self::TooDeep { .. } => "html_too_deep",
            Self::Costly => "html_costly",
        }
    }
}

/// The limits of [`check`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HtmlLimits {
    /// Bytes.
    pub bytes: usize,
    /// Elements that are open at once.
    pub depth: usize,
    /// Start tags.
    pub elements: usize,
    /// Formatting elements left open, and attributes of one tag.
    pub loose: usize,
    /// Elements that stand where a table allows none.
    pub misplaced: usize,
    /// Pieces of one text: a parser adds what stands between references, line ends and stray brackets piece by piece.
    /// Several texts share the square of it.
    pub pieces: usize,
}

impl Default for HtmlLimits {
    fn default() -> Self {
        Self { bytes: 1 << 20, depth: 256, elements: 50_000, loose: 256, misplaced: 2000, pieces: 20_000 }
    }
}

/// Returns whether more than `limit` elements are open at once anywhere. Counted before any conversion: building a
/// tree over deeply nested elements costs the square of the depth.
pub fn nests_deeper_than(html: &str, limit: usize) -> bool {
    let limits = HtmlLimits {
        bytes: usize::MAX,
        depth: limit,
        elements: usize::MAX,
        loose: usize::MAX,
        misplaced: usize::MAX,
        pieces: usize::MAX,
    };
    check(html, &limits).is_err()
}

/// Returns whether a tree of `html` costs about its size; linear in the size and the depth allowed.
///
/// # Errors
/// [`HtmlRefusal`], the first limit that is exceeded.
pub fn check(html: &str, limits: &HtmlLimits) -> Result<(), HtmlRefusal> {
    if html.len() > limits.bytes {
        return Err(HtmlRefusal::TooLarge { actual: html.len(), limit: limits.bytes });
    }
    let mut count = Count { limits, open: Vec::new(), elements: 0, loose: 0, misplaced: 0, pieces: 0 };
    for token in tokens(html) {
        match token {
            Token::Open { name, attributes } => count.open(name, attributes)?,
            Token::Close { name } => count.close(name)?,
            Token::Text(text) => count.text(text)?,
        }
    }
    Ok(())
}

struct Count<'a, 'b> {
    limits: &'b HtmlLimits,
    open: Vec<&'a str>,
    elements: usize,
    /// Formatting elements whose end tag is owed.
    loose: usize,
    misplaced: usize,
    /// The squares of the pieces of each text.
    pieces: usize,
}

impl<'a> Count<'a, '_> {
    fn text(&mut self, text: &str) -> Result<(), HtmlRefusal> {
        let pieces = text.bytes().filter(|byte| matches!(byte, b'&' | b'<' | b'\n' | b'\r' | 0)).count();
        self.pieces = self.pieces.saturating_add(pieces.saturating_mul(pieces));
        let limit = self.limits.pieces.saturating_mul(self.limits.pieces);
        if self.pieces > limit { Err(HtmlRefusal::Costly) } else { Ok(()) }
    }

    fn element(&mut self) -> Result<(), HtmlRefusal> {
        self.elements += 1;
        if self.elements > self.limits.elements {
            return Err(HtmlRefusal::TooManyElements { limit: self.limits.elements });
        }
        Ok(())
    }

    fn open(&mut self, name: &'a str, written: &str) -> Result<(), HtmlRefusal> {
        self.element()?;
        let many = self.limits.loose;
        if written.len() / 2 > many && attributes(written).nth(many).is_some() {
            return Err(HtmlRefusal::Costly);
        }
        let in_table = self.open.last().is_some_and(|last| is_one_of(last, TABLE));
        if in_table && !is_one_of(name, IN_TABLE) {
            self.misplaced += 1;
            if self.misplaced > self.limits.misplaced {
                return Err(HtmlRefusal::Costly);
            }
        }
        if is_one_of(name, VOID) {
            return Ok(());
        }
        let repeats = self.open.last().is_some_and(|last| last.eq_ignore_ascii_case(name));
        if repeats && is_one_of(name, SELF_ENDING) {
            return Ok(());
        }
        self.open.push(name);
        if self.open.len() > self.limits.depth {
            return Err(HtmlRefusal::TooDeep { limit: self.limits.depth });
        }
        Ok(())
    }

    fn close(&mut self, name: &str) -> Result<(), HtmlRefusal> {
        let Some(at) = self.open.iter().rposition(|opened| opened.eq_ignore_ascii_case(name)) else {
            if is_one_of(name, FORMATTING) {
                self.loose = self.loose.saturating_sub(1);
            }
            // A stray end of a paragraph makes one.
            return self.element();
        };
        let inside = self.open.get(at + 1..).unwrap_or_default();
        self.loose += inside.iter().filter(|name| is_one_of(name, FORMATTING)).count();
        self.open.truncate(at);
        if self.loose > self.limits.loose { Err(HtmlRefusal::Costly) } else { Ok(()) }
    }
}

fn is_one_of(name: &str, names: &[&str]) -> bool {
    names.iter().any(|known| name.eq_ignore_ascii_case(known))
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    fn refusal(html: &str) -> &'static str {
        check(html, &HtmlLimits::default()).err().map_or("", HtmlRefusal::code)
    }

    #[test]
    fn nesting_is_counted_as_a_browser_would() {
        assert!(nests_deeper_than(&"<div>".repeat(257), 256));
        assert!(!nests_deeper_than(&"<div>".repeat(256), 256));
        assert!(!nests_deeper_than(&"<p>a<br><img>".repeat(1000), 256));
        assert!(!nests_deeper_than(&"<b>a</b>".repeat(1000), 256));
        assert!(nests_deeper_than(&"<div></x>".repeat(300), 256), "a stray end tag closes nothing");
        assert!(nests_deeper_than(&"<div/>".repeat(300), 256), "a slash closes nothing in HTML");
    }

    #[test]
    fn what_costs_the_square_is_refused() {
        let mut reopened = String::new();
        let mut many = "<a ".to_owned();
        for number in 0..3000 {
            write!(reopened, "<p><b x={number}>").unwrap();
            reopened.push_str("</p>");
            write!(many, "a{number} ").unwrap();
        }
        assert_eq!(refusal(&reopened), "html_costly");
        assert_eq!(refusal(&format!("{many}>")), "html_costly");
        assert_eq!(refusal(&format!("<table>{}", "<i></i>".repeat(3000))), "html_costly");
        assert_eq!(refusal(&"&x".repeat(30_000)), "html_costly");
        assert_eq!(refusal(&"<".repeat(30_000)), "html_costly");
        assert_eq!(refusal(&format!("<p>{}", "&x".repeat(15_000)).repeat(3)), "html_costly");
        assert_eq!(refusal(&"</p>".repeat(60_000)), "html_too_many_elements");
        assert_eq!(refusal(&"<br>".repeat(60_000)), "html_too_many_elements");
        assert_eq!(refusal(&"<div>".repeat(300)), "html_too_deep");
        assert_eq!(refusal(&"x".repeat(2 << 20)), "html_too_large");
    }

    #[test]
    fn letters_of_people_and_firms_pass() {
        let row = "<tr><td><p>a <b>b</b> <i>c</p></i><a href=x style=\"a:b;c:d\">d</a><br></td></tr>";
        assert_eq!(refusal(&format!("<table>{}</table>", row.repeat(2000))), "");
        assert_eq!(refusal(&format!("<a href=\"{}\">x</a>", "a/b c".repeat(10_000))), "");
    }
}
