use serde::{Deserialize, Serialize};
use thiserror::Error;
use ts_rs::TS;

use crate::loss::{mean, weighted_std_error, weights_of_mean, Change, Interval, Paired, Verdict};
use crate::message::Message;
use crate::model::{Generated, TokenCount};
use crate::prompt::Segment;

/// Which part of the data a score was measured on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Training examples: these choose.
    Train,
    /// Held-out examples: these only check.
    Validation,
}

/// How a candidate came to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Origin {
    /// The prompt that the person brought.
    Start,
    /// The incumbent with one unit masked; measured, never chosen.
    Mask {
        /// The unit's place among the units.
        segment: usize,
    },
    /// Written by the model.
    Rewrite {
        /// Index of the hard example that guided it.
        example: usize,
        /// Its number among that example's rewrites.
        variant: usize,
    },
    /// The incumbent without a unit.
    Drop {
        /// The unit's place among the units.
        segment: usize,
    },
    /// The incumbent with its units in another order.
    Reorder {
        /// What was done, in words.
        how: String,
    },
    /// The incumbent with a phrase of the bank.
    Bank {
        /// The phrase.
        phrase: String,
    },
    /// The incumbent with demonstrations.
    Demonstrations {
        /// Indices of the examples shown.
        examples: Vec<usize>,
    },
    /// The best prompt without a unit that was not clearly missed, at the end.
    Prune {
        /// The unit's place among the units.
        segment: usize,
    },
}

/// A prompt that was tried.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    /// Number within the run, from 0 (the start prompt), in order of trial.
    pub ordinal: u32,
    /// Step that proposed it; 0 for the start prompt, then from 1.
    pub step: u32,
    /// The incumbent that it was made from.
    pub parent: Option<u32>,
    /// How it was made.
    pub origin: Origin,
    /// The prompt.
    pub text: String,
}

/// Loss of one example.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ExampleLoss {
    /// Index of the example in the dataset.
    pub example: usize,
    /// Loss in nats.
    pub loss: f64,
    /// Forced choice: on label tasks, whether the likeliest label was the right one; on
    /// preference data, whether the better answer was the likeliest.
    pub correct: Option<bool>,
    /// Whether the model would say a right answer by itself, exactly, where answers are
    /// short enough to ask that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<bool>,
    /// On label tasks, `-ln` of the right option's share among the options, in nats.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub choice: Option<f64>,
    /// On label tasks, `-ln` of the mass of all options, in nats.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form: Option<f64>,
    /// As `correct`, with the prompt's leaning to single labels taken off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calibrated: Option<bool>,
    /// How much the example counts beside others.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub weight: f64,
}

impl ExampleLoss {
    /// A loss of which nothing else is known.
    pub fn of(example: usize, loss: f64) -> Self {
        Self {
            example,
            loss,
            correct: None,
            asked: None,
            choice: None,
            form: None,
            calibrated: None,
            weight: 1.0,
        }
    }
}

fn one() -> f64 {
    1.0
}

// Serde asks by reference.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_one(weight: &f64) -> bool {
    weight.to_bits() == 1.0_f64.to_bits()
}

/// A prompt's losses on one part of the data and what they cost.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PromptScore {
    /// One loss per example, in scoring order.
    pub examples: Vec<ExampleLoss>,
    /// Tokens computed and reused.
    pub tokens: TokenCount,
    /// Working time in seconds.
    pub seconds: f64,
    /// Set where the race was lost before all examples were scored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dropped: Option<Dropped>,
}

/// A candidate that was dropped because it could not win any more.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Dropped {
    /// Examples that the whole score would have had.
    pub of: usize,
    /// Mean loss to expect over all of them, in nats: the incumbent's, plus the
    /// mean difference to it on the examples scored.
    pub estimate: f64,
}

/// How far a dropped candidate came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
pub struct DroppedEarly {
    /// Examples scored.
    pub scored: usize,
    /// Examples that the whole score would have had.
    pub of: usize,
}

