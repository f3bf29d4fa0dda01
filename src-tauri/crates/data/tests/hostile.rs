//! Files made to harm: none may panic, hang, or take memory without bound.

#![allow(clippy::unwrap_used)] // A test may stop at the first surprise.

mod common;

use std::io::{Cursor, Write};

use common::{archive, bring, file, open_document, workbook, Cell};
use pmpo_data::DataError;
use proptest::prelude::*;

const ENDINGS: [&str; 9] = [
    "csv", "tsv", "txt", "jsonl", "json", "xlsx", "xls", "ods", "parquet",
];

#[test]
fn a_workbook_that_unpacks_to_more_than_a_disk() {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default().compression_level(Some(9));
    zip.start_file("xl/sharedStrings.xml", options).unwrap();
    let zeros = vec![b'0'; 1 << 20];
    for _ in 0..600 {
        zip.write_all(&zeros).unwrap();
    }
    let bytes = zip.finish().unwrap().into_inner();
    assert!(bytes.len() < 2 << 20);
    let (_folder, path) = file("bomb.xlsx", &bytes);
    assert!(matches!(bring(&path), Err(DataError::TooLarge(..))));
}

#[test]
fn cells_at_the_far_corner_of_a_sheet() {
    let main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    let rows: &[&[Cell]] = &[&[Cell::Text("a"), Cell::Text("b")]];
    let bytes = workbook(&[("S", "", rows, "")]);
    // The same workbook with a cell far away.
    let mut parts = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
    let mut files = Vec::new();
    for at in 0..parts.len() {
        let mut part = parts.by_index(at).unwrap();
        let name = part.name().unwrap().into_owned();
        let mut text = String::new();
        std::io::Read::read_to_string(&mut part, &mut text).unwrap();
        files.push((name, text));
    }
    for far in ["XFD1048576", "A1048576"] {
        let files: Vec<(&str, String)> = files
            .iter()
            .map(|(name, text)| match name.contains("sheet1") {
                true => (&**name, format!(r#"<worksheet xmlns="{main}"><sheetData><row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="{far}"><v>1</v></c></row></sheetData></worksheet>"#)),
                false => (&**name, text.clone()),
            })
            .collect();
        let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (*name, &**text)).collect();
        let (_folder, path) = file("far.xlsx", archive(&files));
        assert!(bring(&path).is_err());
    }
}

/// A workbook of Excel 97 with one number in each of two corners of its sheets.
fn old_workbook(sheets: usize, far: (u16, u16)) -> Vec<u8> {
    let record = |kind: u16, data: &[u8]| -> Vec<u8> {
        let head = [kind.to_le_bytes(), (data.len() as u16).to_le_bytes()].concat();
        [&head, data].concat()
    };
    let begin = |kind: u8| record(0x0809, &[0, 6, kind, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    let number = |row: u16, column: u16| {
        let place = [row.to_le_bytes(), column.to_le_bytes(), [0, 0]].concat();
        record(0x0203, &[&place[..], &1.5_f64.to_le_bytes()].concat())
    };
    let sheet = [
        begin(0x10),
        number(0, 0),
        number(far.0, far.1),
        record(0x000A, &[]),
    ]
    .concat();
    let name = |at: usize| format!("S{at:02}");
    let entry = |at: usize, place: u32| {
        let mut data = place.to_le_bytes().to_vec();
        data.extend([0, 0, 3, 0]);
        data.extend(name(at).bytes());
        record(0x0085, &data)
    };
    let head = |from: u32| {
        let places = (0..sheets).map(|at| entry(at, from + (at * sheet.len()) as u32));
        let mut head = begin(0x05);
        places.for_each(|entry| head.extend(entry));
        head.extend(record(0x000A, &[]));
        head
    };
    let from = head(0).len() as u32;
    let stream = [head(from), sheet.repeat(sheets)].concat();
    let mut file = cfb::CompoundFile::create(Cursor::new(Vec::new())).unwrap();
    let mut workbook = file.create_stream("/Workbook").unwrap();
    workbook.write_all(&stream).unwrap();
    drop(workbook);
    file.into_inner().into_inner()
}

#[test]
fn old_workbooks_with_cells_in_far_corners() {
    let (_folder, path) = file("far.xls", old_workbook(3, (u16::MAX, 255)));
    let why = bring(&path).unwrap_err();
    assert!(matches!(why, DataError::TooManyCells(..)), "{why:?}");
    // As large as a sheet of people may be: the library reads it.
    let (_folder, path) = file("near.xls", old_workbook(3, (3, 5)));
    let why = bring(&path).unwrap_err();
    assert!(
        !matches!(why, DataError::TooManyCells(..) | DataError::Damaged { .. }),
        "{why:?}"
    );
}

#[test]
fn a_document_of_repeated_cells() {
    let cell = r#"<table:table-cell office:value-type="string" table:number-columns-repeated="1000"><text:p>x</text:p></table:table-cell>"#;
    let rows = format!(
        r#"<table:table-row table:number-rows-repeated="1000000">{cell}</table:table-row>"#
    );
    let (_folder, path) = file("repeated.ods", open_document(&rows));
    assert!(bring(&path).is_err());
}

#[test]
fn a_million_columns_and_a_line_without_end() {
    let (_folder, path) = file("wide.csv", format!("{}\n", "x,".repeat(1_000_000)));
    assert!(matches!(bring(&path), Err(DataError::TooManyColumns(..))));
    let object: String = (0..5000).map(|i| format!("\"c{i}\":1,")).collect();
    let (_folder, path) = file("wide.jsonl", format!("{{{}\"z\":1}}\n", object));
    assert!(matches!(bring(&path), Err(DataError::TooManyColumns(..))));
    let (_folder, path) = file("line.csv", format!("a,b\n{},1\n", "x".repeat(9 << 20)));
    assert!(matches!(
        bring(&path),
        Err(DataError::LineTooLong { line: 2, .. })
    ));
    // As large as a file may not be, without taking the disk.
    let folder = tempfile::tempdir().unwrap();
    for ending in ENDINGS {
        let path = folder.path().join(format!("huge.{ending}"));
        std::fs::File::create(&path)
            .unwrap()
            .set_len(2 << 30)
            .unwrap();
        assert!(bring(&path).is_err(), "{ending}");
    }
}

#[test]
fn deep_and_strange_json() {
    for text in [
        "[".repeat(1_000_000),
        "{\"a\":".repeat(1_000_000),
        format!("[{{\"a\": {}1{}}}]", "[".repeat(200), "]".repeat(200)),
        "[1, 2, 3]".to_owned(),
        "[[], {}]".to_owned(),
        "\"text\"".to_owned(),
        "{\"a\": {\"0\": 1}, \"b\": {\"1\": 2}}".to_owned(),
        "[{\"a\": 1e999}]".to_owned(),
        "\u{0}\u{0}\u{0}".to_owned(),
    ] {
        for name in ["x.json", "x.jsonl"] {
            let (_folder, path) = file(name, &text);
            assert!(bring(&path).is_err());
        }
    }
}

/// Good files to be damaged.
fn seeds() -> Vec<(&'static str, Vec<u8>)> {
    let texts: Vec<(String, String)> = (0..9)
        .map(|i| (format!("question {i}, \"q\""), format!("ä {i}")))
        .collect();
    let csv: String = std::iter::once("question,answer\n".to_owned())
        .chain(
            texts
                .iter()
                .map(|(q, a)| format!("\"{}\",{a}\n", q.replace('"', "\"\""))),
        )
        .collect();
    let json = serde_json::json!({"examples": texts.iter().map(|(q, a)| serde_json::json!({"input": q, "target": a})).collect::<Vec<_>>()});
    let lines: String = texts
        .iter()
        .map(|(q, a)| format!("{}\n", serde_json::json!({"input": q, "target": a})))
        .collect();
    let rows: Vec<Vec<Cell>> = texts
        .iter()
        .map(|(q, a)| vec![Cell::Text(q), Cell::Text(a)])
        .collect();
    let rows: Vec<&[Cell]> = rows.iter().map(Vec::as_slice).collect();
    vec![
        ("csv", csv.into_bytes()),
        ("json", json.to_string().into_bytes()),
        ("jsonl", lines.into_bytes()),
        ("xlsx", workbook(&[("S", "", &rows, "")])),
        ("ods", open_document("<table:table-row><table:table-cell><text:p>q</text:p></table:table-cell></table:table-row>")),
        ("xls", include_bytes!("fixtures/mails.xls").to_vec()),
        ("parquet", include_bytes!("fixtures/mails.parquet").to_vec()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 120, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_under_any_ending(bytes in proptest::collection::vec(any::<u8>(), 0..400), ending in 0..ENDINGS.len()) {
        let (_folder, path) = file(&format!("x.{}", ENDINGS[ending]), bytes);
        let _ = bring(&path);
    }

    #[test]
    fn any_text_of_marks(text in "[a-c1\",;\t|\r\n {}\\[\\]:'\\\\]{0,300}", ending in 0..5_usize) {
        let (_folder, path) = file(&format!("x.{}", ENDINGS[ending]), text);
        let _ = bring(&path);
    }

    #[test]
    fn damaged_files(seed in 0..7_usize, changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12), cut in proptest::option::of(any::<prop::sample::Index>())) {
        let (ending, mut bytes) = seeds().swap_remove(seed);
        for (place, byte) in changes {
            let at = place.index(bytes.len());
            bytes[at] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        let (_folder, path) = file(&format!("x.{ending}"), bytes);
        let _ = bring(&path);
    }
}
