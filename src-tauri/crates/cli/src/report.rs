//! Words and figures for the terminal.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use pmpo_app::data::Difference;
use pmpo_app::wire::RunSummary;
use pmpo_app::{computed, AppError, JobEstimate, RunDetails, ScoredPrompt};
use pmpo_core::loss::{Change, Verdict};
use pmpo_core::optimize::{Origin, Outcome, Part, RunEvent, SegmentVerdict, StopReason};
use pmpo_core::prompt::Prompt;

pub(crate) fn error(error: &AppError, json: bool) {
    if json {
        match serde_json::to_string(error) {
            Ok(text) => say!("{text}"),
            Err(_) => say!("{{}}"),
        }
    } else {
        eprintln!("{}\n{}", error.message, error.hint);
    }
}

/// A prompt's losses.
pub(crate) fn scored(scored: &ScoredPrompt) {
    say!(
        "Loss {:.4} nats, standard error {:.4}.",
        scored.loss,
        scored.std_error
    );
    if let Some(share) = scored.asked {
        say!("Right answers when asked: {:.0} %.", share * 100.0);
    }
    if let Some(share) = scored.accuracy {
        say!("Right by forced choice: {:.0} %.", share * 100.0);
    }
}

/// Rows that do not fit the model's window.
pub(crate) fn left_out(rows: &[(usize, usize)]) {
    for (row, tokens) in rows {
        say!("Row {row} is left out: its {tokens} tokens do not fit the model's window.");
    }
}

/// The work of a run before it starts.
pub(crate) fn ahead(work: &JobEstimate) {
    say!(
        "{} examples choose, {} only check. About {} tokens, {} at most on this computer.\n",
        work.train,
        work.validation,
        work.tokens,
        time(Duration::from_secs_f64(work.minutes * 60.0))
    );
}

/// A run in a list.
pub(crate) fn line(run: &RunSummary) {
    let losses = match (run.start_loss, run.best_loss) {
        (Some(start), Some(best)) => format!("{start:.4} -> {best:.4}"),
        _ => String::new(),
    };
    let state = format!("{:?}", run.state).to_lowercase();
    say!("{:>4}  {state:<10} {losses:<18} {}", run.id, run.name);
}

/// What changed in a file.
pub(crate) fn difference(found: &Difference) -> String {
    const NAMED: usize = 10;
    let parts = [
        ("new", &found.added),
        ("with other content", &found.edited),
        ("gone", &found.removed),
    ];
    let words = parts.into_iter().filter(|(_, rows)| !rows.is_empty());
    let words: Vec<String> = words
        .map(|(what, rows)| {
            let count = rows.len();
            let rows_word = if count == 1 { "row" } else { "rows" };
            let mut names: Vec<String> = rows.iter().take(NAMED).map(usize::to_string).collect();
            if count > NAMED {
                names.push("...".to_owned());
            }
            format!("{count} {rows_word} {what} ({})", names.join(", "))
        })
        .collect();
    format!("The file changed: {}.", words.join(", "))
}

/// Shows a run as it goes.
pub(crate) struct Watcher {
    bar: ProgressBar,
    json: bool,
    best: Option<f64>,
}

impl Watcher {
    pub(crate) fn new(json: bool) -> Self {
        let bar = if json {
            ProgressBar::hidden()
        } else {
            ProgressBar::new(1)
        };
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {percent:>3} %  {msg}") {
            bar.set_style(style);
        }
        Self {
            bar,
            json,
            best: None,
        }
    }

    pub(crate) fn see(&mut self, event: &RunEvent) {
        if self.json {
            if let Ok(text) = serde_json::to_string(event) {
                say!("{text}");
            }
            return;
        }
        match event {
            RunEvent::Scored {
                candidate,
                part: Part::Train,
                score,
            } => {
                let loss = score.loss();
                let what = match &candidate.origin {
                    Origin::Mask { segment } => format!("without part {}", segment + 1),
                    Origin::Start => "start".to_owned(),
                    Origin::Rewrite { .. } => "rewrite".to_owned(),
                    Origin::Drop { segment } => format!("part {} dropped", segment + 1),
                    Origin::Reorder { how } => how.clone(),
                    Origin::Bank { .. } => "phrase added".to_owned(),
                    Origin::Demonstrations { examples } => match examples.len() {
                        1 => "with 1 example".to_owned(),
                        count => format!("with {count} examples"),
                    },
                    Origin::Prune { segment } => format!("part {} left out", segment + 1),
                };
                let right = score.asked().or(score.accuracy());
                let accuracy = right.map_or_else(String::new, |share| {
                    format!("  {:>3.0} % right", share * 100.0)
                });
                let (about, dropped) = match score.dropped {
                    Some(dropped) => (
                        '~',
                        format!(", dropped after {} of {}", score.examples.len(), dropped.of),
                    ),
                    None => (' ', String::new()),
                };
                self.line(format!(
                    "{:>4} {about}{loss:.4}{accuracy}  {what}{dropped}",
                    candidate.ordinal
                ));
                if candidate.origin == Origin::Start {
                    self.best = Some(loss);
                }
            }
            RunEvent::Analysed { findings, .. } => {
                for finding in findings {
                    let (sign, word) = match finding.verdict {
                        SegmentVerdict::Helps => ('+', "helps"),
                        SegmentVerdict::NoClearEffect => ('·', "no clear effect"),
                        SegmentVerdict::Hurts => ('-', "hurts"),
                    };
                    self.line(format!(
                        "      {sign} {word} ({:+.3}): {}",
                        finding.effect.difference, finding.segment.text
                    ));
                }
            }
            RunEvent::StepDone {
                step,
                incumbent,
                loss,
                improved,
            } => {
                self.best = Some(*loss);
                self.line(if *improved {
                    format!("Step {step}: prompt {incumbent} is the best now, loss {loss:.4}.")
                } else {
                    format!("Step {step}: nothing better.")
                });
            }
            RunEvent::Progress { done, left } => {
                self.bar.set_length(done + left.tokens);
                self.bar.set_position(*done);
                let best = self
                    .best
                    .map_or_else(String::new, |b| format!("best {b:.4}, "));
                let time = left.seconds.map_or_else(String::new, |s| {
                    format!("about {} to go", time(Duration::from_secs_f64(s)))
                });
                self.bar.set_message(format!("{best}{time}"));
            }
            RunEvent::Finished { .. } => self.bar.finish_and_clear(),
            _ => {}
        }
    }

    fn line(&self, text: String) {
        if self.bar.is_hidden() {
            say!("{text}");
        } else {
            self.bar.println(text);
        }
    }
}

