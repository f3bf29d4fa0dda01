//! Spreadsheets and exports with the faults that real ones have.

#![allow(clippy::unwrap_used)] // A test may stop at the first surprise.

mod common;

use common::{bring, bring_with, file, workbook, Brought, Cell};
use encoding_rs::WINDOWS_1252;
use pmpo_core::dataset::Answer;
use pmpo_data::{Columns, DataError, Fault, Format, ReadOptions, Remedies, Remedy, Severity};

fn brought(name: &str, bytes: impl AsRef<[u8]>) -> Brought {
    let (_folder, path) = file(name, bytes);
    bring(&path).unwrap()
}

fn rows(fault: Fault, brought: &Brought) -> Vec<usize> {
    let found = brought
        .checked
        .findings
        .iter()
        .find(|finding| finding.fault == fault);
    found.map_or_else(Vec::new, |finding| finding.rows.clone())
}

fn body(count: usize, row: impl Fn(usize) -> String) -> String {
    (1..=count).map(|i| format!("{}\n", row(i))).collect()
}

/// Eight good rows, told from each other.
fn good() -> String {
    body(8, |i| format!("question {i},answer {i}"))
}

fn assert_plain(brought: &Brought) {
    assert_eq!(brought.guess.mapping.inputs, ["question"]);
    assert_eq!(brought.examples.len(), 8);
    assert_eq!(brought.examples[7].input, "question 8");
    assert_eq!(brought.examples[7].answer.best(), "answer 8");
}

#[test]
fn dress_that_changes_nothing() {
    let plain = format!("question,answer\n{}", good());
    let semicolons = plain.replace(',', ";");
    let wide: Vec<u8> = format!("\u{feff}{}", plain.replace(',', "\t"))
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    for (name, bytes) in [
        ("unix.csv", plain.clone().into_bytes()),
        ("windows.csv", plain.replace('\n', "\r\n").into_bytes()),
        ("old mac.csv", plain.replace('\n', "\r").into_bytes()),
        ("marked.csv", format!("\u{feff}{plain}").into_bytes()),
        ("european.csv", semicolons.clone().into_bytes()),
        ("excel.csv", format!("sep=;\r\n{semicolons}").into_bytes()),
        ("unicode text.txt", wide),
        ("pipes.txt", plain.replace(',', "|").into_bytes()),
        ("tabs.tsv", plain.replace(',', "\t").into_bytes()),
        ("wrong ending.csv", plain.replace(',', "\t").into_bytes()),
        (
            "quoted.csv",
            plain
                .lines()
                .map(|l| format!("\"{}\"\n", l.replace(',', "\",\"")))
                .collect::<String>()
                .into_bytes(),
        ),
        ("blank lines.csv", plain.replace('\n', "\n\n").into_bytes()),
        (
            "end separators.csv",
            plain.replace('\n', ",,\n").into_bytes(),
        ),
        ("spaces.csv", plain.replace(',', " , ").into_bytes()),
        (
            "report.csv",
            format!("Export of 24 November\n\n{plain}").into_bytes(),
        ),
        (
            "UPPER.CSV",
            plain
                .replace("question,answer", "QUESTION,Answer")
                .replace("QUESTION,", "question,")
                .into_bytes(),
        ),
    ] {
        let (_folder, path) = file(name, bytes);
        let found = bring(&path).unwrap_or_else(|why| panic!("{name}: {why}"));
        assert_plain(&found);
        assert!(
            found.checked.findings.is_empty(),
            "{name}: {:?}",
            found.checked.findings
        );
    }
}

#[test]
fn an_export_in_windows_1252() {
    let text = format!(
        "Frage;Antwort\n{}",
        body(8, |i| format!("Wie groß ist Größe {i} – „ungefähr“?;{i} €"))
    );
    let (bytes, _, _) = WINDOWS_1252.encode(&text);
    let found = brought("altes.csv", &bytes);
    assert_eq!(found.reading.encoding, Some("windows-1252"));
    assert_eq!(
        found.examples[0].input,
        "Wie groß ist Größe 1 – „ungefähr“?"
    );
    assert_eq!(found.examples[0].answer.best(), "1 €");
}

#[test]
fn cells_of_several_lines_with_separators_and_marks() {
    let found = brought(
        "mails.csv",
        format!(
            "text,label\n{}",
            body(8, |i| format!(
                "\"Dear all,\n\nI said \"\"no\"\" {i} times;\nbye\",{}",
                ["yes", "no"][i % 2]
            ))
        ),
    );
    assert_eq!(
        found.examples[1].input,
        "Dear all,\n\nI said \"no\" 2 times;\nbye"
    );
}

