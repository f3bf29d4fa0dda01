//! Which factor and which division by length make the loss of pairs order prompts as the
//! share of pairs does in which the better answer is the likelier one.

use std::error::Error;
use std::io::Write;

use pmpo_core::dataset::{split, Answer, Example, SplitPlan};
use pmpo_core::loss::{mean, preference, supervised, AnswerScore, Normalization};
use pmpo_core::model::{LanguageModel, ScoreItem};
use pmpo_core::optimize::Preset;
use pmpo_core::prompt::Prompt;
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use crate::task::Named;
use crate::tau::{prompts, tau};

const BETAS: [f64; 7] = [0.03, 0.1, 0.3, 1.0, 2.0, 5.0, 10.0];
const DIVISIONS: [(Normalization, &str); 2] = [
    (Normalization::PerToken, "per token"),
    (Normalization::Sum, "whole"),
];
/// Most characters of both answers of a pair, so that a study comes to its end.
const LONGEST: usize = 600;

#[derive(Serialize)]
struct Line<'a> {
    task: &'a str,
    prompt: &'a str,
    objectives: &'a [f64],
    right: [f64; 2],
}

type Pair = Vec<AnswerScore>;

fn loss(pairs: &[Pair], beta: f64, by: Normalization) -> f64 {
    let each = pairs
        .iter()
        .map(|pair| preference(pair[0], &pair[1..], beta, by));
    mean(&each.collect::<Vec<_>>())
}

/// The share of pairs in which the better answer is the likelier one.
fn right(pairs: &[Pair], by: Normalization) -> f64 {
    let each = pairs.iter().map(|pair| {
        let likelier = |worse: &AnswerScore| pair[0].value(by) > worse.value(by);
        f64::from(pair[1..].iter().all(likelier))
    });
    mean(&each.collect::<Vec<_>>())
}

fn objectives() -> Vec<String> {
    let pairs = DIVISIONS.iter().flat_map(|(_, name)| {
        BETAS
            .iter()
            .map(move |beta| format!("pairs, {name}, beta {beta}"))
    });
    pairs.chain(["better answer alone".to_owned()]).collect()
}

fn values(pairs: &[Pair]) -> Vec<f64> {
    let of_pairs = DIVISIONS
        .iter()
        .flat_map(|&(by, _)| BETAS.map(|beta| loss(pairs, beta, by)));
    let alone = pairs
        .iter()
        .map(|pair| supervised(&pair[..1], Normalization::PerToken));
    of_pairs.chain([mean(&alone.collect::<Vec<_>>())]).collect()
}

async fn score(
    prompt: &Prompt,
    examples: &[&Example],
    model: &dyn LanguageModel,
) -> Result<Vec<Pair>, Box<dyn Error>> {
    let mut items = Vec::new();
    for example in examples {
        let has_template = model.description().has_chat_template;
        let conversation = prompt.render(&example.input, &example.columns, has_template)?;
        for answer in example.answer.all() {
            items.push(ScoreItem {
                conversation: conversation.clone(),
                answer: answer.to_owned(),
                end_of_turn: true,
            });
        }
    }
    let scores = model.score(&items, &CancellationToken::new()).await?.scores;
    let mut scores = scores.into_iter();
    let widths = examples.iter().map(|example| example.answer.all().len());
    Ok(widths
        .map(|width| scores.by_ref().take(width).collect())
        .collect())
}

/// Whether every example is a pair of a better and a worse answer.
fn is_preference(named: &Named) -> bool {
    let pair = |example: &Example| matches!(example.answer, Answer::Preference { .. });
    named.task.examples.iter().all(pair)
}

pub(crate) async fn study(
    tasks: &[Named],
    count: usize,
    model: &dyn LanguageModel,
    out: &mut dyn Write,
) -> Result<(), Box<dyn Error>> {
    let plan = SplitPlan {
        validation_limit: 100,
        ..Preset::Standard.settings().split
    };
    let names = objectives();
    let mut tables: Vec<(String, Vec<[Option<f64>; 2]>)> = Vec::new();
    for named in tasks.iter().filter(|named| is_preference(named)) {
        let short = |example: &&Example| {
            let length: usize = example.answer.all().iter().map(|one| one.len()).sum();
            length <= LONGEST
        };
        let mut named = named.clone();
        let kept = named.task.examples.iter().filter(short).cloned().collect();
        named.task.examples = kept;
        let parts = split(&named.task.examples, &plan, 1);
        let rows = |part: &[usize]| -> Vec<&Example> {
            part.iter().map(|&at| &named.task.examples[at]).collect()
        };
        let (train, held) = (rows(&parts.train), rows(&parts.validation));
        let mut losses: Vec<Vec<f64>> = vec![Vec::new(); names.len()];
        let mut truths: [Vec<f64>; 2] = Default::default();
        for document in prompts(&named, &parts.pool, count, 1) {
            let prompt = Prompt::parse(&document);
            let own = values(&score(&prompt, &train, model).await?);
            let checked = score(&prompt, &held, model).await?;
            let both = DIVISIONS.map(|(by, _)| right(&checked, by));
            for (all, own) in losses.iter_mut().zip(&own) {
                all.push(-own);
            }
            truths[0].push(both[0]);
            truths[1].push(both[1]);
            let line = Line {
                task: &named.name,
                prompt: &document,
                objectives: &own,
                right: both,
            };
            writeln!(out, "{}", serde_json::to_string(&line)?)?;
        }
        let taus = losses
            .iter()
            .map(|own| [tau(own, &truths[0]), tau(own, &truths[1])]);
        tables.push((named.name.clone(), taus.collect()));
        eprintln!("{}: {} prompts", named.name, truths[0].len());
    }
    for (task, rows) in &tables {
        println!("\n## Which loss of pairs orders prompts as right pairs do: {task}\n");
        println!(
            "Kendall's tau-b with the share of held-out pairs whose better answer is likelier.\n"
        );
        println!("| objective | likelier per token | likelier as a whole |\n| --- | --- | --- |");
        for (name, both) in names.iter().zip(rows) {
            let told = |one: Option<f64>| one.map_or("-".to_owned(), |tau| format!("{tau:.3}"));
            println!("| {name} | {} | {} |", told(both[0]), told(both[1]));
        }
    }
    Ok(())
}
