//! What a measurement found: keys and values, as one JSON object or as a table.

use std::io::{self, Write as _};

use serde_json::{Map, Value, json};

/// Keys and values in the order in which they were found.
#[derive(Debug, Default)]
pub(crate) struct Report {
    entries: Vec<(String, Value)>,
}

impl Report {
    /// Adds an entry; a later one of the same key replaces it.
    pub(crate) fn set(&mut self, key: impl Into<String>, value: impl Into<Value>) -> &mut Self {
        let (name, found) = (key.into(), value.into());
        match self.entries.iter_mut().find(|(known, _)| *known == name) {
            Some((_, old)) => *old = found,
            None => self.entries.push((name, found)),
        }
        self
    }

    /// Adds a number rounded to four significant digits beyond the point where it matters.
    pub(crate) fn number(&mut self, key: impl Into<String>, value: f64) -> &mut Self {
        self.set(key, rounded(value))
    }

    /// Returns a number that was added before, NaN if there is none of the name.
    pub(crate) fn get(&self, key: &str) -> f64 {
        let entry = self.entries.iter().find(|(known, _)| known == key);
        entry.and_then(|(_, value)| value.as_f64()).unwrap_or(f64::NAN)
    }

    /// Prints the object as one line, or the table.
    pub(crate) fn print(self, as_json: bool) -> io::Result<()> {
        let mut out = io::stdout().lock();
        if as_json {
            let object: Map<String, Value> = self.entries.into_iter().collect();
            return writeln!(out, "{}", Value::Object(object));
        }
        let width = self.entries.iter().map(|(key, _)| key.chars().count()).max().unwrap_or(0);
        for (key, value) in self.entries {
            match value {
                Value::Array(items) => {
                    writeln!(out, "{key:width$}  {}", items.len())?;
                    for item in items {
                        writeln!(out, "{:width$}    {}", "", plain(&item))?;
                    }
                }
                other => writeln!(out, "{key:width$}  {}", plain(&other))?,
            }
        }
        Ok(())
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn rounded(value: f64) -> Value {
    if !value.is_finite() {
        return Value::Null;
    }
    let digits = if value.abs() >= 1000.0 { 0 } else { 4 };
    let scale = 10_f64.powi(digits);
    json!((value * scale).round() / scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_never_lie_about_what_is_missing() {
        assert_eq!(rounded(0.123_456), json!(0.1235));
        assert_eq!(rounded(12_345.6), json!(12_346.0));
        assert_eq!(rounded(f64::NAN), Value::Null);
    }
}
