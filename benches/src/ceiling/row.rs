//! Rows of any table of any database.

/// A value as a database keeps it; an id is its 16 bytes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Cell {
    Null,
    Integer(i64),
    Real(f64),
    Text(String),
    Blob(Vec<u8>),
}

impl Cell {
    /// Returns the number of an integer, 0 for anything else.
    pub(crate) fn integer(&self) -> i64 {
        if let Self::Integer(number) = self { *number } else { 0 }
    }

    /// Returns the text of a text, an empty one for anything else.
    pub(crate) fn text(&self) -> &str {
        if let Self::Text(text) = self { text } else { "" }
    }
}

/// A row with the names of its columns.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Row {
    pub(crate) columns: Vec<String>,
    pub(crate) cells: Vec<Cell>,
}

impl Row {
    /// Returns the value of a column, NULL if there is none of the name.
    pub(crate) fn get(&self, column: &str) -> &Cell {
        let place = self.columns.iter().position(|name| name == column);
        place.and_then(|at| self.cells.get(at)).unwrap_or(&Cell::Null)
    }
}
