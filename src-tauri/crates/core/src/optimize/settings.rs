use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::dataset::SplitPlan;
use crate::loss::{Normalization, Objective};
use crate::message;
use crate::message::Message;
use crate::prompt::MaskMode;

/// Who marks the units of a prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Segmenter {
    /// The model where it is an instruct model of a billion weights or more, else rules.
    #[default]
    Auto,
    /// The model, checked; rules where the check fails or it is a base model.
    Model,
    /// Paragraphs, list items and sentences.
    Rules,
}

/// How the model is asked for a better prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Wording {
    /// By the model's kind and size.
    #[default]
    Auto,
    /// Long instructions with a diagnosis, for instruct models of 7 billion weights or more.
    LargeInstruct,
    /// Short instructions, for smaller instruct models.
    SmallInstruct,
    /// Worked rewrites to be continued, for base models and very small ones.
    Completion,
}

/// Named sets of settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Preset {
    /// A few minutes.
    Quick,
    /// The usual effort.
    Standard,
    /// As good as it gets.
    Thorough,
    /// The paper's own choices.
    Paper,
}

/// The number of the method: raised whenever a run that was begun before could not be
/// repeated letter by letter any more.
pub const METHOD: u32 = 3;

fn first_method() -> u32 {
    1
}

/// Every choice of the method. Defaults are those of [`Preset::Standard`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
// Settings that a later or earlier version knows are read past, so that no run is lost.
#[serde(default)]
pub struct Settings {
    /// The method that a run is begun with ([`METHOD`]).
    #[serde(default = "first_method")]
    pub method: u32,
    /// Seed of everything random.
    pub seed: u64,
    /// What is minimised on label tasks.
    pub objective: Objective,
    /// Division by token count for supervised data.
    pub normalization: Normalization,
    /// Division by token count for preference data.
    pub preference_normalization: Normalization,
    /// The factor in the preference loss.
    pub beta: f64,
    /// Whether the end-of-turn token counts as part of the target (instruct models).
    pub end_of_turn: bool,
    /// Whether each label's score without content is taken off first
    /// ([`Objective::Choice`] and [`Objective::Both`]).
    pub content_free_prior: bool,
    /// How much the options' common mass counts beside the choice among them
    /// ([`Objective::Label`]), 0 or more.
    pub form_weight: f64,
    /// Whether the choice is judged with a prompt's leaning to single labels taken off,
    /// measured over the training inputs ([`Objective::Label`]).
    pub calibration: bool,
    /// Sizes of the parts of the data.
    pub split: SplitPlan,
    /// Who marks units.
    pub segmenter: Segmenter,
    /// Most units of a prompt.
    pub max_segments: usize,
    /// How a unit is taken out.
    pub mask_mode: MaskMode,
    /// How many standard errors make an effect clear.
    pub clear_z: f64,
    /// How many of the hardest examples guide rewrites in each step (paper: 3).
    pub hard_examples: usize,
    /// Rewrites per hard example (paper: 4); 0 switches the rewriter off.
    pub rewrites: usize,
    /// How the model is asked.
    pub wording: Wording,
    /// Temperature of rewrites.
    pub temperature: f64,
    /// Nucleus share of rewrites.
    pub top_p: f64,
    /// Most tokens of one rewrite; a long prompt gets the room that it needs beyond that.
    pub max_rewrite_tokens: usize,
    /// Propose prompts without a hurting unit.
    pub propose_drop: bool,
    /// Propose other orders of the units.
    pub propose_reorder: bool,
    /// Phrases of the bank tried in each step; 0 switches the bank off.
    pub bank_phrases: usize,
    /// Most demonstrations in a prompt; 0 allows none.
    pub max_demonstrations: usize,
    /// Examples tried for each place among the demonstrations, and orders of them.
    pub demonstration_sets: usize,
    /// A candidate that copies this many consecutive words of a training example is refused.
    pub leak_words: usize,
    /// Score candidates on growing parts of the training examples and drop those
    /// that cannot win any more.
    pub racing: bool,
    /// How many standard errors behind a candidate must be to be dropped.
    pub race_z: f64,
    /// Most steps (paper: 20).
    pub steps: usize,
    /// Steps without improvement after which the run ends; 0 never ends it.
    pub patience: usize,
    /// Smallest gain in nats that replaces the incumbent.
    pub min_gain: f64,
    /// How many standard errors a gain must be, so that chance alone seldom replaces the
    /// incumbent.
    pub accept_z: f64,
    /// Whether parts of the best prompt that are not clearly missed are left out at the end.
    pub prune: bool,
    /// Held-out examples that the model answers with start and best prompt at the end.
    pub answers: usize,
    /// Budget of computed tokens.
    pub max_tokens: Option<u64>,
    /// Budget of working time in minutes.
    pub max_minutes: Option<f64>,
}

impl Default for Settings {
    fn default() -> Self {
        Preset::Standard.settings()
    }
}

impl Preset {
    /// All presets, for lists.
    pub const ALL: [Self; 4] = [Self::Quick, Self::Standard, Self::Thorough, Self::Paper];