/// A duration in words.
fn time(time: Duration) -> String {
    let seconds = time.as_secs();
    if seconds < 90 {
        format!("{seconds} s")
    } else {
        format!("{} min", (seconds + 30) / 60)
    }
}

pub(crate) fn outcome(outcome: &Outcome) {
    if outcome.reason == StopReason::Cancelled {
        say!("Stopped. The best prompt so far is kept; `pmpo resume` goes on.");
    }
    if outcome.improved() {
        say!(
            "The loss on the training examples fell from {:.4} to {:.4} nats.",
            outcome.start_loss,
            outcome.best_loss
        );
    } else {
        say!(
            "No better prompt was found; the start prompt stays (loss {:.4} nats).",
            outcome.start_loss
        );
    }
    let Some(check) = &outcome.validation else {
        return;
    };
    say!(
        "On {} examples that chose nothing: {}.",
        check.examples,
        verdict(check.verdict)
    );
    if let Some(asked) = &check.asked {
        say!("  Right answers when asked: {}.", change(asked));
    }
    if let Some(choices) = &check.choices {
        say!("  Right by forced choice: {}.", change(choices));
    }
    say!(
        "  Loss: from {:.4} to {:.4} nats.",
        check.start_loss,
        check.best_loss
    );
    if let Some(interval) = check.interval {
        say!(
            "  95 % interval of the difference: {:+.4} to {:+.4}.",
            interval.low,
            interval.high
        );
    }
    if let (Some((before, after)), None) = (check.accuracy, check.choices) {
        // Of a run before both were counted.
        say!(
            "  Right labels: from {:.0} % to {:.0} %.",
            before * 100.0,
            after * 100.0
        );
    }
    if let Some(smallest) = check.smallest_seen {
        say!("  A change under {smallest:.3} nats would often not have been seen.");
    }
    if let Some(looks) = check.looks.filter(|looks| *looks > 1) {
        say!(
            "  These examples were looked at {looks} times in this project: the more often, the \
             less a good figure means."
        );
    }
}

/// What held-out examples say, in words.
pub(crate) fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Better => "better",
        Verdict::SurerButLessRight => {
            "it says the right answer more surely, but is right less often: not better"
        }
        Verdict::NoClearDifference => "no clear difference",
        Verdict::Worse => "worse",
        Verdict::TooFew => "too few examples to say (12 different ones are needed)",
    }
}

/// How right answers changed, in words.
fn change(change: &Change) -> String {
    let word = match (change.is_clearly_higher(), change.is_clearly_lower()) {
        (true, _) => "clearly more",
        (_, true) => "clearly fewer",
        _ => "no clear difference",
    };
    format!(
        "from {:.0} % to {:.0} % ({word})",
        change.before * 100.0,
        change.after * 100.0
    )
}

pub(crate) fn details(details: &RunDetails) {
    let run = &details.run;
    say!("Run {}: {} ({:?})", run.id.0, run.name, run.state);
    say!("Model: {}, {}", details.model, computed(run));
    say!(
        "Worked {}, {} tokens computed, {} reused.",
        time(Duration::from_secs_f64(run.working_seconds)),
        run.tokens.computed,
        run.tokens.reused
    );
    say!(
        "\nStart prompt:\n{}\n\nBest prompt:\n{}\n",
        Prompt::parse(&details.start).as_text(),
        Prompt::parse(&details.best).as_text()
    );
    for finding in &details.findings {
        say!(
            "  {:+.3}  {}",
            finding.effect.difference,
            finding.segment.text
        );
    }
    if let Some(end) = details.outcome() {
        outcome(end);
    }
    if let Some(error) = &run.error {
        say!("It was stopped by a fault: {error}");
    }
}
