//! Raw rows of a grid of cells (CSV, a sheet) as a table: where the header is,
//! and which rows do not fit it.

use super::reading::{Format, Reading, Uneven};
use crate::table::{column_names, Table};
use crate::DataError;

/// More columns are no examples.
pub(crate) const MOST_COLUMNS: usize = 2000;
/// Rows that are looked at for the header.
const HEAD: usize = 40;
/// Longer cells are no names of columns.
const LONGEST_NAME: usize = 60;

type Cells = Vec<Option<String>>;

/// What a row's number of cells means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Lines of text: one with fewer or more cells than others may be cut in a wrong
    /// place, so that its cells are in wrong columns.
    Lines,
    /// A sheet: every cell has its place, and a row has no end; cells that are not
    /// there are empty.
    Sheet,
}

/// Takes rows one after the other.
pub(crate) struct Rows<'a> {
    file: &'a str,
    kind: Kind,
    /// Row of the header, from 1; 0 for none.
    asked: Option<usize>,
    /// The first rows, until the header is known.
    head: Vec<Cells>,
    filling: Option<Filling>,
}

struct Filling {
    table: Table,
    kind: Kind,
    /// Cells of most rows, as they were written.
    usual: usize,
    /// Whether the header names a column.
    named: Vec<bool>,
    header: usize,
    /// Rows seen since the header.
    count: usize,
    uneven: Vec<Uneven>,
}

/// A table, and how it was cut from the grid.
pub(crate) struct Grid {
    pub table: Table,
    /// Row of the header, from 1; 0 for none.
    pub header: usize,
    pub uneven: Vec<Uneven>,
}

impl<'a> Rows<'a> {
    pub(crate) fn new(file: &'a str, kind: Kind, header: Option<usize>) -> Self {
        Self {
            file,
            kind,
            asked: header,
            head: Vec::new(),
            filling: None,
        }
    }

    /// The next row; an empty one counts and gives nothing.
    pub(crate) fn push(&mut self, cells: &[Option<&str>]) -> Result<(), DataError> {
        if cells.len() > MOST_COLUMNS {
            let file = self.file.to_owned();
            return Err(DataError::TooManyColumns(file, MOST_COLUMNS));
        }
        if let Some(filling) = &mut self.filling {
            return filling.push(cells, self.file);
        }
        let owned = cells.iter().map(|cell| cell.map(str::to_owned));
        self.head.push(owned.collect());
        if self.head.len() >= HEAD.max(self.asked.unwrap_or(0)) {
            self.begin()?;
        }
        Ok(())
    }

    /// Empty rows.
    pub(crate) fn skip(&mut self, count: usize) -> Result<(), DataError> {
        for skipped in 0..count {
            if let Some(filling) = &mut self.filling {
                filling.count += count - skipped;
                break;
            }
            self.push(&[])?;
        }
        Ok(())
    }

    /// Decides on the header and hands on the rows that waited.
    fn begin(&mut self) -> Result<(), DataError> {
        let header = match self.asked {
            Some(row) => row.min(self.head.len()),
            None => find_header(&self.head),
        };
        let width = self.head.iter().map(|row| used(row)).max().unwrap_or(0);
        let names: Vec<&str> = match header {
            0 => vec![""; width],
            row => self.head[row - 1]
                .iter()
                .map(|cell| cell.as_deref().unwrap_or_default())
                .collect(),
        };
        // Separators at the end of the header line make no columns, unless rows
        // have something there.
        let named = names.iter().rposition(|name| !name.trim().is_empty());
        let data = self.head.iter().skip(header).map(|row| used(row));
        let usual = most_frequent(data).unwrap_or(0);
        let mut names: Vec<&str> = names;
        names.resize(
            named
                .map_or(0, |last| last + 1)
                .max(if header == 0 { width } else { usual }),
            "",
        );
        let rows = self.head.iter().skip(header);
        let lengths = rows.filter(|row| used(row) > 0).map(Vec::len);
        let mut filling = Filling {
            kind: self.kind,
            usual: most_frequent(lengths).unwrap_or(0),
            named: names.iter().map(|name| !name.trim().is_empty()).collect(),
            table: Table::new(column_names(names)),
            header,
            count: 0,
            uneven: Vec::new(),
        };
        for row in self.head.drain(..).skip(header) {
            let cells: Vec<Option<&str>> = row.iter().map(Option::as_deref).collect();
            filling.push(&cells, self.file)?;
        }
        self.filling = Some(filling);
        Ok(())
    }

