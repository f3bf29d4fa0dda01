//! Whether an objective orders prompts as right answers do: Kendall's tau over stored
//! prompts, the objective on rows that choose, right answers on rows that do not.

use std::error::Error;
use std::io::Write;

use pmpo_core::dataset::{split, Example, LabelSet};
use pmpo_core::loss::{labels, mean};
use pmpo_core::model::{LanguageModel, ScoreItem};
use pmpo_core::optimize::{
    has_exact_answers, pair_keys, score_prompt, EvalContext, PairLoss, Preset, Settings, Task,
};
use pmpo_core::prompt::{Conversation, Prompt};
use pmpo_core::random::generator;
use pmpo_core::rewrite::{language, phrases};
use rand::seq::SliceRandom;
use rand::Rng;
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use crate::memory::Memory;
use crate::task::Named;

/// What is known of one prompt on one part of the data.
struct Known<'a> {
    pairs: Vec<&'a PairLoss>,
    /// Places of right options.
    accepted: Vec<Vec<usize>>,
}

type Value = Box<dyn Fn(&Known<'_>, &[usize]) -> f64>;

/// The objectives that are compared, by name. The second argument holds the tokens of
/// each label.
fn objectives() -> Vec<(String, Value)> {
    fn over(known: &Known<'_>, value: impl Fn(&PairLoss, &[usize]) -> f64) -> f64 {
        let pairs = known.pairs.iter().zip(&known.accepted);
        mean(
            &pairs
                .map(|(pair, right)| value(pair, right))
                .collect::<Vec<_>>(),
        )
    }
    fn answer(known: &Known<'_>, tokens: &[usize]) -> f64 {
        over(known, |pair, right| {
            -pair.options[right[0]] / tokens[right[0]] as f64
        })
    }
    fn per_token(known: &Known<'_>, tokens: &[usize]) -> f64 {
        over(known, |pair, right| {
            let values = pair.options.iter().zip(tokens);
            let values: Vec<f64> = values.map(|(s, t)| s / *t as f64).collect();
            labels::choice(&values, right)
        })
    }
    fn choice(known: &Known<'_>, calibrated: bool) -> f64 {
        let batch: Vec<&[f64]> = known.pairs.iter().map(|pair| &pair.options[..]).collect();
        let leaning = labels::leaning(&batch);
        over(known, |pair, right| match calibrated {
            true => labels::choice(&labels::calibrated(&pair.options, &leaning), right),
            false => labels::choice(&pair.options, right),
        })
    }
    fn form(known: &Known<'_>) -> f64 {
        over(known, |pair, _| labels::form(&pair.options))
    }
    let mut all: Vec<(String, Value)> = vec![
        ("answer, per token".into(), Box::new(answer)),
        (
            "answer, whole".into(),
            Box::new(|known, _| over(known, |pair, right| -pair.options[right[0]])),
        ),
        ("choice, per token".into(), Box::new(per_token)),
        (
            "both, per token (before)".into(),
            Box::new(|known, tokens| (answer(known, tokens) + per_token(known, tokens)) / 2.0),
        ),
        (
            "pairs".into(),
            Box::new(|known, _| {
                over(known, |pair, right| {
                    labels::pairwise(&pair.options, right, 1.0)
                })
            }),
        ),
        ("form".into(), Box::new(|known, _| form(known))),
    ];
    for calibrated in [false, true] {
        for weight in [0.0, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0] {
            let word = if calibrated { ", calibrated" } else { "" };
            let name = format!("choice{word} + {weight} form");
            let value: Value =
                Box::new(move |known, _| choice(known, calibrated) + weight * form(known));
            all.push((name, value));
        }
    }
    all.push((
        "share right when asked".into(),
        Box::new(|known, _| -asked(known)),
    ));
    all
}

fn asked(known: &Known<'_>) -> f64 {
    let right = known
        .pairs
        .iter()
        .map(|pair| f64::from(pair.asked == Some(true)));
    mean(&right.collect::<Vec<_>>())
}

fn forced(known: &Known<'_>) -> f64 {
    let right = known
        .pairs
        .iter()
        .map(|pair| f64::from(pair.correct == Some(true)));
    mean(&right.collect::<Vec<_>>())
}

/// Kendall's tau-b; `None` where one side is all equal.
pub(crate) fn tau(a: &[f64], b: &[f64]) -> Option<f64> {
    let (mut score, mut tied_a, mut tied_b, mut pairs) = (0.0, 0.0, 0.0, 0.0);
    for i in 0..a.len() {
        for j in 0..i {
            let (x, y) = ((a[i] - a[j]).total_cmp(&0.0), (b[i] - b[j]).total_cmp(&0.0));
            let equal = |v: f64| v.abs() < 1e-12;
            pairs += 1.0;
            tied_a += f64::from(equal(a[i] - a[j]));
            tied_b += f64::from(equal(b[i] - b[j]));
            if !equal(a[i] - a[j]) && !equal(b[i] - b[j]) {
                score += if x == y { 1.0 } else { -1.0 };
            }
        }
    }
    let free: f64 = (pairs - tied_a) * (pairs - tied_b);
    (free > 0.0).then(|| score / free.sqrt())
}

/// Prompts of one task: wordings with phrases of the bank, and any number of
/// demonstrations, even or not.
pub(crate) fn prompts(named: &Named, pool: &[usize], count: usize, seed: u64) -> Vec<String> {
    let task = &named.task;
    let train: Vec<&Example> = task.examples.iter().collect();
    let set = LabelSet::detect(&task.examples);
    let phrases: Vec<String> = bank(&train, set.as_ref(), &task.prompt);
    let starts = [
        task.prompt.clone(),
        "Answer the text.".to_owned(),
        "You are a helpful assistant. Read the text and answer in one word.".to_owned(),
        "Classify.".to_owned(),
    ];
    let mut out: Vec<String> = vec![task.prompt.clone()];
    let mut at = 0_u64;
    while out.len() < count && at < 20 * count as u64 {
        let mut rng = generator(seed, &["prompt", &named.name, &at.to_string()]);
        at += 1;
        let mut text = starts[rng.random_range(0..starts.len())].clone();
        for _ in 0..rng.random_range(0..3) {
            text = format!("{text} {}", phrases[rng.random_range(0..phrases.len())]);
        }
        let mut prompt = Prompt::plain(text);
        let shown = [0, 0, 1, 2, 3, 4, 6, 8][rng.random_range(0..8)];
        let mut pool = pool.to_vec();
        pool.shuffle(&mut rng);
        for &example in pool.iter().take(shown) {
            let one = prompt.demonstration(&task.examples[example]);
            prompt.demonstrations.push(one);
        }
        let document = prompt.to_string();
        if !out.contains(&document) {
            out.push(document);
        }
    }
    out
}

fn bank(train: &[&Example], set: Option<&LabelSet>, prompt: &str) -> Vec<String> {
    let all = phrases(train, set, language(prompt, train)).into_iter();
    all.map(|phrase| phrase.text).collect()
}

#[derive(Serialize)]
struct Line<'a> {
    task: &'a str,
    prompt: &'a str,
    objectives: Vec<f64>,
    forced: f64,
    asked: f64,
}

