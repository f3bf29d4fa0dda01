//! Runs that are killed or stopped, on the real model.

#![allow(clippy::unwrap_used)] // A test may stop at the first surprise.

mod common;

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use common::{model, reviews, text, Terminal};
use serde_json::Value;

/// A small run: some 20 prompts on 6 examples.
const SETTINGS: [&str; 9] = [
    "steps=2",
    "patience=0",
    "rewrites=1",
    "max_rewrite_tokens=24",
    "bank_phrases=2",
    "max_demonstrations=1",
    "demonstration_sets=1",
    "split.train_limit=6",
    "split.validation_limit=4",
];

fn start(terminal: &Terminal) -> Vec<String> {
    let data = terminal.write("reviews.csv", reviews(20));
    let mut args = vec![
        "--json".to_owned(),
        "optimize".to_owned(),
        "--prompt".to_owned(),
        "You are a poet. Say if the review is good or bad.".to_owned(),
        "--data".to_owned(),
        text(&data).to_owned(),
        "--model".to_owned(),
        text(&model()).to_owned(),
    ];
    for setting in SETTINGS {
        args.extend(["--set".to_owned(), setting.to_owned()]);
    }
    args
}

fn resume() -> Vec<String> {
    ["--json", "resume", "1"].map(str::to_owned).to_vec()
}

/// Everything about the run but times.
fn history(terminal: &Terminal) -> Value {
    let output = terminal.run(&["--json", "show", "1"]);
    assert!(output.status.success());
    let mut all: Value = serde_json::from_slice(&output.stdout).unwrap();
    without_times(&mut all);
    all
}

fn without_times(value: &mut Value) {
    match value {
        Value::Object(map) => {
            for name in ["seconds", "working_seconds", "created_at", "finished_at"] {
                map.remove(name);
            }
            map.values_mut().for_each(without_times);
        }
        Value::Array(list) => list.iter_mut().for_each(without_times),
        _ => {}
    }
}

fn candidates(history: &Value) -> usize {
    history["candidates"].as_array().unwrap().len()
}

/// Starts the program, lets it tell so many events, waits, and kills it.
/// The numbers of the prompts that it told of, and whether it ended by itself.
fn killed(terminal: &Terminal, args: &[String], events: u64, wait: Duration) -> (Vec<u64>, bool) {
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let mut child = terminal
        .command(&args)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // Open until the program is gone: it must end by the kill, not by a closed pipe.
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut told = Vec::new();
    let mut seen = 0;
    for line in lines.by_ref() {
        let event: Value = serde_json::from_str(&line.unwrap()).unwrap();
        match event["event"].as_str() {
            Some("finished") => {
                assert!(matches!(child.wait().unwrap().code(), Some(0 | 3)));
                return (told, true);
            }
            Some("scored") => {
                told.push(event["candidate"]["ordinal"].as_u64().unwrap());
                seen += 1;
            }
            _ => {}
        }
        if seen >= events {
            break;
        }
    }
    std::thread::sleep(wait);
    child.kill().unwrap();
    let status = child.wait().unwrap();
    drop(lines);
    // It may have come to its end just before.
    assert!(matches!(status.code(), None | Some(0 | 3)), "{status}");
    (told, status.code().is_some())
}

#[test]
fn a_run_killed_at_random_points_reaches_the_same_end() {
    let whole = Terminal::new();
    let args = start(&whole);
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let output = whole.run(&args);
    assert!(
        matches!(output.status.code(), Some(0 | 3)),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
    let unbroken = history(&whole);
    assert_eq!(unbroken["run"]["state"], "completed");
    println!("{} prompts", candidates(&unbroken));

    let broken = Terminal::new();
    let seed = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_nanos() as u64;
    println!("chance of this test: {seed}");
    let mut chance = seed;
    let mut draw = |below: u64| {
        chance = chance
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (chance >> 33) % below
    };
    let mut ended = false;
    let mut kills = 0;
    for round in 0..4 {
        let args = if round == 0 { start(&broken) } else { resume() };
        // What was measured before is told again at once, so later rounds go further.
        let events = 1 + round * 4 + draw(5);
        let (told, done) = killed(&broken, &args, events, Duration::from_millis(draw(1500)));
        let stored = history(&broken);
        for number in told {
            assert!(
                stored["candidates"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .any(|row| row["candidate"]["ordinal"] == number),
                "prompt {number} was shown but not kept"
            );
        }
        if done {
            ended = true;
            break;
        }
        kills += 1;
        println!("killed with {} prompts kept", candidates(&stored));
    }
    assert!(kills >= 2, "it was killed only {kills} times");
    if !ended {
        let (_, done) = killed(&broken, &resume(), u64::MAX, Duration::ZERO);
        assert!(done);
    }
    assert_eq!(history(&broken), unbroken);
}

#[test]
fn an_interrupt_keeps_the_best_and_can_be_resumed() {
    let terminal = Terminal::new();
    let args = start(&terminal);
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let mut child = terminal
        .command(&args)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut seen = 0;
    let mut last = Value::Null;
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        last = serde_json::from_str(&line.unwrap()).unwrap();
        seen += u32::from(last["event"] == "scored");
        if seen == 3 {
            let kill = std::process::Command::new("kill")
                .args(["-INT", &child.id().to_string()])
                .status();
            assert!(kill.unwrap().success());
            seen += 1;
        }
    }
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(last["event"], "finished");
    assert_eq!(last["outcome"]["reason"], "cancelled");
    assert_eq!(history(&terminal)["run"]["state"], "cancelled");
    let (_, done) = killed(&terminal, &resume(), u64::MAX, Duration::ZERO);
    assert!(done);
    let after = history(&terminal);
    assert_eq!(after["run"]["state"], "completed");
    for (command, start) in [
        ("txt", ""),
        ("md", "# "),
        ("csv", "candidate,"),
        ("json", "{"),
    ] {
        let output = terminal.run(&["export", "1", "--format", command]);
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success() && said.starts_with(start), "{said}");
        assert!(!said.trim().is_empty());
    }
    for name in ["curve.svg", "curve.png"] {
        let path = terminal.path(name);
        let output = terminal.run(&["plot", "1", "--large", "--out", text(&path)]);
        assert!(output.status.success());
        assert!(std::fs::metadata(&path).unwrap().len() > 2000);
    }
}
