//! Workbooks, cell by cell, with bounds on what they unpack to.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek};
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::path::Path;

use calamine::{Data, DataRef, ExcelDateTime, Ods, Reader, SheetVisible, Xls, Xlsx, XlsxError};

use super::reading::{unreadable, Format, ReadOptions, Reading, MOST_BYTES};
use super::rows::{Grid, Kind, Rows, MOST_COLUMNS};
use crate::DataError;

type Source = BufReader<File>;

pub(super) fn read(
    path: &Path,
    name: &str,
    ending: &str,
    options: &ReadOptions,
) -> Result<Reading, DataError> {
    let open = || {
        File::open(path)
            .map(BufReader::new)
            .map_err(unreadable(name))
    };
    if open()?
        .get_ref()
        .metadata()
        .map_err(unreadable(name))?
        .len()
        > MOST_BYTES
    {
        return Err(DataError::TooLarge(name.to_owned(), MOST_BYTES >> 20));
    }
    match ending {
        "xls" => super::biff::check_corners(open()?.into_inner(), name)?,
        _ => check_unpacked(open()?, name)?,
    }
    let file = open()?;
    // The library has panicked on damaged files before.
    catch_unwind(AssertUnwindSafe(|| match ending {
        "xls" => {
            let book = Xls::new(file).map_err(|why| damaged(name, &why))?;
            whole(book, name, options, damaged::<calamine::XlsError>)
        }
        "ods" => {
            let book = Ods::new(file).map_err(|why| damaged(name, &why))?;
            whole(book, name, options, damaged::<calamine::OdsError>)
        }
        _ => xlsx(file, name, options),
    }))
    .unwrap_or_else(|_| Err(damaged(name, &"the reader gave up")))
}

fn damaged<E: std::fmt::Display>(name: &str, why: &E) -> DataError {
    DataError::Damaged {
        file: name.to_owned(),
        kind: "workbook",
        why: why.to_string(),
    }
}

/// Unpacks everything once into nothing: a few kilobytes can unpack to terabytes,
/// and what the archive says of sizes may be a lie.
fn check_unpacked(file: impl Read + Seek, name: &str) -> Result<(), DataError> {
    let mut archive = zip::ZipArchive::new(file).map_err(|why| damaged(name, &why))?;
    let mut left = MOST_BYTES;
    for at in 0..archive.len() {
        let entry = archive.by_index(at).map_err(|why| damaged(name, &why))?;
        let unpacked = io::copy(&mut entry.take(left + 1), &mut io::sink());
        let unpacked = unpacked.map_err(|why| damaged(name, &why))?;
        left = left
            .checked_sub(unpacked)
            .ok_or_else(|| DataError::TooLarge(name.to_owned(), MOST_BYTES >> 20))?;
    }
    Ok(())
}

/// The sheets that can be seen, and the first one or the one asked for.
fn choose(
    sheets: &[calamine::Sheet],
    name: &str,
    options: &ReadOptions,
) -> Result<(Vec<String>, Vec<String>), DataError> {
    let seen: Vec<String> = sheets
        .iter()
        .filter(|sheet| sheet.visible == SheetVisible::Visible)
        .map(|sheet| sheet.name.clone())
        .collect();
    let tried = match &options.sheet {
        Some(asked) if !seen.contains(asked) => {
            return Err(DataError::NoSuchSheet {
                name: asked.clone(),
                known: seen.join(", "),
            })
        }
        Some(asked) => vec![asked.clone()],
        None => seen.clone(),
    };
    match tried.is_empty() {
        true => Err(DataError::Empty(name.to_owned())),
        false => Ok((seen, tried)),
    }
}

/// Reads the first of the sheets that has rows.
fn first_filled(
    sheets: Vec<String>,
    tried: Vec<String>,
    name: &str,
    mut read: impl FnMut(&str) -> Result<Grid, DataError>,
) -> Result<Reading, DataError> {
    for sheet in tried {
        let grid = read(&sheet)?;
        if !grid.table.is_empty() {
            return Ok(Reading::of_grid(grid, Format::Workbook { sheets, sheet }));
        }
    }
    Err(DataError::Empty(name.to_owned()))
}

fn xlsx(file: Source, name: &str, options: &ReadOptions) -> Result<Reading, DataError> {
    let mut book: Xlsx<Source> = Xlsx::new(file).map_err(|why| damaged(name, &why))?;
    let (sheets, tried) = choose(book.sheets_metadata(), name, options)?;
    first_filled(sheets, tried, name, |sheet| {
        let mut rows = Rows::new(name, Kind::Sheet, options.header);
        let mut merged = Merged::of(book.merge_cells_by_sheet_name(sheet).ok());
        let mut cells = match book.worksheet_cells_reader(sheet) {
            Ok(cells) => cells,
            // A sheet that is a chart.
            Err(XlsxError::NotAWorksheet(_)) => return rows.finish(),
            Err(why) => return Err(damaged(name, &why)),
        };
        let mut row: Vec<Option<String>> = Vec::new();
        let mut at = 0;
        while let Some(cell) = cells.next_cell().map_err(|why| damaged(name, &why))? {
            let (place, column) = (
                cell.get_position().0 as usize,
                cell.get_position().1 as usize,
            );
            let Some(text) = text_of_ref(cell.get_value()) else {
                continue;
            };
            if column >= MOST_COLUMNS {
                return Err(DataError::TooManyColumns(name.to_owned(), MOST_COLUMNS));
            }
            if place < at {
                return Err(damaged(name, &"its rows are out of order"));
            }
            if place > at {
                merged.fill(at, &mut row);
                rows.push(&borrowed(&row))?;
                row.clear();
                rows.skip(place - at - 1)?;
                at = place;
            }
            row.resize(row.len().max(column + 1), None);
            row[column] = Some(text);
        }
        merged.fill(at, &mut row);
        rows.push(&borrowed(&row))?;
        rows.finish()
    })
}