    pub(crate) fn finish(mut self) -> Result<Grid, DataError> {
        if self.filling.is_none() {
            self.begin()?;
        }
        let Some(filling) = self.filling else {
            return Err(DataError::Empty(self.file.to_owned()));
        };
        // Notes beside a table and empty columns before it are no columns of it.
        let table = filling.table.without_columns(|table, column| {
            !filling.named[column] && (0..table.len()).all(|row| table.cell(row, column).is_empty())
        });
        Ok(Grid {
            table,
            header: filling.header,
            uneven: filling.uneven,
        })
    }
}

impl Filling {
    fn push(&mut self, cells: &[Option<&str>], file: &str) -> Result<(), DataError> {
        self.count += 1;
        let found = used_by(cells.iter().copied());
        if found == 0 {
            return Ok(());
        }
        let expected = self.table.columns().len();
        let beside = match self.kind {
            Kind::Sheet => cells.get(expected..).map(joined).unwrap_or_default(),
            Kind::Lines => String::new(),
        };
        // Where most lines are short, that is how the file leaves out empty cells.
        let short = cells.len() < expected && cells.len() != self.usual;
        if found > expected || (self.kind == Kind::Lines && short) {
            self.uneven.push(Uneven {
                row: self.count,
                found: cells.len().max(found),
                expected,
                beside,
            });
        }
        match self.table.push(self.count, cells.iter().copied()) {
            true => Ok(()),
            false => Err(DataError::TooLarge(
                file.to_owned(),
                (crate::table::MOST_TEXT >> 20) as u64,
            )),
        }
    }
}

/// The texts of cells, as one.
fn joined(cells: &[Option<&str>]) -> String {
    let texts = cells.iter().flatten().map(|cell| cell.trim());
    let texts: Vec<&str> = texts.filter(|cell| !cell.is_empty()).collect();
    texts.join(" | ")
}

fn has_text(cell: Option<&str>) -> bool {
    cell.is_some_and(|cell| !cell.trim().is_empty())
}

/// Cells up to the last one with text.
fn used(row: &[Option<String>]) -> usize {
    used_by(row.iter().map(Option::as_deref))
}

fn used_by<'b>(
    cells: impl DoubleEndedIterator<Item = Option<&'b str>> + ExactSizeIterator,
) -> usize {
    let count = cells.len();
    let empty = cells.rev().take_while(|cell| !has_text(*cell)).count();
    count - empty
}

/// The width of most rows, the wider of equals.
pub(crate) fn usual_width(widths: &[usize]) -> Option<usize> {
    most_frequent(widths.iter().copied())
}

fn most_frequent(values: impl Iterator<Item = usize>) -> Option<usize> {
    let mut counts = std::collections::BTreeMap::new();
    for value in values.filter(|value| *value > 0) {
        *counts.entry(value).or_insert(0_usize) += 1;
    }
    counts
        .into_iter()
        .max_by_key(|(value, count)| (*count, *value))
        .map(|(value, _)| value)
}

/// The row of the header, from 1; 0 where the first row is data already.
///
/// Exports begin with titles, dates and empty lines: the header is the first row
/// that is about as wide as most. It is data if a cell of it is a number, too long
/// for a name, or one of its column's values.
fn find_header(rows: &[Cells]) -> usize {
    let filled = |row: &Cells| row.iter().filter(|cell| has_text(cell.as_deref())).count();
    let usual = most_frequent(rows.iter().map(filled)).unwrap_or(0);
    let full = |row: &&Cells| filled(row) > 0 && 5 * filled(row) >= 4 * usual;
    let Some(first) = rows.iter().position(|row| full(&row)) else {
        return 0;
    };
    let data = &rows[first + 1..];
    let is_name = |(at, cell): (usize, &Option<String>)| {
        let Some(cell) = cell
            .as_deref()
            .map(str::trim)
            .filter(|cell| !cell.is_empty())
        else {
            return true;
        };
        let again = data
            .iter()
            .filter(|row| row.get(at).and_then(Option::as_deref).map(str::trim) == Some(cell))
            .count();
        let is_short = cell.chars().count() <= LONGEST_NAME && !cell.contains('\n');
        is_short && cell.parse::<f64>().is_err() && again == 0
    };
    match rows[first].iter().enumerate().all(is_name) {
        true => first + 1,
        // Nothing before it is data either, if it is not as wide.
        false if first == 0 => 0,
        false => first,
    }
}

