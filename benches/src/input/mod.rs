//! Reading data sets. Whatever is wrong is named with its file and line.

pub(crate) mod csv;
mod jsonl;
mod mails;
mod tsv;

use std::{fs, path::Path};

use crate::failure::{Failure, Result};

pub(crate) use csv::table;
pub(crate) use jsonl::{lines as json_lines, text as json_text};
pub(crate) use mails::{folder as mail_folder, mbox};
pub(crate) use tsv::qrels;

/// Returns the text of a file, without a byte order mark.
pub(crate) fn text_of(path: &Path) -> Result<String> {
    let bytes = fs::read(path).map_err(|error| Failure::in_file(path, None, error))?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = before.split(|byte| *byte == b'\n').count();
        Failure::in_file(path, Some(line), "the file is not UTF-8")
    })?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

/// A text and its label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Labelled {
    pub(crate) text: String,
    pub(crate) label: String,
}

/// Reads labelled texts: CSV with a header that names `text` and `label`, or JSONL with these keys (`.jsonl`).
pub(crate) fn labelled(path: &Path) -> Result<Vec<Labelled>> {
    let content = text_of(path)?;
    let mut found = Vec::new();
    if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("jsonl")) {
        for (line, object) in json_lines(path, &content)? {
            let text = json_text(path, line, &object, "text")?;
            let label = json_text(path, line, &object, "label")?;
            found.push(Labelled { text, label });
        }
    } else {
        for (_, mut cells) in table(path, &content, &["text", "label"])? {
            let label = cells.pop().unwrap_or_default();
            found.push(Labelled { text: cells.pop().unwrap_or_default(), label });
        }
    }
    if found.is_empty() {
        return Err(Failure::in_file(path, None, "there are no examples"));
    }
    Ok(found)
}
