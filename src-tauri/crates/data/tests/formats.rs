//! Every kind of file by the guess alone, in the shapes in which benchmarks and
//! programs write them.

#![allow(clippy::unwrap_used)] // A test may stop at the first surprise.

mod common;

use std::path::Path;

use common::{bring, bring_with, file, open_document, workbook, Brought, Cell};
use pmpo_core::dataset::{Answer, FixedPart};
use pmpo_data::{
    guess, AnswerColumns, Columns, DataError, Format, Plan, ReadOptions, Remedies, Role, Rule,
    SuggestionKind, Why,
};
use serde_json::json;

fn lines(rows: impl Iterator<Item = serde_json::Value>) -> String {
    rows.map(|row| format!("{row}\n")).collect()
}

fn columns(brought: &Brought) -> (Vec<&str>, Vec<&str>) {
    let mapping = &brought.guess.mapping;
    let answers = mapping.answers().into_iter().map(String::as_str).collect();
    (mapping.inputs.iter().map(String::as_str).collect(), answers)
}

#[test]
fn a_list_under_examples_as_bbh_publishes() {
    let examples: Vec<_> = (0..30)
        .map(|i| json!({"input": format!("not ( True ) and {i} is"), "target": if i % 3 == 0 { "True" } else { "False" }}))
        .collect();
    let text = json!({"canary": "a word", "examples": examples}).to_string();
    let (_folder, path) = file("task.json", text);
    let brought = bring(&path).unwrap();
    assert_eq!(columns(&brought), (vec!["input"], vec!["target"]));
    assert_eq!(brought.examples.len(), 30);
    assert_eq!(brought.checked.labels.len(), 2);
    assert_eq!(brought.reading.format, Format::Json);
}

#[test]
fn problems_with_a_worked_answer_as_gsm8k_publishes() {
    let text = lines((0..20).map(|i| {
        json!({"question": format!("{i} ducks lay two eggs each. How many?"), "answer": format!("{i} * 2 = <<{i}*2={0}>>{0} eggs.\n#### {0}", 2 * i)})
    }));
    let (_folder, path) = file("train.jsonl", text);
    let brought = bring(&path).unwrap();
    assert_eq!(columns(&brought), (vec!["question"], vec!["answer"]));
    // As it stands the reasoning is learned; the answer alone is one click away.
    assert!(brought.examples[3].answer.best().starts_with("3 * 2"));
    let suggestion = &brought.guess.suggestions[0];
    assert_eq!(
        suggestion.kind,
        SuggestionKind::AnswerAlone {
            marker: "####".into()
        }
    );
    let plan = Plan::new(&brought.reading.table, &suggestion.mapping).unwrap();
    assert_eq!(plan.answer(3).unwrap().best(), "6");
}

#[test]
fn options_with_letters_as_aqua_publishes() {
    let text = lines((0..20).map(|i| {
        let right = ["A", "B", "C", "D", "E"][i % 5];
        json!({"question": format!("How many miles in {i} hours?"), "options": ["A)32", "B)60", "C)6", "D)65", "E)10"], "rationale": format!("It is {i} times so much.\nAnswer {right}"), "correct": right})
    }));
    let (_folder, path) = file("dev.jsonl", text);
    let brought = bring(&path).unwrap();
    assert_eq!(columns(&brought), (vec!["question"], vec!["correct"]));
    assert_eq!(brought.guess.mapping.options, ["options"]);
    let example = &brought.examples[1];
    assert_eq!(
        example.input,
        "How many miles in 1 hours?\n\nA) 32\nB) 60\nC) 6\nD) 65\nE) 10"
    );
    assert_eq!(example.answer.best(), "B");
    let labels: Vec<&String> = brought.checked.labels.keys().collect();
    assert_eq!(labels, ["A", "B", "C", "D", "E"]);
    let suggestion = &brought.guess.suggestions[0];
    assert_eq!(
        suggestion.kind,
        SuggestionKind::Rationale {
            column: "rationale".into()
        }
    );
    let plan = Plan::new(&brought.reading.table, &suggestion.mapping).unwrap();
    assert!(plan.answer(1).unwrap().best().starts_with("It is 1 times"));
}

