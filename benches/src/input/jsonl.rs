//! One JSON object a line.

use std::path::Path;

use serde_json::{Map, Value};

use crate::failure::{Failure, Result};

/// An object of a line.
pub(crate) type Object = Map<String, Value>;

/// Returns the objects with their lines; blank lines are passed over.
pub(crate) fn lines(path: &Path, text: &str) -> Result<Vec<(usize, Object)>> {
    let mut found = Vec::new();
    for (at, line) in text.lines().enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        let object = serde_json::from_str(line).map_err(|error| {
            let problem = error.to_string();
            let bare = problem.split(" at line ").next().unwrap_or_default().to_owned();
            Failure::in_file(path, Some(at + 1), bare)
        })?;
        found.push((at + 1, object));
    }
    Ok(found)
}

/// Returns a value of an object.
fn field<'a>(path: &Path, line: usize, object: &'a Object, key: &str) -> Result<&'a Value> {
    object.get(key).ok_or_else(|| Failure::in_file(path, Some(line), format!("there is no `{key}`")))
}

/// Returns a text of an object.
pub(crate) fn text(path: &Path, line: usize, object: &Object, key: &str) -> Result<String> {
    let value = field(path, line, object, key)?;
    let wrong = || Failure::in_file(path, Some(line), format!("`{key}` is no text"));
    value.as_str().map(str::to_owned).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_counted_and_bad_ones_named() {
        let path = Path::new("f.jsonl");
        let read = lines(path, "{\"a\":\"x\"}\n\n{\"b\":1}\n").unwrap();
        assert_eq!(read.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [1, 3]);
        assert_eq!(text(path, 1, &read[0].1, "a").unwrap(), "x");
        assert_eq!(text(path, 3, &read[1].1, "a").unwrap_err().to_string(), "f.jsonl:3: there is no `a`");
        assert_eq!(text(path, 3, &read[1].1, "b").unwrap_err().to_string(), "f.jsonl:3: `b` is no text");
        assert!(lines(path, "{}\n[1]").unwrap_err().to_string().starts_with("f.jsonl:2: "));
    }
}
