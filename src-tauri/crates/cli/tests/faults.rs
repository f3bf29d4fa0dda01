//! What people bring that cannot work: each is named, with what to do.

#![allow(clippy::unwrap_used)] // A test may stop at the first surprise.

mod common;

use common::{model, reviews, text, Terminal};

const PROMPT: &str = "Say if the review is good or bad.";

/// Faults of the data are told before the model is loaded.
#[test]
fn data_that_cannot_be_used() {
    let terminal = Terminal::new();
    let fault = |name: &str, bytes: &[u8], more: &[&str]| {
        let path = terminal.write(name, bytes);
        let mut args = vec!["optimize", "--prompt", PROMPT, "--data", text(&path)];
        args.extend(more);
        terminal.fault(&args)
    };
    let cases: [(&str, &[u8], &[&str], &str); 8] = [
        ("empty.csv", b"", &[], "holds no rows"),
        ("head.csv", b"text,mood\n", &[], "holds no rows"),
        ("one.csv", b"text,mood\nFine.,good\n", &[], "Only 1 rows"),
        (
            "column.csv",
            b"text,mood\na,good\nb,bad\n",
            &["--input", "text", "--target", "feeling"],
            "There is no column \"feeling\"; the columns are text, mood",
        ),
        (
            "mixed.csv",
            b"text,mood\na,good\nb,bad,worse\nc,good\n",
            &[],
            "Only 2 rows",
        ),
        ("book.xlsx", b"PK\x03\x04", &[], "not a whole workbook"),
        (
            "broken.jsonl",
            b"{\"input\": \"a\", \"target\": \"b\"}\n{\"input\": \n",
            &[],
            "Line 2 of",
        ),
        ("table.docx", b"PK\x03\x04", &[], "are not read"),
    ];
    for (name, bytes, more, word) in cases {
        let said = fault(name, bytes, more);
        assert!(said.contains(word), "{name}: {said}");
    }
    let mut line = b"text,mood\n\"".to_vec();
    line.resize(50 << 20, b'x');
    let said = fault("long.csv", &line, &[]);
    assert!(said.contains("is longer than"), "{said}");
    let said = terminal.fault(&["score", "--prompt", PROMPT, "--data", "none.csv"]);
    assert!(said.contains("is not there"), "{said}");
}

/// What a bug report needs, and nothing of what the person wrote.
#[cfg(target_os = "linux")]
#[test]
fn a_fault_is_in_the_log_by_its_code_and_on_the_terminal_in_words() {
    let terminal = Terminal::new();
    let file = terminal.write("velvetgneiss.csv", "plumcorundum,mood\nsaffronquill,good\n");
    let said = terminal.fault(&["score", "--prompt", "quagmirewort", "--data", text(&file)]);
    assert!(
        said.contains("Only 1 rows") && !said.contains("INFO"),
        "{said}"
    );
    let log = terminal.path("state/pmpo-studio/pmpo.log");
    let log = std::fs::read_to_string(log).unwrap();
    for words in [
        "begins program=\"pmpo\"",
        "a file was read rows=1 columns=2",
        "ends with a fault code=\"data\"",
    ] {
        assert!(log.contains(words), "{words} is missing in\n{log}");
    }
    for words in [
        "velvetgneiss",
        "plumcorundum",
        "saffronquill",
        "quagmirewort",
    ] {
        assert!(!log.contains(words), "{words} is in\n{log}");
    }
}

/// What the guess leaves open, or finds against the person's wish, is said by arguments.
#[test]
fn columns_are_named_by_arguments() {
    let terminal = Terminal::new();
    let mut rows = "frage,antwort,auch,weight,art\n".to_owned();
    for i in 0..12 {
        rows.push_str(&format!("Wie heisst {i}?,Name {i},N{i},{i}.5,train\n"));
    }
    let data = terminal.write("named.csv", rows);
    let mapping = |more: &[&str]| -> serde_json::Value {
        let mut args = vec!["import", "--json", text(&data), "--target", "antwort"];
        args.extend(more);
        let output = terminal.run(&args);
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{said}");
        serde_json::from_str::<serde_json::Value>(&said).unwrap()["mapping"].clone()
    };
    assert_eq!(mapping(&["--input", "frage"])["weight"], "weight");
    let named = mapping(&[
        "--input", "frage", "--also", "auch", "--weight", "", "--split", "art",
    ]);
    assert_eq!(named["weight"], serde_json::Value::Null);
    assert_eq!(named["split"], "art");
    assert_eq!(named["answer"]["also"][0], "auch");
    let args = ["import", text(&data), "--target", "antwort", "--id", "none"];
    let said = terminal.fault(&args);
    assert!(said.contains("There is no column \"none\""), "{said}");
}

