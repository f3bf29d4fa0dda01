//! What a prompt with demonstrations is worth where it is pasted as one text, by the form
//! in which the text shows them.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::Write;

use pmpo_core::loss::mean;
use pmpo_core::model::LanguageModel;
use pmpo_core::optimize::{plan, score_prompt, PromptScore, Settings, Task};
use pmpo_core::prompt::{Prompt, Template};
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use crate::memory::Memory;
use crate::task::Named;

/// Forms with the open place for the input, and their names. The first is what
/// `Prompt::as_text` writes.
const FORMS: [(&str, &str); 5] = [
    ("Input / Answer", "Input: {{input}}\nAnswer:"),
    ("Q / A", "Q: {{input}}\nA:"),
    ("Text / Result", "Text: {{input}}\nResult:"),
    ("arrow", "{{input}} ->"),
    ("lines", "{{input}}\n"),
];

/// A run's best prompt, as it is copied.
pub(crate) struct Best {
    pub(crate) task: Named,
    pub(crate) settings: Settings,
    pub(crate) run: String,
    pub(crate) prompt: String,
}

#[derive(Serialize)]
struct Line<'a> {
    run: &'a str,
    way: &'a str,
    loss: f64,
    choice: Option<f64>,
    asked: Option<f64>,
}

/// The ways to use a prompt, by name, as prompts of their own.
fn ways(prompt: &Prompt) -> Vec<(String, String)> {
    let mut ways = vec![("turns".to_owned(), prompt.to_string())];
    let pasted = Prompt::plain(prompt.as_text());
    ways.push(("Input / Answer, input apart".to_owned(), pasted.to_string()));
    for (name, form) in FORMS {
        let open = Prompt {
            text: format!("{}\n\n{form}", prompt.text.trim_end()),
            demonstrations: prompt.demonstrations.clone(),
        };
        let one = Prompt::plain(open.as_text());
        ways.push((format!("{name}, open place"), one.to_string()));
    }
    ways
}

pub(crate) async fn study(
    bests: &[Best],
    model: &dyn LanguageModel,
    out: &mut dyn Write,
) -> Result<(), Box<dyn Error>> {
    let mut found: BTreeMap<String, Vec<PromptScore>> = BTreeMap::new();
    for best in bests {
        let prompt = Prompt::parse(&best.prompt);
        let placed = !Template::parse(&prompt.text).placeholders().is_empty();
        if prompt.demonstrations.is_empty() || placed {
            continue;
        }
        let held = plan(&best.task.task, &best.settings, model).await?;
        let held = held.split.validation;
        for (way, document) in ways(&prompt) {
            let task = Task {
                prompt: document,
                ..best.task.task.clone()
            };
            let (cancel, mut ledger) = (CancellationToken::new(), Memory::default());
            let told = &mut |_, _| {};
            let settings = &best.settings;
            let scored =
                score_prompt(&task, &held, settings, model, &mut ledger, &cancel, told).await?;
            let line = Line {
                run: &best.run,
                way: &way,
                loss: scored.score.loss(),
                choice: scored.score.accuracy(),
                asked: scored.score.asked(),
            };
            writeln!(out, "{}", serde_json::to_string(&line)?)?;
            found.entry(way).or_default().push(scored.score);
        }
    }
    if found.is_empty() {
        return Ok(());
    }
    println!("\n## Prompts with examples, pasted as one text\n");
    println!(
        "Held-out rows, mean over the best prompts of {} runs.\n",
        bests.len()
    );
    println!("| way | prompts | loss | forced choice | right when asked |");
    println!("| --- | --- | --- | --- | --- |");
    for (way, scores) in &found {
        let losses: Vec<f64> = scores.iter().map(PromptScore::loss).collect();
        let share = |value: fn(&PromptScore) -> Option<f64>| {
            let all: Vec<f64> = scores.iter().filter_map(value).collect();
            match all.is_empty() {
                true => "-".to_owned(),
                false => format!("{:.0} %", 100.0 * mean(&all)),
            }
        };
        println!(
            "| {way} | {} | {:.2} | {} | {} |",
            scores.len(),
            mean(&losses),
            share(PromptScore::accuracy),
            share(PromptScore::asked)
        );
    }
    Ok(())
}