pub(crate) async fn study(
    tasks: &[Named],
    count: usize,
    model: &dyn LanguageModel,
    out: &mut dyn Write,
) -> Result<(), Box<dyn Error>> {
    let settings = Settings {
        split: pmpo_core::dataset::SplitPlan {
            validation_limit: 100,
            ..Preset::Standard.settings().split
        },
        ..Preset::Standard.settings()
    };
    let names: Vec<String> = objectives().into_iter().map(|(name, _)| name).collect();
    // For each objective and each of the two truths, one tau a task.
    let mut taus: Vec<[Vec<f64>; 2]> = vec![Default::default(); names.len()];
    for named in tasks {
        let Some(set) = LabelSet::detect(&named.task.examples) else {
            continue;
        };
        if !has_exact_answers(&named.task.examples) {
            continue;
        }
        let parts = split(&named.task.examples, &settings.split, 1);
        let tokens = label_tokens(&set, model).await?;
        let mut ledger = Memory::default();
        let mut values: Vec<Vec<f64>> = vec![Vec::new(); names.len()];
        let mut truths: [Vec<f64>; 2] = Default::default();
        for prompt in prompts(named, &parts.pool, count, 1) {
            let task = Task {
                prompt: prompt.clone(),
                ..named.task.clone()
            };
            let mut pairs: Vec<Vec<PairLoss>> = Vec::new();
            for part in [&parts.train, &parts.validation] {
                let cancel = CancellationToken::new();
                let told = &mut |_, _| {};
                let (task, part) = (&task, &part[..]);
                score_prompt(task, part, &settings, model, &mut ledger, &cancel, told).await?;
                let context = EvalContext::new(model.description(), &settings);
                let keys = pair_keys(&task.examples, &settings, &context, &prompt);
                let found = part.iter().map(|&at| ledger.pairs.get(&keys[at]).cloned());
                pairs.push(found.collect::<Option<_>>().ok_or("a row did not fit")?);
            }
            let known = |which: usize, part: &[usize]| Known {
                pairs: pairs[which].iter().collect(),
                accepted: part
                    .iter()
                    .filter_map(|&at| set.position(named.task.examples[at].answer.best()))
                    .map(|place| vec![place])
                    .collect(),
            };
            let (train, held) = (known(0, &parts.train), known(1, &parts.validation));
            let own: Vec<f64> = objectives()
                .iter()
                .map(|(_, value)| value(&train, &tokens))
                .collect();
            for (all, own) in values.iter_mut().zip(&own) {
                all.push(*own);
            }
            truths[0].push(forced(&held));
            truths[1].push(asked(&held));
            let line = Line {
                task: &named.name,
                prompt: &prompt,
                objectives: own,
                forced: forced(&held),
                asked: asked(&held),
            };
            writeln!(out, "{}", serde_json::to_string(&line)?)?;
        }
        for (at, values) in values.iter().enumerate() {
            let losses: Vec<f64> = values.iter().map(|value| -value).collect();
            for (which, truth) in truths.iter().enumerate() {
                taus[at][which].extend(tau(&losses, truth));
            }
        }
        eprintln!("{}: {} prompts", named.name, truths[0].len());
    }
    println!("\n## Which objective orders prompts as right answers do\n");
    println!(
        "Kendall's tau-b, mean over tasks (lowest). Forced choice and right when asked on rows"
    );
    println!("that the objective did not see.\n");
    println!("| objective | forced choice | right when asked |\n| --- | --- | --- |");
    for (name, both) in names.iter().zip(&taus) {
        let told = |taus: &Vec<f64>| match taus.is_empty() {
            true => "-".to_owned(),
            false => {
                let least = taus.iter().copied().fold(f64::INFINITY, f64::min);
                format!("{:.3} ({least:.3})", mean(taus))
            }
        };
        println!("| {name} | {} | {} |", told(&both[0]), told(&both[1]));
    }
    Ok(())
}

/// Tokens of each label, with the token that ends the turn.
async fn label_tokens(
    set: &LabelSet,
    model: &dyn LanguageModel,
) -> Result<Vec<usize>, Box<dyn Error>> {
    let items: Vec<ScoreItem> = set
        .labels
        .iter()
        .map(|label| ScoreItem {
            conversation: Conversation::ask(None, "x"),
            answer: label.clone(),
            end_of_turn: true,
        })
        .collect();
    let lengths = model.measure(&items).await?;
    Ok(lengths.iter().map(|one| one.answer).collect())
}

#[cfg(test)]
mod tests {
    use super::tau;

    #[test]
    fn tau_of_orders() {
        assert_eq!(tau(&[1.0, 2.0, 3.0], &[10.0, 20.0, 30.0]), Some(1.0));
        assert_eq!(tau(&[1.0, 2.0, 3.0], &[3.0, 2.0, 1.0]), Some(-1.0));
        assert_eq!(tau(&[1.0, 1.0], &[1.0, 2.0]), None);
    }
}