#[test]
fn rows_without_an_answer_are_told_and_left_out() {
    let terminal = Terminal::new();
    let mut rows = reviews(8);
    rows.push_str("The soup.,\n");
    let data = terminal.write("gap.csv", rows);
    let model = model();
    let output = terminal.run(&[
        "score",
        "--prompt",
        PROMPT,
        "--data",
        text(&data),
        "--model",
        text(&model),
    ]);
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{said}");
    assert!(said.contains("1 row: no answer; left out: 9."), "{said}");
    assert!(said.contains("Loss "), "{said}");
}

#[test]
fn what_does_not_fit_the_window_is_named() {
    let terminal = Terminal::new();
    let model = model();
    let long = "word ".repeat(9000);
    let mut rows = reviews(8);
    rows.push_str(&format!("{long},good\n"));
    let data = terminal.write("long.csv", &rows);
    let output = terminal.run(&[
        "score",
        "--prompt",
        PROMPT,
        "--data",
        text(&data),
        "--model",
        text(&model),
    ]);
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{said}");
    assert!(said.contains("Row 9 is left out"), "{said}");

    let few = terminal.write("few.csv", reviews(8));
    let prompt = terminal.write("prompt.txt", &long);
    let prompt = format!("@{}", text(&prompt));
    let said = terminal.fault(&[
        "optimize",
        "--prompt",
        &prompt,
        "--data",
        text(&few),
        "--model",
        text(&model),
    ]);
    assert!(said.contains("the model's window only 8192"), "{said}");
    let said = terminal.fault(&[
        "optimize",
        "--prompt",
        "Tell {{colour}}.",
        "--data",
        text(&few),
        "--model",
        text(&model),
    ]);
    assert!(said.contains("{{colour}}"), "{said}");
}

#[test]
fn models_that_cannot_be_used() {
    let terminal = Terminal::new();
    let data = terminal.write("few.csv", reviews(8));
    let fault = |file: &str| {
        terminal.fault(&[
            "score",
            "--prompt",
            PROMPT,
            "--data",
            text(&data),
            "--model",
            file,
        ])
    };
    assert!(fault("none.gguf").contains("none.gguf is not there"));
    let words = terminal.write("words.gguf", "no model");
    assert!(fault(text(&words)).contains("is not a GGUF model file"));
    let whole = std::fs::read(model()).unwrap();
    let cut = terminal.write("cut.gguf", &whole[..whole.len() / 2]);
    assert!(fault(text(&cut)).contains("is cut short"));
}

#[test]
fn a_database_that_cannot_be_used() {
    let terminal = Terminal::new();
    assert!(terminal.run(&["runs"]).status.success());
    let database = terminal.data_dir().join("pmpo.sqlite");
    let whole = std::fs::read(&database).unwrap();

    // The format of the file: four bytes of SQLite's header.
    let mut newer = whole.clone();
    newer[60..64].copy_from_slice(&99_u32.to_be_bytes());
    std::fs::write(&database, &newer).unwrap();
    let said = terminal.fault(&["runs"]);
    assert!(said.contains("newer version of this program"), "{said}");
    assert_eq!(std::fs::read(&database).unwrap(), newer, "it is left alone");

    let mut broken = whole.clone();
    broken[..16].copy_from_slice(b"not a database!!");
    std::fs::write(&database, broken).unwrap();
    assert!(terminal.fault(&["runs"]).contains("is damaged"));

    // No folder can be made below a file, whoever asks.
    std::fs::remove_dir_all(terminal.data_dir()).unwrap();
    std::fs::write(terminal.data_dir(), "a file").unwrap();
    assert!(terminal.fault(&["runs"]).contains("cannot be made"));
}

#[test]
fn wrong_words_are_told_apart_from_faults() {
    let terminal = Terminal::new();
    assert_eq!(terminal.run(&["optimise"]).status.code(), Some(2));
    assert!(terminal.fault(&["show", "7"]).contains("There is no run 7"));
    let output = terminal.run(&["--json", "show", "7"]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(
        said.contains("\"code\":\"store\"") && said.contains("\"hint\""),
        "{said}"
    );
    let data = terminal.write("few.csv", reviews(8));
    let said = terminal.fault(&[
        "score",
        "--prompt",
        PROMPT,
        "--data",
        text(&data),
        "--set",
        "stepz=3",
    ]);
    assert!(said.contains("there is no setting \"stepz\""), "{said}");
}