#[test]
fn a_table_without_header() {
    let found = brought(
        "bare.csv",
        body(12, |i| {
            format!("the text number {i},{}", ["pos", "neg"][i % 2])
        }),
    );
    assert_eq!(found.reading.header, 0);
    assert_eq!((found.examples.len(), found.examples[0].row), (12, 1));
    assert_eq!(found.guess.mapping.inputs, ["Column 1"]);
}

#[test]
fn rows_with_too_few_and_too_many_cells_are_told_and_left_out() {
    let text = format!("question,answer\n{}alone\none,two,three\n", good());
    let found = brought("uneven.csv", &text);
    assert_plain(&found);
    assert_eq!(rows(Fault::Uneven, &found), [9, 10]);
    let (_folder, path) = file("uneven.csv", &text);
    let keep = Remedies::from([(Fault::Uneven, Remedy::Keep)]);
    let kept = bring_with(&path, &ReadOptions::default(), &Columns::default(), &keep).unwrap();
    // A row without an answer stays out whatever the remedy.
    assert_eq!(kept.examples.len(), 9);
    assert_eq!(rows(Fault::EmptyAnswer, &kept), [9]);
}

#[test]
fn empty_cells_are_told_and_left_out() {
    let found = brought(
        "holes.csv",
        format!(
            "question,answer\n{},no question\nno answer,\n  ,  \n",
            good()
        ),
    );
    assert_plain(&found);
    assert_eq!(rows(Fault::EmptyInput, &found), [9]);
    assert_eq!(rows(Fault::EmptyAnswer, &found), [10]);
    assert!(found
        .checked
        .findings
        .iter()
        .all(|f| f.fault.severity() == Severity::Error));
}

#[test]
fn duplicates_and_contradictions_are_merged_or_not_as_the_person_says() {
    let text = format!(
        "question,answer\n{}question 1,answer 1\nquestion 2,another\nquestion 2,another\n",
        good()
    );
    let (_folder, path) = file("twice.csv", &text);
    let with = |remedies: &[(Fault, Remedy)]| {
        let remedies = remedies.iter().copied().collect();
        bring_with(
            &path,
            &ReadOptions::default(),
            &Columns::default(),
            &remedies,
        )
        .unwrap()
    };
    let usual = with(&[]);
    assert_eq!(usual.examples.len(), 8);
    assert_eq!(rows(Fault::Duplicate, &usual), [9, 11]);
    assert_eq!(rows(Fault::Conflict, &usual), [10]);
    assert_eq!(usual.examples[1].answer.all(), ["answer 2", "another"]);
    let duplicate = usual
        .checked
        .findings
        .iter()
        .find(|f| f.fault == Fault::Duplicate)
        .unwrap();
    assert_eq!(duplicate.others[0], 1);
    assert_eq!(
        with(&[(Fault::Conflict, Remedy::LeaveOut)]).examples[1]
            .answer
            .all(),
        ["answer 2"]
    );
    assert_eq!(with(&[(Fault::Conflict, Remedy::Keep)]).examples.len(), 9);
    assert_eq!(with(&[(Fault::Duplicate, Remedy::Keep)]).examples.len(), 10);
    // A remedy that a fault does not have changes nothing.
    assert_eq!(
        with(&[(Fault::Duplicate, Remedy::Repair)]).examples,
        usual.examples
    );
}

#[test]
fn answers_that_stand_in_their_inputs_are_told() {
    let found = brought(
        "leak.csv",
        format!("question,answer\n{}The answer is to send it back at once. What now?,to send it back at once\n", good()),
    );
    assert_eq!(rows(Fault::Leak, &found), [9]);
    assert_eq!(found.examples.len(), 9);
}

#[test]
fn one_label_for_nearly_all_is_told() {
    let found = brought(
        "onesided.csv",
        format!(
            "text,label\n{}",
            body(40, |i| format!(
                "text {i},{}",
                if i % 10 == 0 { "rare" } else { "usual" }
            ))
        ),
    );
    let finding = &found.checked.findings[0];
    assert_eq!(
        (finding.fault, finding.sample.as_str()),
        (Fault::OneSided, "usual")
    );
    assert_eq!(found.checked.labels["rare"], 4);
    assert_eq!(found.examples.len(), 40);
}