#[test]
fn pairs_of_answers() {
    let text = lines((0..12).map(|i| {
        json!({"instruction": format!("Say {i}"), "chosen": format!("I say {i}."), "rejected": "No.", "dataset": (["a", "b"][i % 2])})
    }));
    let (_folder, path) = file("pairs.jsonl", text);
    let brought = bring(&path).unwrap();
    assert_eq!(
        columns(&brought),
        (vec!["instruction"], vec!["chosen", "rejected"])
    );
    assert!(
        matches!(&brought.examples[2].answer, Answer::Preference { chosen, .. } if chosen == "I say 2.")
    );
}

#[test]
fn an_option_a_column_and_the_place_of_the_right_one() {
    let mut text = "question,A,B,C,D,answer\n".to_owned();
    for i in 0..12 {
        text.push_str(&format!(
            "Which is {i}?,one{i},two{i},three{i},four{i},{}\n",
            i % 4
        ));
    }
    let (_folder, path) = file("mmlu.csv", text);
    let brought = bring(&path).unwrap();
    assert_eq!(brought.guess.mapping.options, ["A", "B", "C", "D"]);
    assert!(brought.examples[0]
        .input
        .ends_with("A) one0\nB) two0\nC) three0\nD) four0"));
    assert_eq!(brought.examples[2].answer.best(), "C");
}

#[test]
fn conversations_as_models_are_tuned_with() {
    let text = lines((0..8).map(|i| {
        json!({"messages": [{"role": "user", "content": format!("Question {i}")}, {"role": "assistant", "content": format!("Answer {i}")}]})
    }));
    let (_folder, path) = file("tuning.jsonl", text);
    let brought = bring(&path).unwrap();
    assert_eq!(brought.examples[4].input, "Question 4");
    assert_eq!(brought.examples[4].answer.best(), "Answer 4");
    let pairs = lines((0..8).map(|i| {
        json!({"prompt": format!("Question {i}"), "chosen": [{"role": "assistant", "content": "Good"}], "rejected": [{"role": "assistant", "content": "Bad"}]})
    }));
    let (_folder, path) = file("dpo.jsonl", pairs);
    assert_eq!(bring(&path).unwrap().examples[1].answer.best(), "Good");
}

#[test]
fn json_in_other_shapes() {
    let rows: Vec<_> = (0..8).map(|i| json!({"q": format!("long question number {i}"), "meta": {"id": i}, "a": format!("a{i}")})).collect();
    let by_name = json!({
        "question": (0..8).map(|i| format!("long question number {i}")).collect::<Vec<_>>(),
        "answer": (0..8).map(|i| format!("a{i}")).collect::<Vec<_>>(),
    });
    let pandas = json!({
        "question": (0..8).map(|i| (i.to_string(), json!(format!("long question number {i}")))).collect::<serde_json::Map<_, _>>(),
        "answer": (0..8).map(|i| (i.to_string(), json!(format!("a{i}")))).collect::<serde_json::Map<_, _>>(),
    });
    for text in [
        json!(rows).to_string(),
        json!({"info": {"x": 1}, "data": rows}).to_string(),
        by_name.to_string(),
        pandas.to_string(),
        lines(rows.iter().cloned()),
    ] {
        let (_folder, path) = file("data.json", &text);
        let chosen = Columns {
            target: text.contains("\"a\"").then(|| "a".to_owned()),
            ..Columns::default()
        };
        let brought =
            bring_with(&path, &ReadOptions::default(), &chosen, &Remedies::new()).unwrap();
        assert_eq!(
            brought.examples[5].input, "long question number 5",
            "{text}"
        );
        assert_eq!(brought.examples[5].answer.best(), "a5");
    }
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let (_folder, path) = file("deep.json", deep);
    assert!(matches!(bring(&path), Err(DataError::BadJson { .. })));
}

