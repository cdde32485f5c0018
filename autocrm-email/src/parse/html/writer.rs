//! The text being written: line breaks, quotation marks, folded white space.

use autocrm_core::text::truncate_bytes;

use super::{
    VOID, entity,
    mark::{Marked, Marks},
    token::attribute,
};

/// Deeper quotations are marked as deep as this.
const MAX_QUOTE_DEPTH: usize = 8;
/// Longer addresses are left out.
const MAX_LINK_BYTES: usize = 2048;

const PARAGRAPHS: &[&str] =
    &["p", "blockquote", "pre", "table", "ul", "ol", "dl", "h1", "h2", "h3", "h4", "h5", "h6"];
const BLOCKS: &[&str] = &[
    "div", "tr", "li", "dt", "dd", "hr", "section", "article", "header", "footer", "form", "address",
    "center", "main", "nav", "aside", "figure", "fieldset", "caption", "body", "html",
];

pub(super) struct Writer {
    out: String,
    limit: usize,
    /// Line breaks owed before the next text, at most two.
    breaks: usize,
    /// A folded space owed before the next text.
    space: bool,
    quotes: usize,
    preformatted: usize,
    /// The hidden element being skipped, and how many of its name are open inside it.
    hidden: Option<(String, usize)>,
    /// The address of the open link, and where its text starts.
    link: Option<(String, usize)>,
    marks: Marks,
}

impl Writer {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            out: String::new(),
            limit,
            breaks: 0,
            space: false,
            quotes: 0,
            preformatted: 0,
            hidden: None,
            link: None,
            marks: Marks::default(),
        }
    }

    pub(super) fn is_full(&self) -> bool {
        self.out.len() >= self.limit
    }

    /// Returns the text and what the markup says about it.
    pub(super) fn finish(mut self) -> (String, Vec<Marked>) {
        let kept = truncate_bytes(&self.out, self.limit).trim_end().len();
        self.out.truncate(kept);
        (self.out, self.marks.finish(kept))
    }

    pub(super) fn text(&mut self, text: &str) {
        if self.hidden.is_some() {
            return;
        }
        for c in entity::decode(text).chars() {
            match c {
                '\n' if self.preformatted > 0 => self.line_break(),
                _ if c.is_whitespace() && self.preformatted == 0 => self.space = true,
                '\t' => self.put(c),
                '\u{feff}' => {}
                _ if c.is_control() => {}
                _ => self.put(c),
            }
        }
    }

    pub(super) fn open(&mut self, name: &str, attributes: &str) {
        if let Some((hidden, depth)) = &mut self.hidden {
            if hidden == name {
                *depth += 1;
            }
            return;
        }
        if is_hidden(attributes) && !VOID.contains(&name) {
            self.hidden = Some((name.to_owned(), 1));
            return;
        }
        self.begin_block(name);
        if !VOID.contains(&name) || name == "hr" {
            self.marks.open(name, attributes, self.out.len());
        }
        match name {
            "br" => self.line_break(),
            "hr" => self.put_all("---"),
            "li" => self.put_all("- "),
            "blockquote" => self.quotes += 1,
            "pre" => self.preformatted += 1,
            "td" | "th" => self.space = true,
            "a" => self.link = link_target(attributes).map(|target| (target, self.out.len())),
            "img" => {
                let alternative = entity::decode(attribute(attributes, "alt").unwrap_or_default());
                if !alternative.trim().is_empty() {
                    self.put_all(&format!("[{}]", alternative.trim()));
                }
            }
            _ => {}
        }
    }

    pub(super) fn close(&mut self, name: &str) {
        if let Some((hidden, depth)) = &mut self.hidden {
            if hidden == name {
                *depth -= 1;
                if *depth == 0 {
                    self.hidden = None;
                }
            }
            return;
        }
        self.marks.close(name, self.out.len());
        match name {
            "a" => self.close_link(),
            "pre" => self.preformatted = self.preformatted.saturating_sub(1),
            _ => {}
        }
        self.begin_block(name);
        if name == "blockquote" {
            self.quotes = self.quotes.saturating_sub(1);
        }
    }

    fn begin_block(&mut self, name: &str) {
        if PARAGRAPHS.contains(&name) {
            self.owe(2);
        } else if BLOCKS.contains(&name) {
            self.owe(1);
        }
    }

    /// Owes line breaks before the next text, none at the very start.
    fn owe(&mut self, breaks: usize) {
        self.space = false;
        if !self.out.is_empty() {
            self.breaks = self.breaks.max(breaks);
        }
    }

    fn line_break(&mut self) {
        self.space = false;
        if !self.out.is_empty() {
            self.breaks = (self.breaks + 1).min(2);
        }
    }

    fn put_all(&mut self, text: &str) {
        text.chars().for_each(|c| if c == ' ' { self.space = true } else { self.put(c) });
    }

    fn put(&mut self, c: char) {
        if self.is_full() {
            return;
        }
        if self.breaks > 0 || self.out.is_empty() {
            let at_start = self.out.is_empty();
            let marks = "> ".repeat(self.quotes.min(MAX_QUOTE_DEPTH));
            if self.breaks > 1 && !at_start {
                let outer = self.quotes.min(self.last_line_quotes());
                self.out.push('\n');
                self.out.push_str("> ".repeat(outer).trim_end());
            }
            if !at_start {
                self.out.push('\n');
            }
            self.out.push_str(&marks);
        } else if self.space && !self.out.ends_with([' ', '\n']) {
            self.out.push(' ');
        }
        self.breaks = 0;
        self.space = false;
        self.out.push(c);
    }

    fn last_line_quotes(&self) -> usize {
        let line = self.out.rsplit('\n').next().unwrap_or_default();
        line.as_bytes().chunks(2).take(MAX_QUOTE_DEPTH).take_while(|mark| mark.starts_with(b">")).count()
    }

    fn close_link(&mut self) {
        let Some((target, start)) = self.link.take() else {
            return;
        };
        let shown = self.out.get(start..).unwrap_or_default().trim();
        if !shown.is_empty() && shown != target {
            self.space = true;
            self.put_all(&format!("<{target}>"));
        }
    }
}

/// Keeps addresses on the web only; others say nothing that the text does not.
fn link_target(attributes: &str) -> Option<String> {
    let target = entity::decode(attribute(attributes, "href").filter(|href| href.len() <= MAX_LINK_BYTES)?);
    let trimmed = target.trim().to_owned();
    let web = ["https://", "http://"].iter().any(|scheme| trimmed.starts_with(scheme));
    let clean = !trimmed.chars().any(|c| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>'));
    (web && clean).then_some(trimmed)
}

fn is_hidden(attributes: &str) -> bool {
    if attribute(attributes, "hidden").is_some() {
        return true;
    }
    let Some(style) = attribute(attributes, "style") else {
        return false;
    };
    let bare: String = style.chars().filter(|c| !c.is_whitespace()).collect();
    bare.to_ascii_lowercase().contains("display:none")
}
