//! HTML to plain text in one pass, without building a tree, so that hostile nesting costs nothing.

mod entity;
mod mark;
mod token;
mod writer;

pub use mark::{Mark, Marked};
use token::{Token, tokens};
use writer::Writer;

/// Elements without content or end tag (HTML standard, §13.1.2).
const VOID: &[&str] = &[
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track",
    "wbr",
];
/// Elements that end their own kind when it opens again (HTML standard, §13.1.2.4).
const SELF_ENDING: &[&str] = &["p", "li", "td", "th", "tr", "dt", "dd", "option"];

/// Returns whether more than `limit` elements are open at once anywhere. Counted before any conversion: building a
/// tree over deeply nested elements costs the square of the depth.
pub fn nests_deeper_than(html: &str, limit: usize) -> bool {
    let mut open: Vec<&str> = Vec::new();
    for token in tokens(html) {
        match token {
            Token::Open { name, .. } if !VOID.iter().any(|void| name.eq_ignore_ascii_case(void)) => {
                let repeats = open.last().is_some_and(|last| last.eq_ignore_ascii_case(name));
                if repeats && SELF_ENDING.iter().any(|ending| name.eq_ignore_ascii_case(ending)) {
                    continue;
                }
                open.push(name);
                if open.len() > limit {
                    return true;
                }
            }
            Token::Close { name } => {
                if let Some(at) = open.iter().rposition(|opened| opened.eq_ignore_ascii_case(name)) {
                    open.truncate(at);
                }
            }
            _ => {}
        }
    }
    false
}

/// Returns the text that a reader of `html` would see, at most `limit` bytes: blocks on lines of their own, list items with
/// a dash, quotations with `>`, links to the web with their address behind them, no styles, scripts or hidden elements.
pub fn to_text(html: &str, limit: usize) -> String {
    convert(html, limit).text
}

/// The text of an HTML body, and what its markup says about it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Converted {
    /// The text that a reader would see.
    pub text: String,
    /// The marks, in the order of the text.
    pub marks: Vec<Marked>,
}

/// Converts as [`to_text`] does, and keeps what mail programs say about their text by classes and ids.
pub fn convert(html: &str, limit: usize) -> Converted {
    let mut writer = Writer::new(limit);
    for token in tokens(html) {
        match token {
            Token::Text(text) => writer.text(text),
            Token::Open { name, attributes } => writer.open(&name.to_ascii_lowercase(), attributes),
            Token::Close { name } => writer.close(&name.to_ascii_lowercase()),
        }
        if writer.is_full() {
            break;
        }
    }
    let (text, marks) = writer.finish();
    Converted { text, marks }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    fn text(html: &str) -> String {
        to_text(html, 1 << 20)
    }

    #[test]
    fn blocks_lists_and_links_are_readable() {
        let html = "<html><head><title>x</title><style>p{}</style></head><body><p>Hello&nbsp;<b>Ann</b>,</p>\
            <p>see <a href=\"https://example.com/a?b&amp;c\">the page</a> &amp; <a href='https://example.org'>example.org</a></p>\
            <ul><li>one</li><li>two</li></ul><div>a<br>b</div><script>alert(1)</script><!-- no --></body></html>";
        assert_eq!(
            text(html),
            "Hello Ann,\n\nsee the page <https://example.com/a?b&c> & example.org <https://example.org>\n\n- one\n- two\n\na\nb"
        );
    }

    #[test]
    fn quotations_keep_their_mark() {
        let html = "<div>Yes.</div><div class=\"gmail_quote\"><div>On 3 Mar 2026, Ann &lt;a@example.com&gt; wrote:<br></div>\
            <blockquote><div>Works?</div><blockquote>older</blockquote></blockquote></div>";
        assert_eq!(text(html), "Yes.\nOn 3 Mar 2026, Ann <a@example.com> wrote:\n\n> Works?\n>\n> > older");
    }

    #[test]
    fn hidden_elements_and_controls_are_left_out() {
        assert_eq!(text("<div style='color:red; DISPLAY : none'>secret<div>x</div></div>seen"), "seen");
        assert_eq!(text("a<span hidden>b</span>c &#0;&#27;d"), "ac d");
        assert_eq!(text("<pre>a\n  b</pre>"), "a\n  b");
        assert_eq!(text("1 < 2 && 3 > 2 &unknown; &#x41;&#66;"), "1 < 2 && 3 > 2 &unknown; AB");
    }

    #[test]
    fn output_is_bounded() {
        assert!(to_text(&"<blockquote>x".repeat(10_000), 1000).len() <= 1000);
        assert!(to_text(&"ä ".repeat(10_000), 1001).len() <= 1001);
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
    fn bomb_corpus_is_cheap() {
        for unit in [
            "<div>",
            "<b><i>",
            "<",
            "<!--",
            "<a href=\"",
            "&",
            "<table><tr><td>",
            "</x>",
            "<script>",
            "<div hidden>",
            "\u{e4}<p ",
        ] {
            let html = unit.repeat(500_000 / unit.len());
            let started = Instant::now();
            let deep = nests_deeper_than(&html, 256);
            let converted = to_text(&html, 1 << 20);
            let took = started.elapsed();
            assert!(
                took < Duration::from_millis(250) * if cfg!(debug_assertions) { 8 } else { 1 },
                "{unit}: {took:?} {deep} {}",
                converted.len()
            );
        }
    }
}