#[test]
fn a_workbook_with_a_title_dates_merged_cells_and_a_hidden_sheet() {
    use Cell::{Date, Fault, None, Number, Text};
    let rows: Vec<Vec<Cell>> = vec![
        vec![Text("Support mails, March")],
        vec![],
        vec![
            Text("Nr"),
            Text("Received"),
            Text("Message"),
            Text("Category"),
        ],
        vec![
            Number(1.0),
            Date(45352.0),
            Text("My parcel <never> came & nobody answers."),
            Text("delivery"),
        ],
        vec![
            Number(2.0),
            Date(45353.5),
            Text("The second box was empty, too."),
            None,
        ],
        vec![],
        vec![
            Number(3.0),
            Date(45354.0),
            Text("I was charged twice this month."),
            Text("billing"),
        ],
        vec![
            Number(4.0),
            Fault,
            Text("Please send the bill again."),
            Text("billing"),
        ],
        vec![
            Number(5.0),
            Date(45356.0),
            Text("Where is my order?"),
            Text("delivery"),
        ],
        vec![
            Number(6.0),
            Date(45356.0),
            Text("The invoice has a wrong name."),
            Text("billing"),
        ],
    ];
    let rows: Vec<&[Cell]> = rows.iter().map(Vec::as_slice).collect();
    let merged = r#"<mergeCells count="1"><mergeCell ref="D4:D5"/></mergeCells>"#;
    let notes: &[&[Cell]] = &[&[Text("only notes")]];
    let bytes = workbook(&[
        ("Secret", r#"state="hidden""#, notes, ""),
        ("Empty", "", &[], ""),
        ("Mails", "", &rows, merged),
    ]);
    let (_folder, path) = file("mails.xlsx", bytes);
    let brought = bring(&path).unwrap();
    assert_eq!(
        brought.reading.format,
        Format::Workbook {
            sheets: vec!["Empty".into(), "Mails".into()],
            sheet: "Mails".into()
        }
    );
    assert_eq!(brought.reading.header, 3);
    assert_eq!(columns(&brought), (vec!["Message"], vec!["Category"]));
    assert_eq!(brought.guess.mapping.id.as_deref(), Some("Nr"));
    assert_eq!(brought.examples.len(), 6);
    assert_eq!(
        brought.examples[0].input,
        "My parcel <never> came & nobody answers."
    );
    assert_eq!(brought.examples[0].columns["Received"], "2024-03-01");
    assert_eq!(
        brought.examples[1].columns["Received"],
        "2024-03-02 12:00:00"
    );
    assert_eq!(brought.examples[1].answer.best(), "delivery");
    assert_eq!((brought.examples[1].row, brought.examples[2].row), (2, 4));
    let sheet = ReadOptions {
        sheet: Some("Secret".into()),
        ..ReadOptions::default()
    };
    let hidden = bring_with(&path, &sheet, &Columns::default(), &Remedies::new());
    assert!(matches!(hidden, Err(DataError::NoSuchSheet { .. })));
}

#[test]
fn an_open_document_sheet_with_repeated_cells() {
    let cell = |text: &str| {
        format!(
            r#"<table:table-cell office:value-type="string"><text:p>{text}</text:p></table:table-cell>"#
        )
    };
    let mut rows = format!(
        "<table:table-row>{}{}</table:table-row>",
        cell("Frage"),
        cell("Antwort")
    );
    for i in 0..8 {
        rows.push_str(&format!("<table:table-row>{}{}<table:table-cell table:number-columns-repeated=\"16382\"/></table:table-row>", cell(&format!("Wie viel ist {i}?")), cell(&format!("{i}"))));
    }
    rows.push_str(r#"<table:table-row table:number-rows-repeated="1048567"><table:table-cell table:number-columns-repeated="16384"/></table:table-row>"#);
    let (_folder, path) = file("fragen.ods", open_document(&rows));
    let brought = bring(&path).unwrap();
    assert_eq!(columns(&brought), (vec!["Frage"], vec!["Antwort"]));
    assert_eq!(brought.examples.len(), 8);
}

#[test]
fn files_of_other_programs() {
    for name in [
        "mails.xls",
        "mails.parquet",
        "mails-zstd.parquet",
        "mails-gzip.parquet",
        "mails-lz4.parquet",
    ] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/fixtures")
            .join(name);
        let brought = bring(&path).unwrap();
        let (inputs, answers) = columns(&brought);
        assert_eq!(
            (inputs[0].to_lowercase(), answers[0].to_lowercase()),
            ("message".into(), "label".into()),
            "{name}"
        );
        assert_eq!(brought.examples.len(), 9);
        let example = &brought.examples[2];
        assert_eq!(example.input, "Message number 3: where is my parcel?");
        let cell = |name: &str| {
            example
                .columns
                .get(name)
                .or(example.columns.get(&name.to_lowercase()))
                .unwrap()
        };
        assert_eq!(cell("Day"), "2024-03-03");
        if name.ends_with("xls") {
            assert_eq!(cell("Count"), "3");
            continue;
        }
        let found: Vec<&str> = ["raw", "count", "share", "tags", "meta.source", "meta.page"]
            .map(|name| cell(name).as_str())
            .to_vec();
        assert_eq!(
            found,
            [
                example.input.as_str(),
                "2",
                "1",
                "[\"a\",\"b\"]",
                "mail",
                "2"
            ]
        );
    }
}

#[test]
fn a_folder_of_texts_and_a_folder_of_tables() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    for i in 0..6 {
        write(
            &format!("case {i}.in.txt"),
            &format!("Input {i}\nof two lines\n"),
        );
        write(&format!("case {i}.out.txt"), &format!("Output {i}\n"));
    }
    write("case 9.in.txt", "Nobody answered");
    write("README.txt", "not an example");
    write(".hidden.in.txt", "not one either");
    let brought = bring(folder.path()).unwrap();
    assert_eq!(brought.reading.format, Format::Texts);
    assert_eq!(columns(&brought), (vec!["input"], vec!["output"]));
    assert_eq!(brought.examples[2].input, "Input 2\nof two lines");
    assert_eq!(brought.examples.len(), 6);
    assert_eq!(brought.checked.findings.len(), 1);

    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("a.csv", "question,answer\nq1,a1\nq2,a2\nq3,a3\n");
    write(
        "b.jsonl",
        "{\"question\": \"q4\", \"answer\": \"a4\"}\n{\"question\": \"q5\", \"answer\": \"a5\"}\n",
    );
    write("~$a.xlsx", "a lock");
    write("c.csv.part", "half");
    let brought = bring(folder.path()).unwrap();
    assert_eq!(brought.examples.len(), 5);
    assert_eq!(brought.examples[4].row, 5);
    write("d.csv", "other,columns\n1,2\n");
    assert!(matches!(
        bring(folder.path()),
        Err(DataError::OtherColumns { .. })
    ));
}

