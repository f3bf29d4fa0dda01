use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::{ChartFrame, ComparedFigures, SegmentView};

/// A prompt to be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Subject {
    /// The prompt in the editor.
    Draft,
    /// A version.
    Version {
        /// Its number in the database.
        id: i64,
    },
    /// The best prompt of a run.
    RunBest {
        /// The run.
        run: i64,
    },
    /// The start prompt of a run.
    RunStart {
        /// The run.
        run: i64,
    },
}

/// On what two prompts are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum GroundChoice {
    /// The project's examples in use, its model and its settings.
    Project,
    /// Examples, model and settings of a run.
    Run {
        /// The run.
        run: i64,
    },
}

/// Two prompts to be compared, example by example.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct ComparisonRequest {
    /// The project.
    pub project: i64,
    /// The first prompt.
    pub first: Subject,
    /// The second prompt.
    pub second: Subject,
    /// On what.
    pub ground: GroundChoice,
}

/// One of two prompts.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
pub struct ComparedPrompt {
    /// The prompt.
    pub text: String,
    /// Number of the version with this text, if there is one.
    pub version: Option<i64>,
    /// Name of the run that it stands for.
    pub run_name: Option<String>,
    /// What its parts were found to do, where some run of the project measured that.
    pub segments: Option<SegmentView>,
    /// Name of the run that measured the parts.
    pub segments_run: Option<String>,
}

/// What a comparison rests on.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
pub struct ComparedGround {
    /// Name of the data.
    pub data: String,
    /// Examples that a run would choose and check by.
    pub examples: usize,
    /// Name of the model; null where it is not known before it is loaded once.
    pub model: Option<String>,
}

/// An example under two prompts; long texts are cut.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
pub struct ComparedRow {
    /// Names the example in commands.
    pub example: usize,
    /// Row in the file, from 1.
    pub row: usize,
    /// The input.
    pub input: String,
    /// The right answer.
    pub target: String,
    /// Loss under the first prompt, in nats.
    pub first: f64,
    /// Loss under the second prompt, in nats.
    pub second: f64,
    /// Whether the likeliest label was right under the first prompt, on label tasks.
    pub first_correct: Option<bool>,
    /// Whether it was right under the second prompt.
    pub second_correct: Option<bool>,
}

/// Two prompts beside each other, with what they lose on the same examples.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
pub struct Comparison {
    /// The first prompt.
    pub first: ComparedPrompt,
    /// The second prompt.
    pub second: ComparedPrompt,
    /// What it rests on; null where the project has no examples yet.
    pub ground: Option<ComparedGround>,
    /// Losses of both; null where too few examples were measured with both.
    pub figures: Option<ComparedFigures>,
    /// Examples of the ground that are not measured with both prompts yet.
    pub missing: usize,
    /// Examples that were measured with both: the greatest change first, at most 5,000.
    pub rows: Vec<ComparedRow>,
    /// How many there are in all.
    pub rows_total: usize,
}

/// A picture of losses under one prompt over losses under the other.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
pub struct Scatter {
    /// The picture.
    pub svg: String,
    /// Where its axes lie: across losses under the first prompt, upwards under the second.
    #[serde(flatten)]
    pub frame: ChartFrame,
}

/// A token of an answer and how surprised the model was by it.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
pub struct TokenSurprise {
    /// Its text; empty for the token that ends the turn.
    pub text: String,
    /// Minus its log-probability, in nats.
    pub nats: f64,
}

/// What an answer is among those of an example.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum AnswerRole {
    /// The right or the better one.
    Right,
    /// Right as well.
    AlsoRight,
    /// The worse one of a preference, or another label.
    Wrong,
}

/// An answer under two prompts, token by token.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
pub struct AnswerTokens {
    /// What it is.
    pub role: AnswerRole,
    /// The answer.
    pub text: String,
    /// Under the first prompt.
    pub first: Vec<TokenSurprise>,
    /// Under the second prompt.
    pub second: Vec<TokenSurprise>,
}

/// An example with its whole texts and its answers token by token.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
pub struct ExampleTokens {
    /// Row in the file, from 1.
    pub row: usize,
    /// The input.
    pub input: String,
    /// Its answers, the right one first.
    pub answers: Vec<AnswerTokens>,
}
