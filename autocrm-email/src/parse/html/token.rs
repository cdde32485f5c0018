//! Tags and text of HTML; each byte is looked at a bounded number of times.

/// What a converter has to know of HTML.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// Text with its character references.
    Text(&'a str),
    Open {
        name: &'a str,
        attributes: &'a str,
    },
    Close {
        name: &'a str,
    },
}

/// Elements whose content is not markup and not shown.
const RAW_TEXT: &[&str] =
    &["script", "style", "title", "template", "noscript", "textarea", "iframe", "svg", "math"];

pub(super) fn tokens(html: &str) -> Tokens<'_> {
    Tokens { rest: html }
}

#[derive(Debug)]
pub(super) struct Tokens<'a> {
    rest: &'a str,
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        while !self.rest.is_empty() {
            let text_length = tag_start(self.rest);
            if text_length > 0 {
                return Some(Token::Text(self.take(text_length)));
            }
            if let Some(token) = self.markup() {
                return Some(token);
            }
        }
        None
    }
}

impl<'a> Tokens<'a> {
    fn take(&mut self, length: usize) -> &'a str {
        let (head, tail) = self.rest.split_at_checked(length).unwrap_or((self.rest, ""));
        self.rest = tail;
        head
    }

    /// Reads the markup at the front; `None` for what is skipped.
    fn markup(&mut self) -> Option<Token<'a>> {
        if self.rest.starts_with("<!--") {
            let end = self
                .rest
                .get(4..)
                .and_then(|comment| comment.find("-->"))
                .map_or(self.rest.len(), |at| at + 7);
            self.take(end);
            return None;
        }
        let tag = self.take(tag_length(self.rest));
        let inner = tag.trim_start_matches('<').trim_end_matches('>');
        if let Some(name) = inner.strip_prefix('/') {
            return Some(Token::Close { name: tag_name(name).0 });
        }
        if inner.starts_with(['!', '?']) {
            return None;
        }
        let (name, attributes) = tag_name(inner);
        if RAW_TEXT.iter().any(|raw| name.eq_ignore_ascii_case(raw)) && !inner.ends_with('/') {
            self.skip_to_end_of(name);
            return None;
        }
        Some(Token::Open { name, attributes })
    }

    fn skip_to_end_of(&mut self, name: &str) {
        while let Some(at) = self.rest.find("</") {
            self.take(at);
            let closes =
                self.rest.get(2..2 + name.len()).is_some_and(|found| found.eq_ignore_ascii_case(name));
            if closes {
                self.take(tag_length(self.rest));
                return;
            }
            self.take(2);
        }
        self.rest = "";
    }
}

/// Returns the length of the text before the next tag: a `<` followed by a letter, `/`, `!` or `?`.
fn tag_start(rest: &str) -> usize {
    let bytes = rest.as_bytes();
    bytes
        .windows(2)
        .position(|two| {
            two[0] == b'<' && (two[1].is_ascii_alphabetic() || matches!(two[1], b'/' | b'!' | b'?'))
        })
        .unwrap_or(rest.len())
}

/// Returns the length of the tag at the front up to its `>`, which may stand inside quotes.
fn tag_length(rest: &str) -> usize {
    let mut quote = None;
    let mut after_equals = false;
    for (at, byte) in rest.bytes().enumerate() {
        match (quote, byte) {
            (None, b'>') => return at + 1,
            (None, b'"' | b'\'') if after_equals => quote = Some(byte),
            (Some(open), _) if open == byte => quote = None,
            _ => {}
        }
        after_equals = byte == b'=' || (after_equals && byte.is_ascii_whitespace());
    }
    rest.len()
}

fn tag_name(inner: &str) -> (&str, &str) {
    let end =
        inner.bytes().position(|byte| byte.is_ascii_whitespace() || byte == b'/').unwrap_or(inner.len());
    inner.split_at_checked(end).unwrap_or((inner, ""))
}

/// Returns the value of an attribute as written, with its character references.
pub(super) fn attribute<'a>(written: &'a str, wanted: &str) -> Option<&'a str> {
    attributes(written).find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value)
}

/// Returns the attributes of a tag as written, in order.
pub(super) fn attributes(written: &str) -> impl Iterator<Item = (&str, &str)> {
    let separates = |c: char| c.is_ascii_whitespace() || c == '/';
    let mut rest = written.trim_start_matches(separates);
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let name_end = rest.find(|c: char| separates(c) || c == '=').unwrap_or(rest.len());
        let (name, after_name) = rest.split_at_checked(name_end)?;
        let (value, after) = attribute_value(after_name.trim_ascii_start());
        let next = after.trim_start_matches(separates);
        rest = if next.len() == rest.len() { "" } else { next };
        Some((name, value))
    })
}

fn attribute_value(rest: &str) -> (&str, &str) {
    let Some(given) = rest.strip_prefix('=').map(str::trim_ascii_start) else {
        return ("", rest);
    };
    for quote in ['"', '\''] {
        if let Some(quoted) = given.strip_prefix(quote) {
            return quoted.split_once(quote).unwrap_or((quoted, ""));
        }
    }
    let end = given.find(|c: char| c.is_ascii_whitespace()).unwrap_or(given.len());
    given.split_at_checked(end).unwrap_or((given, ""))
}
