//! Rows of sheets: every cell has its place, and a row ends nowhere.

#![allow(clippy::unwrap_used)] // A test may stop at the first surprise.

mod common;

use std::path::Path;

use common::{bring, bring_with, file, open_document, workbook, Brought, Cell};
use pmpo_data::{Columns, Fault, ReadOptions, Remedies};

fn columns(brought: &Brought) -> (Vec<&str>, Vec<&str>) {
    let mapping = &brought.guess.mapping;
    let answers = mapping.answers().into_iter().map(String::as_str).collect();
    (mapping.inputs.iter().map(String::as_str).collect(), answers)
}

/// Twelve reviews; what stands in the three columns of each, and further to the right.
fn reviews<'a>(
    texts: &'a [String],
    row: impl Fn(usize, &'a str) -> Vec<&'a str>,
) -> Vec<Vec<&'a str>> {
    let rows = texts.iter().enumerate();
    rows.map(|(at, text)| row(at, text)).collect()
}

/// The same rows as a workbook and as an OpenDocument sheet.
fn both_sheets(rows: &[Vec<&str>]) -> [(&'static str, Vec<u8>); 2] {
    let cells: Vec<Vec<Cell>> = rows
        .iter()
        .map(|row| {
            row.iter()
                .map(|text| match *text {
                    "" => Cell::None,
                    text => Cell::Text(text),
                })
                .collect()
        })
        .collect();
    let cells: Vec<&[Cell]> = cells.iter().map(Vec::as_slice).collect();
    let open: String = rows
        .iter()
        .map(|row| {
            let cells = row.iter().map(|text| match *text {
                "" => "<table:table-cell/>".to_owned(),
                text => format!(r#"<table:table-cell office:value-type="string"><text:p>{text}</text:p></table:table-cell>"#),
            });
            format!("<table:table-row>{}</table:table-row>", cells.collect::<String>())
        })
        .collect();
    [
        ("a.xlsx", workbook(&[("Reviews", "", &cells, "")])),
        ("a.ods", open_document(&open)),
    ]
}

#[test]
fn sheets_keep_rows_whose_last_cells_are_empty() {
    let texts: Vec<String> = (0..12)
        .map(|i| format!("Review number {i} of the tea"))
        .collect();
    let mood = |at: usize| ["good", "bad"][at % 2];
    let seldom = |at: usize, note: &'static str| if at.is_multiple_of(4) { note } else { "" };
    let header = |names: [&'static str; 3]| vec![names.to_vec()];
    let cases = [
        (
            "notes last",
            header(["review", "mood", "notes"]),
            reviews(&texts, |at, text| vec![text, mood(at), seldom(at, "check")]),
        ),
        (
            "notes between",
            header(["review", "notes", "mood"]),
            reviews(&texts, |at, text| vec![text, seldom(at, "check"), mood(at)]),
        ),
        (
            "no notes at all",
            header(["review", "mood", "notes"]),
            reviews(&texts, |at, text| vec![text, mood(at)]),
        ),
        (
            "notes late",
            header(["review", "mood", "notes"]),
            reviews(&texts, |at, text| {
                vec![text, mood(at), if at == 11 { "check" } else { "" }]
            }),
        ),
    ];
    for (case, mut rows, more) in cases {
        rows.extend(more);
        for (name, bytes) in both_sheets(&rows) {
            let (_folder, path) = file(name, bytes);
            let brought = bring(&path).unwrap();
            assert_eq!(
                columns(&brought),
                (vec!["review"], vec!["mood"]),
                "{case}, {name}"
            );
            assert_eq!(brought.examples.len(), 12, "{case}, {name}");
            let wrong: Vec<Fault> = brought
                .checked
                .findings
                .iter()
                .map(|one| one.fault)
                .collect();
            assert_eq!(wrong, [], "{case}, {name}");
            assert_eq!(brought.reading.table.columns().len(), 3, "{case}, {name}");
        }
    }
}

#[test]
fn what_stands_beside_a_table_is_told_and_costs_no_row() {
    let texts: Vec<String> = (0..12)
        .map(|i| format!("Review number {i} of the tea"))
        .collect();
    let mut rows = vec![
        vec!["Tea shop GmbH"],
        vec![],
        vec!["", "", "All reviews of March"],
        vec![],
        vec!["", "", "Review", "Mood", "Checked by"],
    ];
    rows.extend(reviews(&texts, |at, text| {
        let mut row = vec!["", "", text, ["good", "bad"][at % 2]];
        match at {
            1 => row.extend(["", "", "", "ask Bob"]),
            4 => row.extend(["", "", "checked"]),
            _ => row.push("Ada"),
        }
        row
    }));
    for (name, bytes) in both_sheets(&rows) {
        let (_folder, path) = file(name, bytes);
        let brought = bring(&path).unwrap();
        assert_eq!(columns(&brought), (vec!["Review"], vec!["Mood"]), "{name}");
        assert_eq!(brought.examples.len(), 12, "{name}");
        let findings = &brought.checked.findings;
        assert_eq!(findings.len(), 1, "{name}: {findings:?}");
        assert_eq!(
            (findings[0].fault, &*findings[0].sample),
            (Fault::Beside, "ask Bob")
        );
        assert_eq!(findings[0].rows, [2, 5]);
    }
}

#[test]
fn old_workbooks_keep_rows_whose_last_cells_are_empty() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/notes.xls");
    for sheet in ["Some", "None"] {
        let options = ReadOptions {
            sheet: Some(sheet.into()),
            ..ReadOptions::default()
        };
        let brought = bring_with(&path, &options, &Columns::default(), &Remedies::new()).unwrap();
        assert_eq!(columns(&brought), (vec!["Review"], vec!["Mood"]), "{sheet}");
        assert_eq!(brought.examples.len(), 60, "{sheet}");
        assert_eq!(brought.reading.table.columns().len(), 3, "{sheet}");
    }
}
