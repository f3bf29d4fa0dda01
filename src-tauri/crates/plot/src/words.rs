//! The words in pictures and tables. Whoever asks for a picture hands them over in the
//! language of the page; the terminal's are English.

use serde::Deserialize;
use ts_rs::TS;

use crate::kinds::CurveAxis;

/// The words of a picture, and of the same figures as a table.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, TS)]
pub struct PictureWords {
    /// Below the axis that goes across.
    pub axis: String,
    /// Beside the axis that goes upwards, with its unit.
    pub loss: String,
    /// The level of the start prompt.
    pub start: String,
    /// A prompt that was tried.
    pub prompt: String,
    /// A prompt that was dropped early, whose loss is an estimate.
    pub dropped: String,
    /// The line of the best so far.
    pub best: String,
    /// Losses on held-out examples.
    pub check: String,
    /// Curves that have no room in the legend; `{}` stands for their number.
    pub more: String,
    /// The columns of the table.
    pub columns: ColumnWords,
}

/// The columns of a table of curves, and what stands in them in words.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, TS)]
pub struct ColumnWords {
    /// Name of the curve.
    pub curve: String,
    /// Numbers of its runs.
    pub runs: String,
    /// The place on the axis.
    pub place: String,
    /// The loss drawn.
    pub loss: String,
    /// The loss measured, where smoothing draws another one.
    pub measured: String,
    /// Lowest loss of a group.
    pub lowest: String,
    /// Highest loss of a group.
    pub highest: String,
    /// Number of the prompt.
    pub number: String,
    /// Step of the prompt.
    pub step: String,
    /// Whether the loss is an estimate.
    pub estimate: String,
    /// It is.
    pub yes: String,
    /// It is not.
    pub no: String,
}

impl PictureWords {
    /// In English, for a picture over `axis`.
    pub fn english(axis: CurveAxis) -> Self {
        let (words, place) = match axis {
            CurveAxis::Prompts => ("prompts tried", "prompt"),
            CurveAxis::Steps => ("steps", "step"),
            CurveAxis::Pairs => ("pairs of prompt and example", "pairs"),
            CurveAxis::Tokens => ("tokens computed", "tokens"),
            CurveAxis::Seconds => ("working time in seconds", "seconds"),
        };
        let text = str::to_owned;
        Self {
            axis: text(words),
            loss: text("loss in nats (lower is better)"),
            start: text("start"),
            prompt: text("prompt"),
            dropped: text("dropped early"),
            best: text("best so far"),
            check: text("final check"),
            more: text("and {} more"),
            columns: ColumnWords {
                curve: text("curve"),
                runs: text("runs"),
                place: text(place),
                loss: text("loss"),
                measured: text("measured_loss"),
                lowest: text("lowest"),
                highest: text("highest"),
                number: text("prompt_number"),
                step: text("prompt_step"),
                estimate: text("estimate"),
                yes: text("yes"),
                no: text("no"),
            },
        }
    }
}