fn borrowed(row: &[Option<String>]) -> Vec<Option<&str>> {
    row.iter().map(Option::as_deref).collect()
}

/// Cells that a person made one over several rows: only the first has the text,
/// but it is meant for all.
struct Merged {
    /// (first row, last row, column), by first row.
    regions: std::vec::IntoIter<(usize, usize, usize)>,
    next: Option<(usize, usize, usize)>,
    /// Last row and text by column.
    open: std::collections::BTreeMap<usize, (usize, String)>,
}

impl Merged {
    fn of(regions: Option<Vec<calamine::Dimensions>>) -> Self {
        let mut regions: Vec<(usize, usize, usize)> = regions
            .unwrap_or_default()
            .into_iter()
            .filter(|region| region.start.1 == region.end.1 && region.end.0 > region.start.0)
            .map(|region| {
                (
                    region.start.0 as usize,
                    region.end.0 as usize,
                    region.start.1 as usize,
                )
            })
            .filter(|(_, _, column)| *column < MOST_COLUMNS)
            .collect();
        regions.sort_unstable();
        let mut regions = regions.into_iter();
        Self {
            next: regions.next(),
            regions,
            open: std::collections::BTreeMap::new(),
        }
    }

    /// Fills a row's empty cells; rows must come in their order.
    fn fill(&mut self, at: usize, row: &mut Vec<Option<String>>) {
        while let Some((first, last, column)) = self.next.filter(|(first, ..)| *first <= at) {
            self.next = self.regions.next();
            let text = row.get(column).cloned().flatten().filter(|_| first == at);
            if let Some(text) = text {
                self.open.insert(column, (last, text));
            }
        }
        self.open.retain(|_, (last, _)| *last >= at);
        for (&column, (_, text)) in &self.open {
            row.resize(row.len().max(column + 1), None);
            row[column].get_or_insert_with(|| text.clone());
        }
    }
}

fn whole<R: Reader<Source>>(
    mut book: R,
    name: &str,
    options: &ReadOptions,
    fault: impl Fn(&str, &R::Error) -> DataError,
) -> Result<Reading, DataError> {
    let (sheets, tried) = choose(book.sheets_metadata(), name, options)?;
    first_filled(sheets, tried, name, |sheet| {
        let range = book
            .worksheet_range(sheet)
            .map_err(|why| fault(name, &why))?;
        let mut rows = Rows::new(name, Kind::Sheet, options.header);
        // Rows are counted from the top of the sheet.
        rows.skip(range.start().map_or(0, |(row, _)| row as usize))?;
        for row in range.rows() {
            let cells: Vec<Option<String>> = row.iter().map(text_of).collect();
            // Cells that only have a format are no columns.
            let used = cells
                .iter()
                .rposition(Option::is_some)
                .map_or(0, |last| last + 1);
            rows.push(&borrowed(&cells[..used]))?;
        }
        rows.finish()
    })
}

fn text_of(cell: &Data) -> Option<String> {
    match cell {
        Data::Empty | Data::Error(_) => None,
        Data::Int(value) => Some(value.to_string()),
        Data::Float(value) => Some(number(*value)),
        Data::String(text) | Data::DateTimeIso(text) | Data::DurationIso(text) => {
            Some(text.clone())
        }
        Data::Bool(value) => Some(truth(*value)),
        Data::DateTime(value) => Some(date(value)),
    }
}

fn text_of_ref(cell: &DataRef) -> Option<String> {
    match cell {
        DataRef::Empty | DataRef::Error(_) => None,
        DataRef::Int(value) => Some(value.to_string()),
        DataRef::Float(value) => Some(number(*value)),
        DataRef::SharedString(text) => Some((*text).to_owned()),
        DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => {
            Some(text.clone())
        }
        DataRef::Bool(value) => Some(truth(*value)),
        DataRef::DateTime(value) => Some(date(value)),
    }
}

/// Shortest form; whole numbers without a point.
fn number(value: f64) -> String {
    value.to_string()
}

/// As spreadsheets show it.
fn truth(value: bool) -> String {
    if value { "TRUE" } else { "FALSE" }.to_owned()
}

/// ISO 8601; the time only where there is one.
fn date(value: &ExcelDateTime) -> String {
    if value.is_duration() {
        return number(value.as_f64());
    }
    let (year, month, day, hour, minute, second, _) = value.to_ymd_hms_milli();
    let date = format!("{year:04}-{month:02}-{day:02}");
    match (hour, minute, second) {
        (0, 0, 0) => date,
        _ => format!("{date} {hour:02}:{minute:02}:{second:02}"),
    }
}
