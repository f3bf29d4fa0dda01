//! Looks into workbooks of Excel 97 to 2003 before the library does.
//!
//! A sheet becomes one block of memory from its first to its last filled cell, so
//! that two cells in opposite corners, a few bytes, take half a gigabyte a sheet
//! (<https://github.com/tafia/calamine/issues/693>). Newer workbooks have their bounds
//! looked at while they are read; of these the library gives only the whole block.

use std::fs::File;
use std::io::Read;

use crate::DataError;

/// Cells from corner to corner of all sheets together. One whole sheet has 16.8 million.
const MOST_CELLS: u64 = 20_000_000;

// Records of a sheet ([MS-XLS] 2.3): those with cells begin with row and column.
const BEGIN: [u16; 4] = [0x0809, 0x0409, 0x0209, 0x0009];
const END: u16 = 0x000A;
const FORMULA: u16 = 0x0006;
const CELLS: [u16; 7] = [0x0203, 0x0204, 0x0205, 0x027E, 0x00D6, 0x00FD, FORMULA];
/// Several cells of one row; the last two bytes are the last column.
const CELLS_OF_A_ROW: u16 = 0x00BD;

/// # Errors
/// Sheets that would take more memory than people's tables do. What is no workbook
/// is left to the library to tell.
pub(super) fn check_corners(file: File, name: &str) -> Result<(), DataError> {
    let Ok(mut container) = cfb::CompoundFile::open(file) else {
        return Ok(());
    };
    let mut bytes = Vec::new();
    for stream in ["/Workbook", "/Book"] {
        if let Ok(mut stream) = container.open_stream(stream) {
            // What cannot be read to its end is as damaged for the library.
            let _ = stream.read_to_end(&mut bytes);
            break;
        }
    }
    match area(&bytes) > MOST_CELLS {
        true => Err(DataError::TooManyCells(
            name.to_owned(),
            MOST_CELLS / 1_000_000,
        )),
        false => Ok(()),
    }
}

/// First and last row and column of a sheet.
#[derive(Default)]
struct Corners(Option<[u16; 4]>);

impl Corners {
    fn see(&mut self, row: u16, column: u16) {
        let known = self.0.get_or_insert([row, row, column, column]);
        *known = [
            known[0].min(row),
            known[1].max(row),
            known[2].min(column),
            known[3].max(column),
        ];
    }

    fn area(&self) -> u64 {
        let side = |from: u16, to: u16| u64::from(to - from) + 1;
        self.0
            .map_or(0, |at| side(at[0], at[1]) * side(at[2], at[3]))
    }
}

fn area(mut bytes: &[u8]) -> u64 {
    let number = |data: &[u8], at: usize| -> Option<u16> {
        let pair = data.get(at..at + 2)?;
        Some(u16::from_le_bytes([pair[0], pair[1]]))
    };
    let mut depth = 0_u32;
    let (mut cells, mut formulas) = (Corners::default(), Corners::default());
    let mut total = 0;
    while let (Some(kind), Some(length)) = (number(bytes, 0), number(bytes, 2)) {
        let end = (4 + usize::from(length)).min(bytes.len());
        let (data, rest) = (&bytes[4..end], &bytes[end..]);
        bytes = rest;
        match kind {
            kind if BEGIN.contains(&kind) => depth += 1,
            END => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    total += cells.area() + formulas.area();
                    (cells, formulas) = (Corners::default(), Corners::default());
                }
            }
            kind if CELLS.contains(&kind) || kind == CELLS_OF_A_ROW => {
                let (Some(row), Some(column)) = (number(data, 0), number(data, 2)) else {
                    continue;
                };
                cells.see(row, column);
                if kind == FORMULA {
                    formulas.see(row, column);
                }
                let last = data.len().checked_sub(2).and_then(|at| number(data, at));
                if let (CELLS_OF_A_ROW, Some(last)) = (kind, last) {
                    cells.see(row, last);
                }
            }
            _ => {}
        }
    }
    total + cells.area() + formulas.area()
}
