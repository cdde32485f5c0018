//! Cutting an mbox file into mails (RFC 4155; mboxrd and mboxo quoting).

use std::io::{self, BufRead};

/// Reads the mails of an mbox, one at a time.
#[derive(Debug)]
pub(super) struct Mbox<R> {
    reader: R,
    /// The separator of the next mail was read.
    begun: bool,
    limit: usize,
}

/// A mail of an mbox: its bytes, or its size when it is larger than the limit.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Entry {
    Mail(Vec<u8>),
    TooLarge(usize),
}

impl<R: BufRead> Mbox<R> {
    /// Begins to read; `InvalidData` unless the file begins with a separator line. Mails above `limit` bytes are passed
    /// over.
    pub(super) fn open(mut reader: R, limit: usize) -> io::Result<Self> {
        let mut line = Vec::new();
        loop {
            line.clear();
            if reader.read_until(b'\n', &mut line)? == 0 {
                return Ok(Self { reader, begun: false, limit });
            }
            if is_separator(&line) {
                return Ok(Self { reader, begun: true, limit });
            }
            if !line.trim_ascii().is_empty() {
                let problem = "not an mbox file: it does not begin with a \"From \" line";
                return Err(io::Error::new(io::ErrorKind::InvalidData, problem));
            }
        }
    }

    fn read(&mut self) -> io::Result<Option<Entry>> {
        if !self.begun {
            return Ok(None);
        }
        self.begun = false;
        let (mut mail, mut line, mut size) = (Vec::new(), Vec::new(), 0);
        // A separator counts only after an empty line or at the start, as writers put it there.
        let mut after_blank = true;
        loop {
            line.clear();
            if self.reader.read_until(b'\n', &mut line)? == 0 {
                break;
            }
            if after_blank && is_separator(&line) {
                self.begun = true;
                break;
            }
            after_blank = line.trim_ascii().is_empty();
            let text = unquoted(&line);
            size += text.len();
            if size <= self.limit {
                mail.extend_from_slice(text);
            }
        }
        if size > self.limit {
            return Ok(Some(Entry::TooLarge(size)));
        }
        // The empty line before the next separator belongs to the format.
        if self.begun {
            let end = mail.strip_suffix(b"\r\n").or_else(|| mail.strip_suffix(b"\n")).map(<[u8]>::len);
            mail.truncate(end.unwrap_or(mail.len()));
        }
        Ok(Some(Entry::Mail(mail)))
    }
}

impl<R: BufRead> Iterator for Mbox<R> {
    type Item = io::Result<Entry>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read().transpose()
    }
}

/// Returns whether the line is such as `From ann@example.org Mon Nov 16 09:00:00 2026`: with a time of day, because text
/// may begin with "From " too.
fn is_separator(line: &[u8]) -> bool {
    let clock = |bytes: &[u8]| matches!(bytes, [a, b, b':', c, d] if [a, b, c, d].into_iter().all(u8::is_ascii_digit));
    line.starts_with(b"From ") && line.windows(5).any(clock)
}

/// Takes one `>` from lines such as `>From ` and `>>From `.
fn unquoted(line: &[u8]) -> &[u8] {
    let bare = line.iter().position(|byte| *byte != b'>').unwrap_or(0);
    if bare > 0 && line.get(bare..).is_some_and(|rest| rest.starts_with(b"From ")) {
        line.get(1..).unwrap_or_default()
    } else {
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mails(text: &str) -> Vec<Entry> {
        Mbox::open(text.as_bytes(), 100).unwrap().map(Result::unwrap).collect()
    }

    #[test]
    fn mails_are_cut_at_separators_after_blank_lines_and_unquoted() {
        let text = "From a@example.org Mon Nov 16 09:00:00 2026\nSubject: one\n\nFrom here on\nbody\n>From you\n\n\
                    From b@example.org Mon Nov 16 09:01:00 2026\nSubject: two\n\n>>From me\n";
        assert_eq!(
            mails(text),
            [
                Entry::Mail(b"Subject: one\n\nFrom here on\nbody\nFrom you\n".to_vec()),
                Entry::Mail(b"Subject: two\n\n>From me\n".to_vec()),
            ]
        );
    }

    #[test]
    fn other_files_are_refused_and_empty_ones_hold_nothing() {
        assert!(Mbox::open("Subject: x\n".as_bytes(), 100).is_err());
        assert!(mails("\n\n").is_empty());
        assert!(mails("").is_empty());
    }

    #[test]
    fn a_large_mail_is_passed_over_and_the_next_one_read() {
        let text = format!("From a 10:00\n{}\n\nFrom b 10:01\nSubject: small\n", "x".repeat(200));
        assert_eq!(mails(&text), [Entry::TooLarge(202), Entry::Mail(b"Subject: small\n".to_vec())]);
    }
}
