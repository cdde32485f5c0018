//! What mail programs say about their text in the markup: where the quoted past begins, which line introduces it, what
//! is a signature. Names of classes and ids outlive every change of wording and language.

use std::ops::Range;

use super::token::attribute;

/// What a stretch of text is, by the markup around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mark {
    /// Text of an earlier mail.
    Quoted,
    /// The line that introduces a quotation, in whatever language.
    Attribution,
    /// A signature, or what a program adds in its place.
    Signature,
    /// Everything from here on is an earlier mail.
    PastBelow,
}

/// A mark and the bytes of the converted text that it covers. Lines that begin inside are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marked {
    /// What the text is.
    pub mark: Mark,
    /// Where it stands.
    pub range: Range<usize>,
}

/// Ids and classes, each as Outlook, Gmail, Thunderbird, Yahoo, Proton and others write them.
const IDS: &[(&str, Mark)] = &[
    ("divrplyfwdmsg", Mark::PastBelow),
    ("appendonsend", Mark::PastBelow),
    ("mail-editor-reference-message-container", Mark::Quoted),
    ("isforwardcontent", Mark::Quoted),
    ("isreplycontent", Mark::Quoted),
    ("zwchr", Mark::PastBelow),
    ("signature", Mark::Signature),
    ("ms-outlook-mobile-signature", Mark::Signature),
    ("protonmail_signature_block", Mark::Signature),
];
const CLASSES: &[(&str, Mark)] = &[
    ("gmail_attr", Mark::Attribution),
    ("gmail_quote", Mark::Attribution),
    ("gmail_quote_container", Mark::Attribution),
    ("moz-cite-prefix", Mark::Attribution),
    ("yahoo_quoted", Mark::Quoted),
    ("protonmail_quote", Mark::Quoted),
    ("tutanota_quote", Mark::Quoted),
    ("zmail_extra", Mark::Quoted),
    ("gmail_signature", Mark::Signature),
    ("moz-signature", Mark::Signature),
    ("protonmail_signature_block", Mark::Signature),
    ("yahoo-signature", Mark::Signature),
];
/// The line above the header block of Outlook for desktops has no name, but always one of these looks.
const RULES_ABOVE: &[&str] =
    &["border:none;border-top:solid#e1e1e11.0pt", "border:none;border-top:solid#b5c4df1.0pt"];
/// Longer values are no names.
const MAX_VALUE_BYTES: usize = 300;

/// Returns what the attributes of an element say about its text.
pub(super) fn mark(name: &str, attributes: &str) -> Option<Mark> {
    let value = |wanted| attribute(attributes, wanted).filter(|value| value.len() <= MAX_VALUE_BYTES);
    if let Some(id) = value("id") {
        let id = id.trim().to_ascii_lowercase();
        if let Some((_, mark)) = IDS.iter().find(|(known, _)| *known == id) {
            return Some(*mark);
        }
    }
    if let Some(classes) = value("class") {
        for class in classes.split_ascii_whitespace() {
            let quotation = name == "blockquote";
            if let Some((_, mark)) = CLASSES.iter().find(|(known, _)| known.eq_ignore_ascii_case(class))
                && !quotation
            {
                return Some(*mark);
            }
        }
    }
    let style = value("style").filter(|_| name == "div")?;
    let bare: String = style.chars().filter(|c| !c.is_whitespace()).collect::<String>().to_ascii_lowercase();
    RULES_ABOVE.iter().any(|rule| bare.starts_with(rule)).then_some(Mark::PastBelow)
}

/// An element with a mark that is open, and how many elements of its name are open inside it.
#[derive(Debug)]
struct Open {
    mark: Mark,
    name: String,
    depth: usize,
    start: usize,
}

/// The marks of one text while it is written. At most one element of each kind is open at once: what stands inside is
/// covered by it already.
#[derive(Debug, Default)]
pub(super) struct Marks {
    open: Vec<Open>,
    found: Vec<Marked>,
}

impl Marks {
    /// Notes an element that opens where the text has `at` bytes.
    pub(super) fn open(&mut self, name: &str, attributes: &str, at: usize) {
        for open in &mut self.open {
            if open.name == name {
                open.depth += 1;
            }
        }
        if name == "blockquote" {
            // The line that introduces a quotation ends where the quotation begins.
            self.end(Mark::Attribution, at);
        }
        match mark(name, attributes) {
            Some(Mark::PastBelow) if self.found.iter().all(|found| found.mark != Mark::PastBelow) => {
                self.found.push(Marked { mark: Mark::PastBelow, range: at..at });
            }
            Some(Mark::PastBelow) => {}
            Some(Mark::Attribution) if self.is_open(Mark::Attribution) => {
                // The inner element says it more exactly.
                self.open.retain(|open| open.mark != Mark::Attribution);
                self.begin(Mark::Attribution, name, at);
            }
            Some(mark) if !self.is_open(mark) => self.begin(mark, name, at),
            _ => {}
        }
    }

    /// Notes an element that closes where the text has `at` bytes.
    pub(super) fn close(&mut self, name: &str, at: usize) {
        let mut ended = Vec::new();
        self.open.retain_mut(|open| {
            if open.name != name {
                return true;
            }
            open.depth -= 1;
            if open.depth == 0 {
                ended.push(Marked { mark: open.mark, range: open.start..at });
            }
            open.depth > 0
        });
        self.keep(ended);
    }

    /// Returns the marks, in the order of the text.
    pub(super) fn finish(mut self, end: usize) -> Vec<Marked> {
        let unclosed = std::mem::take(&mut self.open);
        self.keep(unclosed.into_iter().map(|open| Marked { mark: open.mark, range: open.start..end }));
        self.found.sort_by_key(|found| found.range.start);
        self.found
    }

    fn begin(&mut self, mark: Mark, name: &str, at: usize) {
        self.open.push(Open { mark, name: name.to_owned(), depth: 1, start: at });
    }

    fn end(&mut self, mark: Mark, at: usize) {
        let ended: Vec<Marked> = self
            .open
            .extract_if(.., |open| open.mark == mark)
            .map(|open| Marked { mark, range: open.start..at })
            .collect();
        self.keep(ended);
    }

    fn is_open(&self, mark: Mark) -> bool {
        self.open.iter().any(|open| open.mark == mark)
    }

    fn keep(&mut self, ended: impl IntoIterator<Item = Marked>) {
        self.found.extend(ended.into_iter().filter(|found| !found.range.is_empty()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_known_whatever_their_case() {
        for (name, attributes, expected) in [
            ("div", "id=\"divRplyFwdMsg\" dir=ltr", Some(Mark::PastBelow)),
            ("div", "class='gmail_quote gmail_quote_container'", Some(Mark::Attribution)),
            ("div", "class=\"moz-cite-prefix\"", Some(Mark::Attribution)),
            ("div", "class=yahoo_quoted", Some(Mark::Quoted)),
            ("div", "class=\"x y gmail_signature\"", Some(Mark::Signature)),
            (
                "div",
                "style='border:none; border-top: solid #E1E1E1 1.0pt;padding:3.0pt'",
                Some(Mark::PastBelow),
            ),
            ("div", "style='border:none;border-top:solid red 1.0pt'", None),
            ("blockquote", "class=gmail_quote", None),
            ("div", "class=quoted", None),
            ("div", "", None),
        ] {
            assert_eq!(mark(name, attributes), expected, "{attributes}");
        }
    }
}
