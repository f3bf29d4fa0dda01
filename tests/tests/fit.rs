//! What is said of a model's memory beside what it takes, on the built-in model.

#![allow(clippy::unwrap_used)] // A test may stop at the first surprise.

use std::path::PathBuf;
use std::process::Command;

use pmpo_hub::{catalogue, memory, Format, Job, Model, Way};

/// Share by which the peak may be off.
const OFF: f64 = 0.15;

fn probe() -> PathBuf {
    let own = std::env::current_exe().unwrap();
    own.parent().unwrap().parent().unwrap().join("fit-probe")
}

#[test]
fn what_a_model_needs_is_what_it_takes() {
    // Another file of the same model.
    let entry = catalogue()
        .iter()
        .find(|one| one.id == "smollm2-135m-instruct");
    let file = std::fs::metadata(pmpo_app::built_in_model()).unwrap();
    let model = Model {
        bytes: file.len(),
        format: Format::Gguf,
        ..Model::from(entry.unwrap())
    };
    for words in [300, 2000, 5000] {
        for rows in [256, 1024] {
            let output = Command::new(probe())
                .args([words.to_string(), rows.to_string()])
                .output()
                .unwrap();
            let said = String::from_utf8(output.stdout).unwrap();
            assert!(
                output.status.success(),
                "{}",
                String::from_utf8_lossy(&output.stderr)
            );
            let mut numbers = said.split_whitespace().map(|text| text.parse().unwrap());
            let (peak, longest): (u64, u64) = (numbers.next().unwrap(), numbers.next().unwrap());
            let job = Job {
                block: rows,
                ..Job::new(longest)
            };
            let said = memory(&model, Way::Packed, &job).total();
            let off = said as f64 / peak as f64 - 1.0;
            println!(
                "{longest} tokens, blocks of {rows}: {said} bytes said, {peak} taken ({off:+.3})"
            );
            assert!(
                off.abs() < OFF,
                "{longest} tokens, {rows} rows: {said} beside {peak}"
            );
        }
    }
}