#[test]
fn the_split_and_the_names_of_rows_come_from_columns() {
    let mut text = "id;text;label;split\n".to_owned();
    for i in 0..20 {
        text.push_str(&format!(
            "r{i};a text number {i};{};{}\n",
            ["x", "y"][i % 2],
            ["train", "TEST"][usize::from(i >= 14)]
        ));
    }
    let (_folder, path) = file("parts.csv", text);
    let brought = bring(&path).unwrap();
    let mapping = &brought.guess.mapping;
    assert_eq!(
        (mapping.split.as_deref(), mapping.id.as_deref()),
        (Some("split"), Some("id"))
    );
    assert_eq!(brought.examples[0].part, Some(FixedPart::Train));
    assert_eq!(brought.examples[19].part, Some(FixedPart::Validation));
    assert_eq!(brought.examples[19].id.as_deref(), Some("r19"));
}

#[test]
fn several_input_columns_and_several_answers() {
    let mut text = "instruction,input,output,output 2\n".to_owned();
    for i in 0..8 {
        text.push_str(&format!(
            "{},text number {i},yes {i},yeah {i}\n",
            ["Translate", "Sum up"][i % 2]
        ));
    }
    let (_folder, path) = file("alpaca.csv", text);
    let brought = bring(&path).unwrap();
    assert_eq!(
        columns(&brought),
        (vec!["instruction", "input"], vec!["output", "output 2"])
    );
    assert_eq!(
        brought.examples[1].input,
        "instruction: Sum up\n\ninput: text number 1"
    );
    assert_eq!(brought.examples[1].answer.all(), ["yes 1", "yeah 1"]);
}

#[test]
fn rules_cut_the_answer_and_name_what_they_miss() {
    let mut text = "q,a\n".to_owned();
    for i in 0..8 {
        text.push_str(&format!("question {i},\"because\nso it is {i}\"\n"));
    }
    text.push_str("question 9,nothing\n");
    let (_folder, path) = file("rules.csv", text);
    let brought = bring(&path).unwrap();
    let with = |rule: Rule| {
        let mut mapping = brought.guess.mapping.clone();
        mapping.rule = rule;
        let plan = Plan::new(&brought.reading.table, &mapping)?;
        Ok::<_, DataError>((plan.answer(2).map(|a| a.best().to_owned()), plan.answer(8)))
    };
    assert_eq!(with(Rule::LastLine).unwrap().0.unwrap(), "so it is 2");
    let (found, missed) = with(Rule::Pattern {
        pattern: r"it is (\d+)".into(),
    })
    .unwrap();
    assert_eq!(found.unwrap(), "2");
    assert_eq!(missed, Err(pmpo_data::Unusable::RuleFindsNothing));
    assert_eq!(
        with(Rule::After {
            marker: "so".into()
        })
        .unwrap()
        .0
        .unwrap(),
        "it is 2"
    );
    let broken = with(Rule::Pattern {
        pattern: "(".into(),
    });
    assert!(matches!(broken, Err(DataError::BadPattern { .. })));
    let huge = with(Rule::Pattern {
        pattern: "((a{100}){100}){100}".into(),
    });
    assert!(matches!(huge, Err(DataError::BadPattern { .. })));
}

