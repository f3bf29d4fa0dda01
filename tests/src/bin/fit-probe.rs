//! Scores with the built-in model and prints the peak of its memory in bytes, and the
//! tokens of the longest sequence. Arguments: words of the prompt, rows of a block.

#![allow(clippy::unwrap_used)] // A probe may stop at the first surprise.

use pmpo_app::{built_in_model, load_options};
use pmpo_core::model::{LanguageModel, ScoreItem};
use pmpo_core::prompt::Conversation;
use pmpo_engine::{DeviceChoice, Engine, EngineOptions, LoadOptions};
use tokio_util::sync::CancellationToken;

fn main() {
    pmpo_engine::prepare_process();
    let mut numbers = std::env::args().skip(1).map(|text| text.parse().unwrap());
    let (words, rows): (usize, usize) = (numbers.next().unwrap(), numbers.next().unwrap());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let longest = runtime.block_on(async {
        let options = LoadOptions {
            device: DeviceChoice::Cpu,
            block_rows: Some(rows),
            ..load_options(&built_in_model())
        };
        let engine = Engine::load(&options, EngineOptions::default())
            .await
            .unwrap();
        let item = |number: usize| ScoreItem {
            conversation: Conversation::ask(
                Some(&"Say it in a plain way. ".repeat(words / 6)),
                format!("Message {number}: the parcel came late."),
            ),
            answer: "delivery".to_owned(),
            end_of_turn: true,
        };
        let items: Vec<ScoreItem> = (0..8).map(item).collect();
        let lengths = engine.measure(&items).await.unwrap();
        engine
            .score(&items, &CancellationToken::new())
            .await
            .unwrap();
        lengths
            .iter()
            .map(|one| one.before + one.answer)
            .max()
            .unwrap()
    });
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap();
    let kib: u64 = line.split_whitespace().next().unwrap().parse().unwrap();
    println!("{} {longest}", kib * 1024);
}