#[test]
fn characters_read_in_a_wrong_encoding_are_put_right() {
    let right = "Für Jürgen – „schön“ war's";
    let wrong: String = WINDOWS_1252.decode(right.as_bytes()).0.into_owned();
    assert_ne!(right, wrong);
    let text = format!(
        "question,answer\n{}\"{wrong}\",answer 9\nlost \u{fffd} letter,answer 10\n",
        good()
    );
    let found = brought("mojibake.csv", &text);
    assert_eq!(rows(Fault::Encoding, &found), [9, 10]);
    assert_eq!(found.examples[8].input, right);
    assert_eq!(found.examples[8].columns["question"], right);
    let (_folder, path) = file("mojibake.csv", &text);
    let keep = Remedies::from([(Fault::Encoding, Remedy::Keep)]);
    let kept = bring_with(&path, &ReadOptions::default(), &Columns::default(), &keep).unwrap();
    assert_eq!(kept.examples[8].input, wrong);
    // Words that happen to hold such letters are left alone.
    let french = brought(
        "bon.csv",
        format!("question,answer\n{}Â peine le château,âme\n", good()),
    );
    assert!(
        french.checked.findings.is_empty(),
        "{:?}",
        french.checked.findings
    );
}

#[test]
fn nearly_equal_rows_on_both_sides_of_a_given_split_are_told() {
    let long = "The parcel that I ordered on Monday evening has not arrived yet, although your page says that it was handed to the carrier three days ago";
    let mut text = "text,label,split\n".to_owned();
    for i in 0..20 {
        text.push_str(&format!(
            "a short text number {i},{},{}\n",
            ["x", "y"][i % 2],
            ["train", "test"][usize::from(i > 12)]
        ));
    }
    text.push_str(&format!(
        "\"{long}.\",x,train\n\"{long} already.\",x,test\n"
    ));
    let found = brought("near.csv", &text);
    assert_eq!(rows(Fault::NearDuplicate, &found), [22]);
    assert_eq!(found.examples.len(), 21);
}

#[test]
fn better_and_worse_answers_that_are_the_same() {
    let found = brought(
        "pairs.csv",
        format!(
            "prompt,chosen,rejected\n{}say,same,same\nsay more,good,\n",
            body(8, |i| format!("p {i},good {i},bad"))
        ),
    );
    assert_eq!(rows(Fault::SameAnswers, &found), [9]);
    assert_eq!(rows(Fault::EmptyAnswer, &found), [10]);
    assert!(matches!(
        found.examples[0].answer,
        Answer::Preference { .. }
    ));
}

#[test]
fn very_long_cells_are_told() {
    let long = "word ".repeat(6000);
    let cut = "x".repeat(32_767);
    let found = brought(
        "long.csv",
        format!("question,answer\n{}{long},a\n{cut},b\n", good()),
    );
    assert_eq!(rows(Fault::OverLong, &found), [9, 10]);
    assert_eq!(rows(Fault::CutOff, &found), [10]);
    assert_eq!(found.examples.len(), 10);
}

#[test]
fn names_of_columns_that_are_missing_or_doubled() {
    let found = brought(
        "names.csv",
        format!(
            "question,,answer,answer\n{}",
            body(8, |i| format!("q {i},,a {i},b {i}"))
        ),
    );
    assert_eq!(
        found.reading.table.columns(),
        ["question", "answer", "answer 2"]
    );
    assert_eq!(found.examples[0].answer.all(), ["a 1", "b 1"]);
}

#[test]
fn a_quotation_mark_without_its_partner() {
    let found = brought(
        "mark.csv",
        format!("question,answer\n\"odd question,answer 0\n{}", good()),
    );
    assert!(matches!(
        found.reading.format,
        Format::Csv {
            quotes_are_text: true,
            ..
        }
    ));
    assert_eq!(found.examples.len(), 9);
}

#[test]
fn a_workbook_with_notes_beside_and_below_the_table() {
    use Cell::{None, Text};
    let mut rows: Vec<Vec<Cell>> = vec![vec![None, Text("Question"), Text("Answer")]];
    let texts: Vec<(String, String)> = (1..9)
        .map(|i| (format!("question {i}"), format!("answer {i}")))
        .collect();
    rows.extend(texts.iter().map(|(q, a)| vec![None, Text(q), Text(a)]));
    rows.push(vec![]);
    rows.push(vec![None, Text("checked by Anna")]);
    let rows: Vec<&[Cell]> = rows.iter().map(Vec::as_slice).collect();
    let found = brought("notes.xlsx", workbook(&[("Sheet1", "", &rows, "")]));
    assert_eq!(found.examples.len(), 8);
    assert_eq!(found.examples[0].row, 1);
    assert_eq!(rows_of(&found), [10]);
}