impl Reading {
    /// A table that was found among the cells of a sheet or of lines.
    pub(super) fn of_grid(grid: Grid, format: Format) -> Self {
        Self {
            header: grid.header,
            uneven: grid.uneven,
            ..Self::new(grid.table, format)
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // A test may stop at the first surprise.
mod tests {
    use super::*;

    fn grid(rows: &[&[&str]], header: Option<usize>) -> Grid {
        grid_of(Kind::Lines, rows, header)
    }

    fn grid_of(kind: Kind, rows: &[&[&str]], header: Option<usize>) -> Grid {
        let mut taken = Rows::new("a.csv", kind, header);
        for row in rows {
            let cells: Vec<Option<&str>> = row.iter().map(|cell| Some(*cell)).collect();
            taken.push(&cells).unwrap();
        }
        taken.finish().unwrap()
    }

    #[test]
    fn a_header_is_found_below_titles_and_missed_where_there_is_none() {
        let plain = grid(
            &[&["question", "answer"], &["q1", "yes"], &["q2", "no"]],
            None,
        );
        assert_eq!((plain.header, plain.table.len()), (1, 2));
        let report = grid(
            &[
                &["Report of March"],
                &[],
                &["text", "label"],
                &["good", "pos"],
                &[],
                &["bad", "neg"],
            ],
            None,
        );
        assert_eq!(report.table.columns(), ["text", "label"]);
        assert_eq!((report.header, report.table.len()), (3, 2));
        assert_eq!(report.table.number(1), 3);
        let bare = grid(&[&["good", "pos"], &["bad", "neg"], &["fine", "pos"]], None);
        assert_eq!(bare.table.columns(), ["Column 1", "Column 2"]);
        assert_eq!((bare.header, bare.table.len()), (0, 3));
        let asked = grid(
            &[&["good", "pos"], &["bad", "neg"], &["fine", "pos"]],
            Some(1),
        );
        assert_eq!(asked.table.columns(), ["good", "pos"]);
    }

    #[test]
    fn rows_that_do_not_fit_are_named() {
        let found = grid(
            &[
                &["a", "b", ""],
                &["1", "2", ""],
                &["3"],
                &["5", "6", "7", "8"],
                &["x", "y", ""],
                &["z", ""],
            ],
            None,
        );
        assert_eq!(found.table.columns(), ["a", "b"]);
        let rows: Vec<(usize, usize)> = found.uneven.iter().map(|u| (u.row, u.found)).collect();
        assert_eq!(rows, [(2, 1), (3, 4)]);
    }

    #[test]
    fn in_a_sheet_no_row_is_short_and_what_stands_beside_is_told() {
        let rows: &[&[&str]] = &[
            &["a", "b", "c"],
            &["1", "2", "3"],
            &["4"],
            &["5", "6"],
            &["7", "8", "", "", "ask Bob"],
            &["9", "10"],
        ];
        let found = grid_of(Kind::Sheet, rows, None);
        assert_eq!(found.table.columns(), ["a", "b", "c"]);
        assert_eq!((found.table.len(), found.table.cell(1, 2)), (5, ""));
        let told: Vec<_> = found.uneven.iter().map(|u| (u.row, &*u.beside)).collect();
        assert_eq!(told, [(4, "ask Bob")]);
        // Lines of text with the same cells may have lost some.
        let found = grid(&rows[..4], None);
        assert_eq!(found.table.len(), 3);
        assert_eq!(found.uneven.len(), 2, "{:?}", found.uneven);
    }

    #[test]
    fn lines_that_leave_out_empty_cells_at_their_end_are_whole() {
        let mut rows: Vec<&[&str]> = vec![&["a", "b", "notes"], &["1", "2", "check"]];
        rows.resize(12, &["3", "4"]);
        rows.push(&["5"]);
        let found = grid(&rows, None);
        assert_eq!(found.table.columns(), ["a", "b", "notes"]);
        let told: Vec<usize> = found.uneven.iter().map(|u| u.row).collect();
        assert_eq!((found.table.len(), told), (12, vec![12]));
    }
}
