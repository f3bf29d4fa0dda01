//! `pmpo watch` on a file that changes, with the built-in model.

#![allow(clippy::unwrap_used)] // A test may stop at the first surprise.

mod common;

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::sync::mpsc::{channel, Receiver};
use std::time::Duration;

use common::{model, reviews, text, Terminal};
use serde_json::Value;

fn next(lines: &Receiver<String>, event: &str) -> Value {
    let line = lines.recv_timeout(Duration::from_secs(120)).unwrap();
    let value: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(value["event"], event, "{line}");
    value
}

#[test]
fn a_prompt_is_measured_again_whenever_its_file_changes() {
    let terminal = Terminal::new();
    let data = terminal.write("reviews.csv", reviews(20));
    let model = model();
    let mut program = terminal
        .command(&[
            "watch",
            "--json",
            "--data",
            text(&data),
            "--prompt",
            "Say if the review is good or bad.",
            "--project",
            "Watched",
            "--model",
            text(&model),
        ])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let out = program.stdout.take().unwrap();
    let (sender, lines) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(out).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    let first = next(&lines, "measured");
    assert!(first["before"].is_null() && first["now"]["loss"].as_f64().unwrap() > 0.0);

    std::fs::write(&data, reviews(24)).unwrap();
    let changed = next(&lines, "changed");
    assert_eq!(changed["difference"]["added"].as_array().unwrap().len(), 4);
    let again = next(&lines, "measured");
    assert_eq!(again["before"], first["now"]);
    assert!(again["now"]["examples"].as_u64() > again["before"]["examples"].as_u64());

    std::fs::write(&data, "text,mood\nhalf").unwrap();
    let faulty = next(&lines, "faulty");
    assert!(!faulty["error"]["hint"].as_str().unwrap().is_empty());
    std::fs::remove_file(&data).unwrap();
    next(&lines, "gone");
    std::fs::write(&data, reviews(20)).unwrap();
    next(&lines, "changed");
    // All of it is known already, so that the figure is the same to the last digit.
    assert_eq!(next(&lines, "measured")["now"], first["now"]);
    program.kill().unwrap();
    program.wait().unwrap();

    let store = pmpo_app::open_store_at(&terminal.data_dir()).unwrap();
    let project = store.projects().unwrap()[0].clone();
    assert_eq!(project.name, "Watched");
    assert_eq!(store.measurements(project.id).unwrap().len(), 2);
    assert_eq!(store.datasets(project.id).unwrap().len(), 2);
}

#[test]
fn what_cannot_be_watched_is_told() {
    let terminal = Terminal::new();
    let said = terminal.fault(&["watch", "--data", "none.csv", "--prompt", "x"]);
    assert!(said.contains("is not there"), "{said}");
}
