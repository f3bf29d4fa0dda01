//! Files written for the tests.

#![allow(dead_code)] // Each test file uses a part of it.

use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};

use pmpo_core::dataset::Example;
use pmpo_data::{
    check, guess, read, Checked, Columns, DataError, Guess, Plan, ReadOptions, Reading, Remedies,
};

/// A file brought by the guess alone.
#[derive(Debug)]
pub(crate) struct Brought {
    pub reading: Reading,
    pub guess: Guess,
    pub checked: Checked,
    pub examples: Vec<Example>,
}

pub(crate) fn bring(path: &Path) -> Result<Brought, DataError> {
    bring_with(
        path,
        &ReadOptions::default(),
        &Columns::default(),
        &Remedies::new(),
    )
}

pub(crate) fn bring_with(
    path: &Path,
    options: &ReadOptions,
    columns: &Columns,
    remedies: &Remedies,
) -> Result<Brought, DataError> {
    let reading = read(path, options)?;
    let guess = guess(&reading.table, columns)?;
    let plan = Plan::new(&reading.table, &guess.mapping)?;
    let checked = check(&plan, &reading.uneven, remedies);
    checked.enough()?;
    let examples = checked.examples(&plan).collect();
    Ok(Brought {
        reading: reading.clone(),
        guess,
        checked,
        examples,
    })
}

/// A folder with one file.
pub(crate) fn file(name: &str, bytes: impl AsRef<[u8]>) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    (folder, path)
}

pub(crate) fn archive(files: &[(&str, &str)]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in files {
        zip.start_file(*name, zip::write::SimpleFileOptions::default())
            .unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// A cell of a sheet: text, number, or a date's serial number.
#[derive(Clone, Copy)]
pub(crate) enum Cell<'a> {
    Text(&'a str),
    Number(f64),
    Date(f64),
    Fault,
    None,
}

/// A workbook (ECMA-376) of sheets by name, with the attributes of each and what
/// stands after its rows.
pub(crate) fn workbook(sheets: &[(&str, &str, &[&[Cell]], &str)]) -> Vec<u8> {
    let head = r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>"#;
    let main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    let relations = "http://schemas.openxmlformats.org/package/2006/relationships";
    let documents = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let mut files = vec![(
        "_rels/.rels".to_owned(),
        format!(
            r#"{head}<Relationships xmlns="{relations}"><Relationship Id="r1" Type="{documents}/officeDocument" Target="xl/workbook.xml"/></Relationships>"#
        ),
    )];
    let (mut list, mut links, mut types) = (String::new(), String::new(), String::new());
    for (at, (name, attributes, rows, after)) in sheets.iter().enumerate() {
        let number = at + 1;
        list.push_str(&format!(
            r#"<sheet name="{name}" sheetId="{number}" r:id="s{number}" {attributes}/>"#
        ));
        links.push_str(&format!(r#"<Relationship Id="s{number}" Type="{documents}/worksheet" Target="worksheets/sheet{number}.xml"/>"#));
        types.push_str(&format!(r#"<Override PartName="/xl/worksheets/sheet{number}.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/>"#));
        let mut body = String::new();
        for (row, cells) in rows.iter().enumerate() {
            if cells.is_empty() {
                continue;
            }
            body.push_str(&format!(r#"<row r="{}">"#, row + 1));
            for (column, cell) in cells.iter().enumerate() {
                let place = format!("{}{}", char::from(b'A' + column as u8), row + 1);
                body.push_str(&match cell {
                    Cell::None => String::new(),
                    Cell::Text(text) => {
                        let text = text.replace('&', "&amp;").replace('<', "&lt;");
                        format!(r#"<c r="{place}" t="inlineStr"><is><t xml:space="preserve">{text}</t></is></c>"#)
                    }
                    Cell::Number(value) => format!(r#"<c r="{place}"><v>{value}</v></c>"#),
                    Cell::Date(value) => format!(r#"<c r="{place}" s="1"><v>{value}</v></c>"#),
                    Cell::Fault => format!(r##"<c r="{place}" t="e"><v>#N/A</v></c>"##),
                });
            }
            body.push_str("</row>");
        }
        files.push((
            format!("xl/worksheets/sheet{number}.xml"),
            format!(r#"{head}<worksheet xmlns="{main}"><sheetData>{body}</sheetData>{after}</worksheet>"#),
        ));
    }
    links.push_str(&format!(
        r#"<Relationship Id="st" Type="{documents}/styles" Target="styles.xml"/>"#
    ));
    files.push((
        "xl/workbook.xml".to_owned(),
        format!(r#"{head}<workbook xmlns="{main}" xmlns:r="{documents}"><sheets>{list}</sheets></workbook>"#),
    ));
    files.push((
        "xl/_rels/workbook.xml.rels".to_owned(),
        format!(r#"{head}<Relationships xmlns="{relations}">{links}</Relationships>"#),
    ));
    files.push((
        "xl/styles.xml".to_owned(),
        format!(r#"{head}<styleSheet xmlns="{main}"><cellXfs count="2"><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs></styleSheet>"#),
    ));
    files.push((
        "[Content_Types].xml".to_owned(),
        format!(r#"{head}<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/><Override PartName="/xl/styles.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml"/>{types}</Types>"#),
    ));
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(name, text)| (&**name, &**text))
        .collect();
    archive(&files)
}

/// An OpenDocument sheet (OASIS) of rows as XML.
pub(crate) fn open_document(rows: &str) -> Vec<u8> {
    let content = format!(
        r#"<?xml version="1.0" encoding="UTF-8"?><office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" office:version="1.3"><office:body><office:spreadsheet><table:table table:name="Tabelle1">{rows}</table:table></office:spreadsheet></office:body></office:document-content>"#
    );
    archive(&[
        ("mimetype", "application/vnd.oasis.opendocument.spreadsheet"),
        (
            "META-INF/manifest.xml",
            r#"<?xml version="1.0" encoding="UTF-8"?><manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"><manifest:file-entry manifest:full-path="/" manifest:media-type="application/vnd.oasis.opendocument.spreadsheet"/></manifest:manifest>"#,
        ),
        ("content.xml", &content),
    ])
}
