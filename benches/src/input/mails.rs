//! Raw mails: a folder of `.eml` files, or an mbox file.

use std::{fs, path::Path};

use bytes::Bytes;

use crate::failure::{Failure, Result};

/// Returns the raw mails of a folder, by file name.
pub(crate) fn folder(path: &Path) -> Result<Vec<Bytes>> {
    let unreadable = |error| Failure::in_file(path, None, error);
    let mut files = Vec::new();
    for entry in fs::read_dir(path).map_err(unreadable)? {
        let file = entry.map_err(unreadable)?.path();
        if file.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("eml")) {
            files.push(file);
        }
    }
    files.sort();
    if files.is_empty() {
        return Err(Failure::in_file(path, None, "there are no .eml files"));
    }
    files
        .iter()
        .map(|file| fs::read(file).map(Bytes::from).map_err(|error| Failure::in_file(file, None, error)))
        .collect()
}

/// Returns the raw mails of an mbox file (RFC 4155; `>From ` is unquoted as in mboxrd).
pub(crate) fn mbox(path: &Path) -> Result<Vec<Bytes>> {
    let content = fs::read(path).map_err(|error| Failure::in_file(path, None, error))?;
    split(&content).map_err(|line| Failure::in_file(path, Some(line), "an mbox begins with a `From ` line"))
}

/// Returns the mails, or the line that should begin one.
fn split(content: &[u8]) -> std::result::Result<Vec<Bytes>, usize> {
    let mut mails: Vec<Vec<u8>> = Vec::new();
    let mut after_blank = true;
    for (at, line) in content.split_inclusive(|byte| *byte == b'\n').enumerate() {
        let blank = line.iter().all(|byte| matches!(byte, b'\r' | b'\n'));
        if after_blank && line.starts_with(b"From ") {
            mails.push(Vec::new());
        } else if let Some(mail) = mails.last_mut() {
            let marks = line.iter().take_while(|byte| **byte == b'>').count();
            let quoted = marks > 0 && line[marks..].starts_with(b"From ");
            mail.extend_from_slice(if quoted { &line[1..] } else { line });
        } else if !blank {
            return Err(at + 1);
        }
        after_blank = blank;
    }
    // The blank line before the next `From ` belongs to the box, not to the mail.
    for mail in &mut mails {
        for end in [b"\r\n".as_slice(), b"\n"] {
            if mail.ends_with(&[end, end].concat()) {
                mail.truncate(mail.len() - end.len());
                break;
            }
        }
    }
    Ok(mails.into_iter().map(Bytes::from).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mails_of_a_box_are_told_apart() {
        let content = b"From a Mon\nSubject: 1\n\n>From here\nFrom there\n\nFrom b Tue\nSubject: 2\n\nx\n";
        let mails = split(content).unwrap();
        assert_eq!(mails, [&b"Subject: 1\n\nFrom here\nFrom there\n"[..], b"Subject: 2\n\nx\n"]);
        assert_eq!(split(b"\nSubject: 1\n"), Err(2));
        assert_eq!(split(b""), Ok(Vec::new()));
    }
}
