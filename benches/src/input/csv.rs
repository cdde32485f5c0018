//! CSV (RFC 4180) with a header.

use std::path::Path;

use crate::failure::{Failure, Result};

/// Returns the cells of the wanted columns of every record, in the order wanted, with the line on which it begins.
pub(crate) fn table(path: &Path, text: &str, wanted: &[&str]) -> Result<Vec<(usize, Vec<String>)>> {
    let mut rows = records(path, text)?.into_iter();
    let Some((_, header)) = rows.next() else {
        return Err(Failure::in_file(path, None, "the file is empty"));
    };
    let mut places = Vec::with_capacity(wanted.len());
    for name in wanted {
        let place = header.iter().position(|column| column.trim() == *name);
        let missing = || Failure::in_file(path, Some(1), format!("the header names no column `{name}`"));
        places.push(place.ok_or_else(missing)?);
    }
    let mut found = Vec::new();
    for (line, cells) in rows {
        if cells.len() != header.len() {
            let problem = format!("{} fields, the header has {}", cells.len(), header.len());
            return Err(Failure::in_file(path, Some(line), problem));
        }
        found.push((line, places.iter().map(|place| cells[*place].clone()).collect()));
    }
    Ok(found)
}

/// Splits a text into records. A blank line is no record.
fn records(path: &Path, text: &str) -> Result<Vec<(usize, Vec<String>)>> {
    let mut found = Vec::new();
    let (mut cells, mut cell) = (Vec::new(), String::new());
    let (mut line, mut begun) = (1, 1);
    let (mut quoted, mut was_quoted) = (false, false);
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' if quoted && characters.peek() == Some(&'"') => {
                characters.next();
                cell.push('"');
            }
            '"' if quoted => quoted = false,
            '"' if cell.is_empty() && !was_quoted => (quoted, was_quoted) = (true, true),
            '"' => return Err(Failure::in_file(path, Some(line), "a quotation mark inside of a field")),
            ',' if !quoted => {
                cells.push(std::mem::take(&mut cell));
                was_quoted = false;
            }
            '\r' if !quoted && characters.peek() == Some(&'\n') => {}
            '\n' if !quoted => {
                if !(cells.is_empty() && cell.is_empty() && !was_quoted) {
                    cells.push(std::mem::take(&mut cell));
                    found.push((begun, std::mem::take(&mut cells)));
                }
                was_quoted = false;
                line += 1;
                begun = line;
            }
            other => {
                line += usize::from(other == '\n');
                cell.push(other);
            }
        }
    }
    if quoted {
        return Err(Failure::in_file(path, Some(begun), "a quoted field has no end"));
    }
    if !(cells.is_empty() && cell.is_empty() && !was_quoted) {
        cells.push(cell);
        found.push((begun, cells));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_commas_and_lines_are_read() {
        let text = "text,label\r\n\"a, \"\"b\"\"\nc\",x\n\nplain,y";
        let rows = table(Path::new("f.csv"), text, &["label", "text"]).unwrap();
        let expected = [
            (2, vec!["x".to_owned(), "a, \"b\"\nc".to_owned()]),
            (5, vec!["y".to_owned(), "plain".to_owned()]),
        ];
        assert_eq!(rows, expected);
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        let problem = |text| table(Path::new("f.csv"), text, &["text", "label"]).unwrap_err().to_string();
        assert_eq!(problem("text\nx"), "f.csv:1: the header names no column `label`");
        assert_eq!(problem("text,label\na,b\nc"), "f.csv:3: 1 fields, the header has 2");
        assert_eq!(problem("text,label\na,\"b"), "f.csv:2: a quoted field has no end");
        assert_eq!(problem("text,label\na,b\"c\n"), "f.csv:2: a quotation mark inside of a field");
        assert_eq!(problem(""), "f.csv: the file is empty");
    }
}
