//! Files as people have them, with their faults.

#![allow(clippy::unwrap_used)] // A test may stop at the first surprise.

use std::path::PathBuf;

use pmpo_app::data::{build, guess_mapping, read_table, Columns, DataError, Import, Kind};
use pmpo_app::{sample, SAMPLES};

fn import(name: &str, bytes: &[u8], columns: &Columns) -> Result<Import, DataError> {
    let folder = tempfile::tempdir().unwrap();
    let path: PathBuf = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    let table = read_table(&path)?;
    build(&table, &guess_mapping(&table, columns)?)
}

fn guess(name: &str, text: &str) -> Result<Import, DataError> {
    import(name, text.as_bytes(), &Columns::default())
}

fn rows(head: &str, row: impl Fn(usize) -> String) -> String {
    let body: Vec<String> = (1..8).map(row).collect();
    format!("{head}\n{}\n", body.join("\n"))
}

#[test]
fn good_files_are_read_whatever_their_dress() {
    let plain = guess(
        "a.csv",
        &rows("question,answer", |i| format!("q{i},\"a, {i}\"")),
    )
    .unwrap();
    assert_eq!(plain.examples.len(), 7);
    assert_eq!(plain.examples[0].answer.best(), "a, 1");
    let dressed = rows("question;answer", |i| format!("q{i};\"a, {i}\"")).replace('\n', "\r\n");
    let dressed = guess("b.csv", &format!("\u{feff}{dressed}")).unwrap();
    assert_eq!(dressed.examples, plain.examples);
    let lines: Vec<String> = (1..8)
        .map(|i| format!("{{\"question\": \"q{i}\", \"answer\": \"a, {i}\"}}"))
        .collect();
    assert_eq!(
        guess("c.jsonl", &lines.join("\n")).unwrap().examples,
        plain.examples
    );
    let list = format!("{{\"examples\": [{}]}}", lines.join(","));
    assert_eq!(guess("d.json", &list).unwrap().examples, plain.examples);
    let quoted = guess("e.tsv", &rows("x\ty", |i| format!("\"one\ntwo {i}\"\tz"))).unwrap();
    assert_eq!(quoted.examples[2].input, "one\ntwo 3");
    let pairs = guess(
        "f.csv",
        &rows("prompt,chosen,rejected", |i| format!("p{i},good,bad")),
    )
    .unwrap();
    assert!(matches!(pairs.mapping.kind, Kind::Preference { .. }));
}

#[test]
fn faults_name_the_place_and_the_remedy() {
    let fault = |name: &str, bytes: &[u8]| {
        let error = import(name, bytes, &Columns::default()).unwrap_err();
        assert!(!error.hint().is_empty());
        error
    };
    assert!(matches!(fault("a.csv", b""), DataError::Empty(_)));
    assert!(matches!(
        fault("a.csv", b"input,target\n"),
        DataError::Empty(_)
    ));
    assert_eq!(fault("a.csv", b"input,target\nx,y\n"), DataError::TooFew(1));
    assert!(matches!(
        fault("a.csv", b"a,b,c\n1,2,3\n"),
        DataError::Unclear(_)
    ));
    assert!(matches!(
        fault("a.csv", b"input,target\nx,y\nx,y,z\n"),
        DataError::MixedRows {
            row: 2,
            found: 3,
            expected: 2,
            ..
        }
    ));
    assert!(matches!(
        fault("a.csv", b"input,target\nx,y\n\xff,y\n"),
        DataError::NotUtf8 { line: 3, .. }
    ));
    assert!(matches!(
        fault("a.jsonl", b"{\"a\": 1}\n{\"a\"\n"),
        DataError::BadJson { line: 2, .. }
    ));
    assert!(matches!(
        fault("a.jsonl", b"{\"a\": {}}\n"),
        DataError::NotText { row: 1, .. }
    ));
    assert!(matches!(fault("a.doc", b"x"), DataError::UnknownKind(_)));
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(matches!(
        fault("a.json", deep.as_bytes()),
        DataError::BadJson { .. }
    ));
    let mut long = b"input,target\n".to_vec();
    long.resize(50 << 20, b'x');
    assert!(matches!(
        fault("a.csv", &long),
        DataError::LineTooLong { line: 2, .. }
    ));
    let named = Columns {
        target: Some("colour".into()),
        ..Columns::default()
    };
    let error = import("a.csv", b"input,target\nx,y\n", &named).unwrap_err();
    assert!(matches!(error, DataError::NoSuchColumn { name, .. } if name == "colour"));
}

#[test]
fn rows_that_cannot_be_used_are_named() {
    let text = rows("input,target", |i| match i {
        2 => ",t".to_owned(),
        3 => "i3, ".to_owned(),
        5 => "i4,t".to_owned(),
        _ => format!("i{i},t"),
    }) + "i9,t\n";
    let import = guess("a.csv", &text).unwrap();
    let rows: Vec<usize> = import.left_out.iter().map(|row| row.row).collect();
    assert_eq!(rows, [2, 3, 5]);
    assert!(import.left_out[2].why.contains("row 4"));
    assert_eq!(import.examples.len(), 5);
}

#[test]
fn samples_are_whole_and_varied() {
    let folder = tempfile::tempdir().unwrap();
    for name in SAMPLES {
        let sample = sample(name, folder.path()).unwrap();
        let table = read_table(&sample.data).unwrap();
        let import = build(&table, &guess_mapping(&table, &sample.columns).unwrap()).unwrap();
        assert!((80..=200).contains(&import.examples.len()), "{name}");
        assert!(import.left_out.is_empty(), "{name}: {:?}", import.left_out);
        let trigrams = |text: &str| -> std::collections::HashSet<String> {
            let words: Vec<String> = text.split_whitespace().map(str::to_lowercase).collect();
            words.windows(3).map(|three| three.join(" ")).collect()
        };
        let all: Vec<_> = import.examples.iter().map(|e| trigrams(&e.input)).collect();
        for (at, one) in all.iter().enumerate() {
            for other in &all[..at] {
                let shared = one.intersection(other).count();
                let most = one.len().min(other.len()).max(1);
                assert!(
                    shared * 100 < 40 * most,
                    "{name}: row {} repeats another",
                    at + 1
                );
            }
        }
    }
}

#[test]
fn the_files_of_a_folder_are_one_table() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    let count = read_table(folder.path()).unwrap_err();
    assert!(matches!(count, DataError::Folder(_, 0, _)));
    write("b.csv", "text,mood\nc,good\nd,bad\n");
    write("a.csv", "text,mood\na,good\nb,bad\n");
    write("notes.md", "not read");
    write(".hidden.csv", "other\nx\n");
    let table = read_table(folder.path()).unwrap();
    let rows: Vec<_> = table
        .rows
        .iter()
        .map(|row| (row.number, row.cells[0].clone().unwrap()))
        .collect();
    let expected = [(1, "a"), (2, "b"), (3, "c"), (4, "d")].map(|(n, t)| (n, t.to_owned()));
    assert_eq!(rows, expected);
    write("c.csv", "text,feeling\ne,good\n");
    let error = read_table(folder.path()).unwrap_err();
    assert!(matches!(&error, DataError::OtherColumns { file, .. } if file.ends_with("c.csv")));
    assert!(!error.hint().is_empty());
}