fn rows_of(found: &Brought) -> Vec<usize> {
    found
        .checked
        .findings
        .iter()
        .flat_map(|finding| finding.rows.clone())
        .collect()
}

#[test]
fn what_cannot_be_used_says_why_and_what_to_do() {
    let fault = |name: &str, bytes: &[u8]| {
        let (_folder, path) = file(name, bytes);
        let why = bring(&path).unwrap_err();
        assert!(why.message().code() == "data" && !why.to_string().is_empty());
        why
    };
    assert!(matches!(fault("a.csv", b""), DataError::Empty(_)));
    assert!(matches!(
        fault("a.csv", b"question,answer\n"),
        DataError::Empty(_)
    ));
    assert!(matches!(
        fault("a.json", b"{\"a\": 1}"),
        DataError::BadJson { .. }
    ));
    assert!(matches!(
        fault("a.json", b"{\"a\": [{\"b\": "),
        DataError::BadJson { .. }
    ));
    assert!(matches!(
        fault("a.jsonl", b"{\"a\": 1}\n{\"a\"\n"),
        DataError::BadJson { line: 2, .. }
    ));
    assert!(matches!(fault("a.docx", b"PK"), DataError::UnknownKind(_)));
    assert!(matches!(
        fault("a.xlsx", b"PK no archive"),
        DataError::Damaged { .. }
    ));
    assert!(matches!(
        fault("a.xls", b"nothing"),
        DataError::Damaged { .. }
    ));
    assert!(matches!(
        fault("a.ods", b"nothing"),
        DataError::Damaged { .. }
    ));
    assert!(matches!(
        fault("a.parquet", b"PAR1nothingPAR1"),
        DataError::Damaged { .. }
    ));
    assert!(matches!(
        fault("a.csv", b"question,answer\nx,y\nz,w\n"),
        DataError::TooFew(2)
    ));
    assert!(matches!(
        fault("a.csv", body(9, |i| format!("{i},{i},{i}")).as_bytes()),
        DataError::Unclear(_)
    ));
    let gone = bring(std::path::Path::new("no/such/file.csv"));
    assert!(matches!(gone, Err(DataError::NotFound(_))));
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(
        bring(folder.path()),
        Err(DataError::Folder(_, 0, _))
    ));
}

#[test]
fn weights_are_numbers_over_zero_and_others_are_told() {
    let row = |i: usize| {
        let weight = ["2", "0,5", "", "0", "much", "-1"]
            .get(i - 1)
            .unwrap_or(&"1");
        format!("text {i};yes {i};\"{weight}\"")
    };
    let text = format!("question;answer;Gewicht\n{}", body(12, row));
    let (_folder, path) = file("weights.csv", text);
    // A name alone makes no weight of a column with words in it.
    assert_eq!(bring(&path).unwrap().guess.mapping.weight, None);
    let reading = pmpo_data::read(&path, &ReadOptions::default()).unwrap();
    let mut mapping = bring(&path).unwrap().guess.mapping;
    mapping.weight = Some("Gewicht".to_owned());
    let plan = pmpo_data::Plan::new(&reading.table, &mapping).unwrap();
    let checked = pmpo_data::check(&plan, &[], &Remedies::new());
    let found = &checked.findings[0];
    assert_eq!(
        (found.fault, found.rows.clone()),
        (Fault::BadWeight, vec![4, 5, 6])
    );
    let weights: Vec<Option<f64>> = checked.examples(&plan).map(|one| one.weight).collect();
    assert_eq!(weights[..4], [Some(2.0), Some(0.5), None, Some(1.0)]);
    let keep = Remedies::from([(Fault::BadWeight, Remedy::Keep)]);
    let kept = pmpo_data::check(&plan, &[], &keep);
    assert_eq!(
        kept.examples(&plan)
            .filter(|one| one.weight.is_none())
            .count(),
        4
    );

    let text = format!(
        "question,answer,weight\n{}",
        body(9, |i| format!("text {i},yes {i},{i}.5"))
    );
    let guessed = brought("good.csv", text);
    assert_eq!(guessed.guess.mapping.weight.as_deref(), Some("weight"));
    assert_eq!(guessed.examples[2].weight, Some(3.5));
}