#[test]
fn reasons_say_why_and_the_person_decides() {
    let mut text = "a,b,c\n".to_owned();
    for i in 0..30 {
        text.push_str(&format!(
            "{i},\"The text of a longer message, number {i}\",{}\n",
            ["good", "bad"][i % 2]
        ));
    }
    let (_folder, path) = file("unnamed.csv", text);
    let brought = bring(&path).unwrap();
    assert_eq!(columns(&brought), (vec!["b"], vec!["c"]));
    let why = |role| {
        brought
            .guess
            .reasons
            .iter()
            .find(|r| r.role == role)
            .unwrap()
            .why
    };
    assert_eq!(
        (why(Role::Input), why(Role::Target)),
        (Why::Longest, Why::FewValues { count: 2 })
    );
    let choice = Columns {
        inputs: vec!["c".into()],
        target: Some("b".into()),
        ..Columns::default()
    };
    let chosen = guess(&brought.reading.table, &choice).unwrap();
    assert_eq!(chosen.mapping.inputs, ["c"]);
    assert!(chosen
        .reasons
        .iter()
        .all(|reason| reason.why == Why::Chosen || reason.role == Role::Id));
    let wrong = Columns {
        target: Some("d".into()),
        ..Columns::default()
    };
    assert!(matches!(
        guess(&brought.reading.table, &wrong),
        Err(DataError::NoSuchColumn { .. })
    ));
    let same = Columns {
        inputs: vec!["c".into()],
        target: Some("c".into()),
        ..Columns::default()
    };
    let mapping = guess(&brought.reading.table, &same).unwrap().mapping;
    assert!(matches!(
        Plan::new(&brought.reading.table, &mapping),
        Err(DataError::SameColumn(_))
    ));
}

#[test]
fn mappings_of_earlier_programs_are_understood() {
    let old =
        json!({"input": "q", "kind": {"kind": "supervised", "target": "a"}, "reason": "by name"});
    let mapping: pmpo_data::Mapping = serde_json::from_value(old).unwrap();
    assert_eq!(mapping.inputs, ["q"]);
    assert!(matches!(&mapping.answer, AnswerColumns::Supervised { target, .. } if target == "a"));
    let again: pmpo_data::Mapping =
        serde_json::from_value(serde_json::to_value(&mapping).unwrap()).unwrap();
    assert_eq!(again, mapping);
}

/// The published files themselves, where they are beside the checkout.
#[test]
fn benchmarks_as_published() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../../shared/data");
    if !data.is_dir() {
        println!("no benchmark data here; their shapes are tested above");
        return;
    }
    let mut tasks = 0;
    for entry in std::fs::read_dir(data.join("bbh")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|end| end == "json") {
            let brought = bring(&path).unwrap();
            assert_eq!(
                columns(&brought),
                (vec!["input"], vec!["target"]),
                "{path:?}"
            );
            let rows = brought.reading.table.len();
            let merged: usize = brought.checked.findings.iter().map(|f| f.rows.len()).sum();
            assert!(
                brought.examples.len() + merged >= rows && brought.examples.len() > 140,
                "{path:?}"
            );
            tasks += 1;
        }
    }
    assert_eq!(tasks, 14);
    let gsm = bring(&data.join("gsm8k/train-400.jsonl")).unwrap();
    assert_eq!(columns(&gsm), (vec!["question"], vec!["answer"]));
    let plan = Plan::new(&gsm.reading.table, &gsm.guess.suggestions[0].mapping).unwrap();
    assert!((0..400).all(|row| plan
        .answer(row)
        .unwrap()
        .best()
        .chars()
        .all(|c| "0123456789,.-".contains(c))));
    let aqua = bring(&data.join("aqua/dev.jsonl")).unwrap();
    assert_eq!(aqua.checked.labels.len(), 5);
    assert_eq!(
        aqua.guess.suggestions[0].kind,
        SuggestionKind::Rationale {
            column: "rationale".into()
        }
    );
    let pairs = bring(&data.join("preference/alpaca-eval-pairs.jsonl")).unwrap();
    assert_eq!(
        columns(&pairs),
        (vec!["instruction"], vec!["chosen", "rejected"])
    );
}