impl PromptScore {
    /// The loss of each example, in nats.
    pub fn losses(&self) -> Vec<f64> {
        self.examples.iter().map(|example| example.loss).collect()
    }

    /// Weights over the mean weight: means and paired tests are made with them.
    pub fn factors(&self) -> Vec<f64> {
        weights_of_mean(self.examples.iter().map(|example| example.weight))
    }

    /// Weighted mean loss over the examples, in nats; of a dropped candidate an estimate.
    pub fn loss(&self) -> f64 {
        match self.dropped {
            Some(dropped) => dropped.estimate,
            None => self.mean_of(|example| Some(example.loss)).unwrap_or(0.0),
        }
    }

    /// The weighted mean of something that every example has; `None` where one has not.
    pub fn mean_of(&self, value: impl Fn(&ExampleLoss) -> Option<f64>) -> Option<f64> {
        let values: Option<Vec<f64>> = self.examples.iter().map(value).collect();
        values.filter(|all| !all.is_empty()).map(|all| {
            let weighted = all.iter().zip(self.factors());
            mean(&weighted.map(|(v, f)| v * f).collect::<Vec<_>>())
        })
    }

    /// A yes or no of every example; `None` where one has none.
    pub fn all(&self, value: impl Fn(&ExampleLoss) -> Option<bool>) -> Option<Vec<bool>> {
        let values: Option<Vec<bool>> = self.examples.iter().map(value).collect();
        values.filter(|all| !all.is_empty())
    }

    /// Set where the candidate was dropped.
    pub fn dropped_early(&self) -> Option<DroppedEarly> {
        let scored = self.examples.len();
        self.dropped.map(|dropped| DroppedEarly {
            scored,
            of: dropped.of,
        })
    }

    /// Standard error of the mean loss; infinite for fewer than two examples.
    pub fn std_error(&self) -> f64 {
        let losses: Vec<f64> = self.examples.iter().map(|example| example.loss).collect();
        weighted_std_error(&losses, &self.factors())
    }

    /// Share of right choices by weight (forced choice), on label tasks and preference data.
    pub fn accuracy(&self) -> Option<f64> {
        self.mean_of(|example| example.correct.map(f64::from))
    }

    /// Share of examples, by weight, on which the model would say a right answer by
    /// itself.
    pub fn asked(&self) -> Option<f64> {
        self.mean_of(|example| example.asked.map(f64::from))
    }

    /// As [`Self::accuracy`], with the prompt's leaning to single labels taken off.
    pub fn calibrated_accuracy(&self) -> Option<f64> {
        self.mean_of(|example| example.calibrated.map(f64::from))
    }

    /// Mean of `-ln` of the right option's share, in nats, on label tasks.
    pub fn choice(&self) -> Option<f64> {
        self.mean_of(|example| example.choice)
    }

    /// Mean of `-ln` of the mass of all options, in nats, on label tasks.
    pub fn form(&self) -> Option<f64> {
        self.mean_of(|example| example.form)
    }
}

/// What a unit of the prompt does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum SegmentVerdict {
    /// Without it the loss rises clearly.
    Helps,
    /// Its effect cannot be told from chance.
    NoClearEffect,
    /// Without it the loss falls clearly.
    Hurts,
}

/// The measured effect of one unit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SegmentFinding {
    /// The unit.
    pub segment: Segment,
    /// `L(masked) - L(prompt)` in nats with its paired standard error; positive helps.
    pub effect: Paired,
    /// The effect in a word.
    pub verdict: SegmentVerdict,
}

/// Why a proposal was not scored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Refusal {
    /// Nothing was written.
    Empty,
    /// The same text was tried before in this run.
    Repeated,
    /// The placeholders are not those of the start prompt.
    Placeholders,
    /// Locked text was changed, dropped or moved.
    Frozen,
    /// Text of a training example was copied.
    Leak {
        /// The copied words.
        words: String,
    },
    /// Some training example would not fit the model's window.
    TooLong,
    /// The budget was used up before it was scored to the end.
    Budget,
    /// Writing was cut off before the text was whole.
    Unfinished,
}

