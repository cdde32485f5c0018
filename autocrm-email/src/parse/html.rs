//! HTML to plain text in one pass, without building a tree, so that hostile nesting costs nothing.
//!
//! A converter of our own: those that build a tree first take minutes for half a megabyte of nested elements, and none
//! keeps what mail programs say by classes and ids.

mod entity;
mod guard;
mod mark;
mod token;
mod writer;

pub use guard::{HtmlLimits, HtmlRefusal, check, nests_deeper_than};
pub use mark::{Mark, Marked};
use token::{Token, attribute, tokens};
use writer::Writer;

/// Pictures of one text that are looked for.
const MAX_CONTENT_IDS: usize = 1000;
/// Elements without content or end tag (HTML standard, §13.1.2).
const VOID: &[&str] = &[
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track",
    "wbr",
];
/// Returns the Content-IDs of the attached pictures that `html` shows (RFC 2392), each once, in its order; at most 1000.
pub fn content_ids(html: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for token in tokens(html) {
        let Token::Open { name, attributes } = token else { continue };
        if !name.eq_ignore_ascii_case("img") || found.len() >= MAX_CONTENT_IDS {
            continue;
        }
        let source = entity::decode(attribute(attributes, "src").unwrap_or_default());
        let id = source.trim().get(..4).filter(|scheme| scheme.eq_ignore_ascii_case("cid:"));
        if let Some(id) = id.and_then(|_| source.trim().get(4..)) {
            let id = unescaped(id);
            if !id.is_empty() && !found.contains(&id) {
                found.push(id);
            }
        }
    }
    found
}

/// Resolves `%40` in an address of a part.
fn unescaped(id: &str) -> String {
    let mut bytes = Vec::with_capacity(id.len());
    let mut rest = id.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        let code = (byte == b'%').then(|| tail.get(..2)).flatten();
        let code = code
            .and_then(|two| std::str::from_utf8(two).ok())
            .and_then(|two| u8::from_str_radix(two, 16).ok());
        bytes.push(code.unwrap_or(byte));
        rest = if code.is_some() { tail.get(2..).unwrap_or_default() } else { tail };
    }
    String::from_utf8_lossy(&bytes).into_owned()
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
            // Far above what it takes, far below what the square of the size would take.
            assert!(started.elapsed() < Duration::from_secs(20), "{unit}: {deep} {}", converted.len());
        }
    }
}
