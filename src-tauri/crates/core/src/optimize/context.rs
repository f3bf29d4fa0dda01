//! Everything a loss depends on beside prompt and example, in one place: losses may be
//! mixed, compared and used again exactly where it is equal.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::Settings;
use crate::device::NumericClass;
use crate::loss::{Normalization, Objective};
use crate::model::ModelDescription;
use crate::random::hex;

/// Raised whenever the same prompt, example, model and settings would give other numbers
/// or more of them, and only then; losses that were stored before are then measured anew.
pub const SCORING_REVISION: u32 = 2;

/// Everything a loss depends on beside prompt and example.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EvalContext {
    /// [`SCORING_REVISION`] of the program that scored.
    pub revision: u32,
    /// SHA-256 of the model's files, its chat template among them; of a server its address,
    /// the model's name and the template that it is used with.
    pub model: String,
    /// What of the device counts.
    pub device: NumericClass,
    /// The settings that enter a loss.
    pub settings: LossSettings,
}

/// The settings that enter a loss.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LossSettings {
    /// See [`Settings::objective`].
    pub objective: Objective,
    /// See [`Settings::normalization`].
    pub normalization: Normalization,
    /// See [`Settings::preference_normalization`].
    pub preference_normalization: Normalization,
    /// See [`Settings::beta`].
    pub beta: f64,
    /// See [`Settings::end_of_turn`].
    pub end_of_turn: bool,
    /// See [`Settings::content_free_prior`].
    pub content_free_prior: bool,
    /// See [`Settings::form_weight`].
    pub form_weight: f64,
    /// See [`Settings::calibration`]; done with all pairs together, which are kept as they
    /// are before it.
    pub calibration: bool,
}

impl LossSettings {
    /// Those among all settings of a run.
    pub fn of(settings: &Settings) -> Self {
        Self {
            objective: settings.objective,
            normalization: settings.normalization,
            preference_normalization: settings.preference_normalization,
            beta: settings.beta,
            end_of_turn: settings.end_of_turn,
            content_free_prior: settings.content_free_prior,
            form_weight: settings.form_weight,
            calibration: settings.calibration,
        }
    }

    /// Name and value of each, to be shown beside others.
    pub fn named(&self) -> Vec<(String, String)> {
        // Plain data with text keys: turning it into JSON cannot fail.
        let value = serde_json::to_value(self).unwrap_or_default();
        let fields = value.as_object().cloned().unwrap_or_default();
        let text = |value: serde_json::Value| match value {
            serde_json::Value::String(word) => word,
            other => other.to_string(),
        };
        fields.into_iter().map(|(k, v)| (k, text(v))).collect()
    }
}

impl EvalContext {
    /// That of losses which a model gives now.
    pub fn new(model: &ModelDescription, settings: &Settings) -> Self {
        Self {
            revision: SCORING_REVISION,
            model: model.sha256.clone(),
            device: model.device.numeric_class(),
            settings: LossSettings::of(settings),
        }
    }

    /// A name, equal where losses may be mixed: 32 hexadecimal digits.
    pub fn id(&self) -> String {
        // Plain data with text keys: turning it into JSON cannot fail.
        let text = serde_json::to_vec(self).unwrap_or_default();
        hex(&Sha256::digest(text)[..16])
    }

    /// Whether losses of a model as it is now may stand beside those of this context.
    pub fn fits(&self, model: &ModelDescription) -> bool {
        self.model == model.sha256 && self.device == model.device.numeric_class()
    }
}

#[cfg(test)]
mod tests {
    use super::super::Preset;
    use super::*;
    use crate::device::Device;

    fn model() -> ModelDescription {
        ModelDescription {
            name: "a".into(),
            sha256: "00".into(),
            architecture: "llama".into(),
            parameters: 1,
            context_window: 2,
            has_chat_template: true,
            device: Device::cpu(),
        }
    }

    #[test]
    fn only_what_a_loss_depends_on_tells_contexts_apart() {
        let settings = Preset::Quick.settings();
        let own = EvalContext::new(&model(), &settings);
        let mut other = settings.clone();
        other.steps += 1;
        other.seed += 1;
        other.temperature += 0.1;
        let renamed = ModelDescription {
            name: "b".into(),
            ..model()
        };
        assert_eq!(own.id(), EvalContext::new(&renamed, &other).id());

        let changes: [fn(&mut Settings); 8] = [
            |one| one.objective = Objective::Answer,
            |one| one.normalization = Normalization::Sum,
            |one| one.preference_normalization = Normalization::Sum,
            |one| one.beta += 0.5,
            |one| one.end_of_turn = !one.end_of_turn,
            |one| one.content_free_prior = !one.content_free_prior,
            |one| one.form_weight += 0.5,
            |one| one.calibration = !one.calibration,
        ];
        let mut ids = vec![own.id()];
        for change in changes {
            let mut other = settings.clone();
            change(&mut other);
            ids.push(EvalContext::new(&model(), &other).id());
        }
        let elsewhere = ModelDescription {
            device: Device::server("a:1"),
            ..model()
        };
        ids.push(EvalContext::new(&elsewhere, &settings).id());
        let file = ModelDescription {
            sha256: "01".into(),
            ..model()
        };
        ids.push(EvalContext::new(&file, &settings).id());
        let revised = EvalContext {
            revision: SCORING_REVISION + 1,
            ..own.clone()
        };
        ids.push(revised.id());
        let count = ids.len();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), count);
        assert!(own.fits(&model()) && !own.fits(&elsewhere) && !own.fits(&file));
    }

    #[test]
    fn every_setting_is_a_setting_of_runs_by_the_same_name() {
        let settings = Preset::Quick.settings();
        let all = serde_json::to_value(&settings).unwrap();
        let named = LossSettings::of(&settings).named();
        assert_eq!(named.len(), 8);
        for (name, value) in named {
            let known = &all[&name];
            let text = known
                .as_str()
                .map_or_else(|| known.to_string(), str::to_owned);
            assert_eq!(text, value, "{name}");
        }
    }
}