/// A text written by the model during a run, by what asked for it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct GenerationKey {
    /// Step of the run.
    pub step: u32,
    /// What it was for, for example `rewrite 3 0` or `segments`.
    pub purpose: String,
}

/// The planned work, for estimates.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, TS)]
pub struct Estimate {
    /// Tokens still to be computed.
    pub tokens: u64,
    /// Seconds still to go at the speed seen so far; none before anything ran.
    pub seconds: Option<f64>,
}

/// Why a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum StopReason {
    /// All steps were done.
    Steps,
    /// Several steps in a row brought nothing.
    Patience,
    /// The token budget was used up.
    TokenBudget,
    /// The time budget was used up.
    TimeBudget,
    /// The person stopped it; the best so far is kept.
    Cancelled,
}

/// Start and best prompt on the held-out examples.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, TS)]
pub struct Validation {
    /// Loss of the start prompt.
    pub start_loss: f64,
    /// Loss of the best prompt.
    pub best_loss: f64,
    /// 95 % interval of `best - start`; none with fewer than two examples.
    pub interval: Option<Interval>,
    /// What is to be said.
    pub verdict: Verdict,
    /// Shares of right choices of start and best (forced choice), on label tasks and
    /// preference data.
    pub accuracy: Option<(f64, f64)>,
    /// Number of held-out examples.
    pub examples: usize,
    /// How many answers the model would say right by itself, where that was asked.
    #[serde(default)]
    pub asked: Option<Change>,
    /// How forced choices changed.
    #[serde(default)]
    pub choices: Option<Change>,
    /// As `accuracy`, with each prompt's leaning to single labels taken off.
    #[serde(default)]
    pub calibrated: Option<(f64, f64)>,
    /// `-ln` of the right option's share, start and best, in nats, on label tasks.
    #[serde(default)]
    pub choice: Option<(f64, f64)>,
    /// `-ln` of the mass of all options, start and best, in nats, on label tasks.
    #[serde(default)]
    pub form: Option<(f64, f64)>,
    /// Groups of examples that are no near copies of each other.
    #[serde(default)]
    pub groups: Option<usize>,
    /// The smallest true difference of the loss, in nats, that this check would have
    /// found four times in five.
    #[serde(default)]
    pub smallest_seen: Option<f64>,
    /// How often held-out examples of this data have been looked at, this time included.
    #[serde(default)]
    pub looks: Option<u32>,
}

/// What start and best prompt make the model write on a held-out example.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct WrittenAnswer {
    /// Index of the example.
    pub example: usize,
    /// With the start prompt.
    pub start: String,
    /// With the best prompt.
    pub best: String,
    /// Whether they are right answers but for case and white space, where answers are
    /// short enough to ask that: of start and best.
    pub right: Option<(bool, bool)>,
}

/// The end of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Outcome {
    /// Why it ended.
    pub reason: StopReason,
    /// The candidate with the lowest training loss.
    pub best: u32,
    /// Training loss of the start prompt.
    pub start_loss: f64,
    /// Training loss of the best prompt.
    pub best_loss: f64,
    /// The check on held-out data; none without such data or after a cancel.
    pub validation: Option<Validation>,
    /// What both prompts make the model write on some held-out examples.
    #[serde(default)]
    pub answers: Vec<WrittenAnswer>,
}

impl Outcome {
    /// Whether the run found a prompt better than the start on the training examples.
    pub fn improved(&self) -> bool {
        self.best != 0
    }
}

/// What a run is busy with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activity {
    /// Scoring the start prompt.
    Start,
    /// Measuring what each unit of the incumbent does.
    Analysis,
    /// Making and scoring candidates.
    Candidates,
    /// Comparing start and best on held-out examples.
    Validation,
    /// Choosing demonstrations.
    Demonstrations,
    /// Leaving out parts that are not missed.
    Pruning,
    /// Letting the model answer held-out examples with both prompts.
    Answers,
    /// Waiting for the journal, which another program writes to.
    Journal,
}

