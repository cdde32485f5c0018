//! Strict mailbox lists (RFC 5322 §3.4, RFC 6532): what may name an author, and nothing that two readers could read
//! differently.

use autocrm_core::text::EmailAddress;

/// Comments may nest this deep.
const MAX_COMMENT_DEPTH: usize = 8;

/// One mailbox of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mailbox {
    /// The display name as written: without quotes and comments, encoded words not decoded; empty if there is none.
    pub name: String,
    /// The address, lower-cased.
    pub address: EmailAddress,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TokenKind {
    Atom,
    Quoted,
    Special(char),
}

#[derive(Debug)]
struct Token {
    kind: TokenKind,
    text: String,
    /// White space or a comment stands before the token.
    spaced: bool,
}

/// Reads an unfolded mailbox list; `None` if any part of it is not plainly a mailbox: groups, routes, domain
/// literals, obsolete spaces inside an address, an unquoted `@` in a name, characters outside the grammar.
pub fn mailboxes(value: &str) -> Option<Vec<Mailbox>> {
    let tokens = tokens(value)?;
    tokens.split(|token| token.kind == TokenKind::Special(',')).map(mailbox).collect()
}

fn tokens(value: &str) -> Option<Vec<Token>> {
    let mut found = Vec::new();
    let mut chars = value.chars().peekable();
    let mut spaced = false;
    while let Some(first) = chars.next() {
        let (kind, text) = match first {
            ' ' | '\t' => {
                spaced = true;
                continue;
            }
            '(' => {
                skip_comment(&mut chars)?;
                spaced = true;
                continue;
            }
            '"' => (TokenKind::Quoted, quoted(&mut chars)?),
            '<' | '>' | '@' | '.' | ',' => (TokenKind::Special(first), String::new()),
            _ if is_atom(first) => {
                let mut text = String::from(first);
                while let Some(next) = chars.next_if(|&next| is_atom(next)) {
                    text.push(next);
                }
                (TokenKind::Atom, text)
            }
            _ => return None,
        };
        found.push(Token { kind, text, spaced });
        spaced = false;
    }
    Some(found)
}

fn is_atom(c: char) -> bool {
    match c {
        'a'..='z' | 'A'..='Z' | '0'..='9' => true,
        _ if c.is_ascii() => "!#$%&'*+-/=?^_`{|}~".contains(c),
        _ => !c.is_control() && !c.is_whitespace(),
    }
}

type Chars<'a> = std::iter::Peekable<std::str::Chars<'a>>;

fn quoted(chars: &mut Chars<'_>) -> Option<String> {
    let mut text = String::new();
    loop {
        match chars.next()? {
            '"' => return Some(text),
            '\\' => text.push(chars.next()?),
            other => text.push(other),
        }
    }
}

fn skip_comment(chars: &mut Chars<'_>) -> Option<()> {
    let mut depth = 1;
    while depth > 0 {
        match chars.next()? {
            '(' => depth += 1,
            ')' => depth -= 1,
            '\\' => {
                chars.next()?;
            }
            _ => {}
        }
        if depth > MAX_COMMENT_DEPTH {
            return None;
        }
    }
    Some(())
}

fn mailbox(tokens: &[Token]) -> Option<Mailbox> {
    let Some(open) = tokens.iter().position(|token| token.kind == TokenKind::Special('<')) else {
        return Some(Mailbox { name: String::new(), address: address(tokens)? });
    };
    let (name, rest) = (tokens.get(..open)?, tokens.get(open + 1..)?);
    let (close, inside) = rest.split_last()?;
    if close.kind != TokenKind::Special('>') {
        return None;
    }
    Some(Mailbox { name: phrase(name)?, address: address(inside)? })
}

fn phrase(tokens: &[Token]) -> Option<String> {
    let mut name = String::new();
    for token in tokens {
        if token.spaced && !name.is_empty() {
            name.push(' ');
        }
        match token.kind {
            TokenKind::Atom | TokenKind::Quoted => name.push_str(&token.text),
            TokenKind::Special('.') => name.push('.'),
            TokenKind::Special(_) => return None,
        }
    }
    Some(name)
}

fn address(tokens: &[Token]) -> Option<EmailAddress> {
    let mut text = String::new();
    let mut ats = 0;
    for (at, token) in tokens.iter().enumerate() {
        if token.spaced && at > 0 {
            return None;
        }
        match token.kind {
            TokenKind::Atom => text.push_str(&token.text),
            TokenKind::Quoted if ats == 0 && is_dot_atom(&token.text) => text.push_str(&token.text),
            TokenKind::Special('.') => text.push('.'),
            TokenKind::Special('@') => {
                ats += 1;
                text.push('@');
            }
            _ => return None,
        }
    }
    let (local, _) = text.split_once('@')?;
    if ats != 1 || !is_dot_atom(local) {
        return None;
    }
    EmailAddress::new(&text).ok()
}

fn is_dot_atom(text: &str) -> bool {
    text.split('.').all(|word| !word.is_empty() && word.chars().all(is_atom))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(value: &str) -> Option<(String, String)> {
        let list = mailboxes(value)?;
        let [only] = list.as_slice() else { return None };
        Some((only.name.clone(), only.address.as_str().to_owned()))
    }

    #[test]
    fn plain_mailboxes_are_read() {
        for (value, name, address) in [
            ("ann@example.org", "", "ann@example.org"),
            ("<Ann@Example.ORG>", "", "ann@example.org"),
            ("Ann Lee <ann@example.org>", "Ann Lee", "ann@example.org"),
            ("John Q. Public <j@example.org>", "John Q. Public", "j@example.org"),
            ("\"Lee, Ann \\\"A\\\"\" <ann@example.org>", "Lee, Ann \"A\"", "ann@example.org"),
            ("\"bank@example.com\" <ann@example.org>", "bank@example.com", "ann@example.org"),
            ("ann@example.org (Ann (the first) Lee)", "", "ann@example.org"),
            ("=?utf-8?q?=C3=84nn?= <ann@example.org>", "=?utf-8?q?=C3=84nn?=", "ann@example.org"),
            ("Änn <änn@exämple.org>", "Änn", "änn@exämple.org"),
            ("\"ann.lee\"@example.org", "", "ann.lee@example.org"),
        ] {
            assert_eq!(one(value), Some((name.to_owned(), address.to_owned())), "{value}");
        }
    }

    #[test]
    fn lists_are_split() {
        assert_eq!(mailboxes("a@example.org, B <b@example.org>").unwrap().len(), 2);
    }

    #[test]
    fn whatever_can_be_read_twice_is_refused() {
        for value in [
            "",
            "ann",
            "ann@",
            "@example.org",
            "ann@example.org@evil.example",
            "ann@example.org <mallory@evil.example>",
            "<ann@example.org> <mallory@evil.example>",
            "<ann@example.org> mallory@evil.example",
            "ann smith@example.org",
            "ann @example.org",
            "ann@ example.org",
            "ann@exam(comment)ple.org",
            "ann@[127.0.0.1]",
            "Team: ann@example.org;",
            "Team: Ann <ann@example.org>",
            "<@relay.example:ann@example.org>",
            "\"ann",
            "Ann (lee <ann@example.org>",
            "Ann <ann@example.org",
            "ann@example.org>",
            "ann@example.org,",
            "\"a@b\"@example.org",
            "\"a b\"@example.org",
            "ann..lee@example.org",
            "a\u{0}nn@example.org",
            "((((((((((x)))))))))) ann@example.org",
        ] {
            assert_eq!(mailboxes(value), None, "{value}");
        }
    }
}