    /// The settings of this preset.
    pub fn settings(self) -> Settings {
        let standard = Settings {
            method: METHOD,
            seed: 1,
            objective: Objective::Label,
            normalization: Normalization::PerToken,
            preference_normalization: Normalization::PerToken,
            beta: 1.0,
            end_of_turn: true,
            content_free_prior: false,
            form_weight: 0.2,
            calibration: false,
            split: SplitPlan {
                train_share: 0.4,
                train_limit: 50,
                validation_share: 0.4,
                validation_limit: 80,
            },
            segmenter: Segmenter::Auto,
            max_segments: 5,
            mask_mode: MaskMode::Replace,
            clear_z: 1.96,
            hard_examples: 2,
            rewrites: 3,
            wording: Wording::Auto,
            temperature: 0.9,
            top_p: 0.95,
            max_rewrite_tokens: 256,
            propose_drop: true,
            propose_reorder: true,
            bank_phrases: 4,
            max_demonstrations: 12,
            demonstration_sets: 6,
            leak_words: 8,
            racing: true,
            race_z: 1.75,
            steps: 8,
            patience: 3,
            min_gain: 0.001,
            accept_z: 1.0,
            prune: true,
            answers: 5,
            max_tokens: None,
            max_minutes: None,
        };
        match self {
            Self::Standard => standard,
            Self::Quick => Settings {
                split: SplitPlan {
                    train_share: 0.3,
                    train_limit: 20,
                    validation_share: 0.4,
                    validation_limit: 40,
                },
                hard_examples: 1,
                rewrites: 2,
                propose_reorder: false,
                bank_phrases: 2,
                demonstration_sets: 2,
                answers: 3,
                steps: 2,
                patience: 2,
                ..standard
            },
            Self::Thorough => Settings {
                split: SplitPlan {
                    train_share: 0.5,
                    train_limit: 100,
                    validation_share: 0.4,
                    validation_limit: 200,
                },
                hard_examples: 3,
                rewrites: 4,
                bank_phrases: 6,
                steps: 20,
                patience: 5,
                ..standard
            },
            Self::Paper => Settings {
                objective: Objective::Pairs,
                normalization: Normalization::Sum,
                preference_normalization: Normalization::Sum,
                end_of_turn: false,
                split: SplitPlan {
                    train_share: 0.2,
                    train_limit: 50,
                    validation_share: 0.4,
                    validation_limit: 200,
                },
                segmenter: Segmenter::Model,
                hard_examples: 3,
                rewrites: 4,
                propose_drop: false,
                propose_reorder: false,
                bank_phrases: 0,
                racing: false,
                steps: 20,
                patience: 0,
                min_gain: 0.0,
                accept_z: 0.0,
                max_demonstrations: 0,
                prune: false,
                ..standard
            },
        }
    }
}

impl Settings {
    /// Demonstrations that are exchanged for others in each step, by way of trial.
    pub(super) fn swaps(&self) -> usize {
        (self.demonstration_sets / 2).max(1)
    }

    /// What is wrong with these settings, if anything is.
    pub fn fault(&self) -> Option<Message> {
        let share = |value: f64| (0.0..=1.0).contains(&value);
        let rules = [
            (
                share(self.split.train_share) && self.split.train_share > 0.0,
                message!("settings.train_share"),
            ),
            (
                share(self.split.validation_share),
                message!("settings.validation_share"),
            ),
            (
                self.split.train_share + self.split.validation_share <= 1.0 + 1e-9,
                message!("settings.shares"),
            ),
            (
                self.split.train_limit >= 2,
                message!("settings.train_limit"),
            ),
            (
                self.beta.is_finite() && self.beta > 0.0,
                message!("settings.beta"),
            ),
            (self.max_segments >= 1, message!("settings.max_segments")),
            (
                self.clear_z.is_finite() && self.clear_z >= 0.0,
                message!("settings.clear_z"),
            ),
            (
                self.race_z.is_finite() && self.race_z > 0.0,
                message!("settings.race_z"),
            ),
            (
                self.temperature.is_finite() && self.temperature >= 0.0,
                message!("settings.temperature"),
            ),
            (
                share(self.top_p) && self.top_p > 0.0,
                message!("settings.top_p"),
            ),
            (
                self.max_rewrite_tokens >= 1,
                message!("settings.max_rewrite_tokens"),
            ),
            (self.leak_words >= 2, message!("settings.leak_words")),
            (
                self.min_gain.is_finite() && self.min_gain >= 0.0,
                message!("settings.min_gain"),
            ),
            (
                self.max_minutes.is_none_or(|minutes| minutes > 0.0),
                message!("settings.max_minutes"),
            ),
            (
                self.form_weight.is_finite() && self.form_weight >= 0.0,
                message!("settings.form_weight"),
            ),
            (
                self.accept_z.is_finite() && self.accept_z >= 0.0,
                message!("settings.accept_z"),
            ),
        ];
        rules
            .into_iter()
            .find(|(holds, _)| !holds)
            .map(|(_, fault)| fault)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presets_are_sound_and_survive_json() {
        for preset in Preset::ALL {
            let settings = preset.settings();
            assert_eq!(settings.fault(), None);
            let text = serde_json::to_string(&settings).unwrap();
            assert_eq!(serde_json::from_str::<Settings>(&text).unwrap(), settings);
        }
        let broken = Settings {
            top_p: f64::NAN,
            ..Settings::default()
        };
        assert!(broken.fault().is_some());
    }
}