/// What happens during a run, in order. Everything but [`RunEvent::Busy`] and
/// [`RunEvent::Progress`] is stored before anyone sees it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum RunEvent {
    /// Examples that cannot be used, by index, because they exceed the window.
    LeftOut {
        /// Index and tokens of each.
        examples: Vec<(usize, usize)>,
    },
    /// A prompt was scored on one part of the data.
    Scored {
        /// The prompt.
        candidate: Candidate,
        /// The part.
        part: Part,
        /// Its losses.
        score: PromptScore,
    },
    /// A proposal was refused.
    Refused {
        /// The proposal.
        candidate: Candidate,
        /// Why.
        refusal: Refusal,
    },
    /// The model wrote something.
    Generated {
        /// What asked for it.
        key: GenerationKey,
        /// The text.
        generated: Generated,
        /// Working time in seconds.
        seconds: f64,
    },
    /// The units of an incumbent and their effects.
    Analysed {
        /// The step.
        step: u32,
        /// The incumbent.
        candidate: u32,
        /// One finding per unit, in the prompt's order.
        findings: Vec<SegmentFinding>,
    },
    /// A step is decided.
    StepDone {
        /// The step.
        step: u32,
        /// The incumbent after it.
        incumbent: u32,
        /// Its training loss.
        loss: f64,
        /// Whether it is a new one.
        improved: bool,
    },
    /// What begins now; not stored.
    Busy {
        /// The activity.
        activity: Activity,
    },
    /// How far the run is; not stored.
    Progress {
        /// Tokens computed so far.
        done: u64,
        /// What is left.
        left: Estimate,
    },
    /// The run ended.
    Finished {
        /// How.
        outcome: Outcome,
    },
}

/// The record could not be written or read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct JournalError(pub Message);

/// Names one (prompt, example, model, settings): equal keys, equal losses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PairKey(pub [u8; 16]);

/// A prompt's loss on one example and what it cost.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PairLoss {
    /// Loss in nats, before any calibration.
    pub loss: f64,
    /// Forced choice ([`ExampleLoss::correct`]).
    pub correct: Option<bool>,
    /// Right when asked ([`ExampleLoss::asked`]).
    pub asked: Option<bool>,
    /// On label tasks, `ln p` of each option's whole answer in the order of the label
    /// set, in nats; empty otherwise.
    pub options: Vec<f64>,
    /// Its share of the tokens of the call that scored it.
    pub tokens: TokenCount,
    /// Its share of the call's working time, in seconds.
    pub seconds: f64,
}

impl PairLoss {
    /// A loss of which nothing else is known, and which cost nothing.
    pub fn of(loss: f64) -> Self {
        Self {
            loss,
            ..Self::default()
        }
    }

    /// Whether all its figures are numbers.
    pub(super) fn is_finite(&self) -> bool {
        self.loss.is_finite() && self.options.iter().all(|option| option.is_finite())
    }
}

/// Knows the losses of pairs, whoever measured them.
pub trait PairLedger: Send {
    /// The stored losses of pairs, in the order asked. What another run paid
    /// for costs nothing here: its tokens and seconds are zero.
    fn recall_pairs(&mut self, keys: &[PairKey]) -> Result<Vec<Option<PairLoss>>, JournalError>;

    /// Stores losses as soon as the model gave them.
    fn keep_pairs(&mut self, pairs: &[(PairKey, PairLoss)]) -> Result<(), JournalError>;
}

/// Keeps what happens and gives back what already happened, so that a run that
/// was broken off can be repeated up to that point without the model, and so
/// that no run scores again what another has scored.
pub trait Journal: PairLedger {
    /// The stored text for a key in this run, with its working time.
    fn recall_generated(
        &mut self,
        key: &GenerationKey,
    ) -> Result<Option<(Generated, f64)>, JournalError>;

    /// Stores an event, then shows it. Events that are repeated after a resume
    /// are equal to the stored ones and must change nothing.
    fn record(&mut self, event: &RunEvent) -> Result<(), JournalError>;
}
