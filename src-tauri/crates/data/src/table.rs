//! Rows of text, kept compactly: a hundred thousand rows are usual, and a
//! string for each cell would take several times the file.

/// A file as rows of text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    columns: Vec<String>,
    /// All cells one after the other.
    text: String,
    /// Where each cell ends in `text`; [`NO_VALUE`] marks one that is not there.
    ends: Vec<u32>,
    /// Number of each row, for messages.
    numbers: Vec<u32>,
}

/// The highest bit of an end.
const NO_VALUE: u32 = 1 << 31;
/// Most bytes that the cells of a table hold together.
pub(crate) const MOST_TEXT: usize = 1 << 30;

impl Table {
    /// A table without rows. Names must differ from each other.
    pub(crate) fn new(columns: Vec<String>) -> Self {
        Self {
            columns,
            text: String::new(),
            ends: Vec::new(),
            numbers: Vec::new(),
        }
    }

    /// Adds a row. Missing cells at its end have no value, cells beyond the last
    /// column are dropped: the caller tells of both. False where the table is full.
    pub(crate) fn push<'a>(
        &mut self,
        number: usize,
        cells: impl IntoIterator<Item = Option<&'a str>>,
    ) -> bool {
        let (start, first) = (self.text.len(), self.ends.len());
        let wanted = first + self.columns.len();
        for cell in cells.into_iter().take(self.columns.len()) {
            let text = cell.unwrap_or_default();
            if self.text.len() + text.len() > MOST_TEXT {
                self.text.truncate(start);
                self.ends.truncate(first);
                return false;
            }
            self.text.push_str(text);
            let end = self.text.len() as u32;
            self.ends.push(match cell {
                Some(_) => end,
                None => end | NO_VALUE,
            });
        }
        let end = self.text.len() as u32 | NO_VALUE;
        self.ends.resize(wanted, end);
        self.numbers.push(u32::try_from(number).unwrap_or(u32::MAX));
        true
    }

    /// Column names, all different.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.numbers.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.numbers.is_empty()
    }

    /// The place of a column.
    pub fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column == name)
    }

    /// Number of a row in its file, from 1, header not counted; for messages.
    pub fn number(&self, row: usize) -> usize {
        self.numbers[row] as usize
    }

    /// A cell as it is in the file; `None` where the row has no value.
    pub fn value(&self, row: usize, column: usize) -> Option<&str> {
        let at = row * self.columns.len() + column;
        let end = self.ends[at];
        let start = match at {
            0 => 0,
            _ => self.ends[at - 1] & !NO_VALUE,
        };
        (end & NO_VALUE == 0).then(|| &self.text[start as usize..end as usize])
    }

    /// A cell without white space around it; empty where the row has no value.
    pub fn cell(&self, row: usize, column: usize) -> &str {
        self.value(row, column).unwrap_or_default().trim()
    }

    /// The cells of a row.
    pub fn row(&self, row: usize) -> impl Iterator<Item = Option<&str>> {
        (0..self.columns.len()).map(move |column| self.value(row, column))
    }

    /// Bytes that it takes in memory.
    pub fn bytes(&self) -> usize {
        let own: usize = self.columns.iter().map(String::capacity).sum();
        own + self.text.capacity() + 4 * (self.ends.capacity() + self.numbers.capacity())
    }

    /// The table without some columns; itself where there are none such.
    pub(crate) fn without_columns(mut self, drops: impl Fn(&Self, usize) -> bool) -> Self {
        let kept: Vec<usize> = (0..self.columns.len())
            .filter(|at| !drops(&self, *at))
            .collect();
        if kept.len() == self.columns.len() {
            self.shrink();
            return self;
        }
        let mut out = Self::new(kept.iter().map(|&at| self.columns[at].clone()).collect());
        for row in 0..self.len() {
            out.push(self.number(row), kept.iter().map(|&at| self.value(row, at)));
        }
        out.shrink();
        out
    }

    pub(crate) fn shrink(&mut self) {
        self.text.shrink_to_fit();
        self.ends.shrink_to_fit();
        self.numbers.shrink_to_fit();
    }
}

/// Column names as people write them, made usable: trimmed, none empty, all
/// different.
pub(crate) fn column_names<'a>(written: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let mut known = std::collections::HashSet::new();
    for (at, name) in written.into_iter().enumerate() {
        let name = match name.trim() {
            "" => format!("Column {}", at + 1),
            name => name.to_owned(),
        };
        let mut unique = name.clone();
        let mut count = 1;
        while !known.insert(unique.clone()) {
            count += 1;
            unique = format!("{name} {count}");
        }
        names.push(unique);
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_come_back_as_they_were() {
        let mut table = Table::new(column_names(["a", "b", "c"]));
        assert!(table.push(1, [Some("one"), None, Some("")]));
        assert!(table.push(3, [Some("é ")]));
        assert!(table.push(4, [None, Some("x"), Some("y"), Some("too many")]));
        let rows: Vec<Vec<Option<&str>>> = (0..3).map(|row| table.row(row).collect()).collect();
        assert_eq!(rows[0], [Some("one"), None, Some("")]);
        assert_eq!(rows[1], [Some("é "), None, None]);
        assert_eq!(rows[2], [None, Some("x"), Some("y")]);
        assert_eq!((table.len(), table.number(1)), (3, 3));
        assert_eq!((table.cell(1, 0), table.cell(0, 1)), ("é", ""));
        assert_eq!((table.column("c"), table.column("d")), (Some(2), None));
    }

    #[test]
    fn names_are_never_empty_nor_the_same() {
        let names = column_names([" answer ", "", "answer", "answer", "Column 2"]);
        let wanted = ["answer", "Column 2", "answer 2", "answer 3", "Column 2 2"];
        assert_eq!(names, wanted);
    }
}
