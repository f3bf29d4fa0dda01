//! What the person works on in a project: prompt, models, settings. It is stored as plain
//! data, and other versions of the program may have written it; see [`crate::stored`].

use pmpo_core::optimize::{Preset, Settings, Task};
use pmpo_store::{ProjectId, Store};
use serde_json::Value;

use crate::error::unexpected;
use crate::models::ModelRef;
use crate::stored::{self, Read};
use crate::wire::Draft;
use crate::{fault, AppError};

/// Models with fewer weights than this may be shown examples unless the person says no.
const SMALL: u64 = 3_000_000_000;

impl Draft {
    /// The model that scores.
    pub(crate) fn scorer(&self) -> ModelRef {
        ModelRef::named(self.model_path.as_deref())
    }

    /// The model that writes, where it is another one.
    pub(crate) fn writer(&self) -> Option<ModelRef> {
        self.writer_path.as_deref().map(ModelRef::from)
    }

    /// Whether a run may put examples into the prompt: as the person said; else yes for a
    /// model that is so small that nothing else helps it as much.
    pub(crate) fn shows_examples(&self, store: &Store) -> bool {
        self.may_show_examples
            .unwrap_or_else(|| match &self.model_path {
                None => true,
                Some(path) => store
                    .model_at(path)
                    .ok()
                    .flatten()
                    .is_none_or(|model| is_small(model.description.parameters)),
            })
    }

    /// The settings of a run.
    pub(crate) fn run_settings(&self, store: &Store) -> Settings {
        let mut settings = self.settings.clone();
        if !self.shows_examples(store) {
            settings.max_demonstrations = 0;
        }
        settings
    }
}

/// Whether a model has so few weights that examples in the prompt help it most.
pub fn is_small(parameters: u64) -> bool {
    parameters < SMALL
}

/// What the person works on, as far as this version of the program can read it.
pub(crate) fn draft(store: &Store, id: ProjectId) -> Result<Draft, AppError> {
    Ok(read_draft(store, id)?.value)
}

/// What the project's draft and data make together.
///
/// # Errors
///
/// `no_data` where the project has none.
pub(crate) fn task(store: &Store, project: ProjectId) -> Result<Task, AppError> {
    let draft = draft(store, project)?;
    let Some(dataset) = store.project_row(project)?.dataset else {
        return Err(fault!("no_data.none"));
    };
    Ok(Task {
        prompt: draft.prompt,
        description: draft.description,
        examples: store.examples(dataset)?,
        frozen: draft.locked,
        looks: 0,
        split: None,
        earlier: None,
    })
}

/// The draft of a project without one.
pub(crate) fn new_draft() -> Draft {
    Draft {
        prompt: String::new(),
        description: String::new(),
        locked: Vec::new(),
        effort: Preset::Quick,
        settings: Preset::Quick.settings(),
        model_path: None,
        writer_path: None,
        device: "auto".to_owned(),
        measure_changes: false,
        may_show_examples: None,
    }
}

/// Fields of a draft that have fields of their own.
const INNER: [&str; 1] = ["settings"];

fn stored_draft(store: &Store, id: ProjectId) -> Result<Value, AppError> {
    Ok(renewed(store.project_row(id)?.draft.unwrap_or_default()))
}

/// A draft as far as this version of the program can read it.
pub(crate) fn read_draft(store: &Store, id: ProjectId) -> Result<Read<Draft>, AppError> {
    Ok(stored::read(new_draft(), &stored_draft(store, id)?, &INNER))
}

/// Keeps what the person works on, beside what this version does not know.
pub(crate) fn keep_draft(store: &mut Store, id: ProjectId, draft: &Draft) -> Result<(), AppError> {
    let before = stored_draft(store, id)?;
    let unread = stored::read(new_draft(), &before, &INNER).unread;
    let value = stored::write(draft, &new_draft(), &before, &unread, &INNER).map_err(unexpected)?;
    Ok(store.save_draft(id, &value)?)
}

/// Settings that were a preset's before labels were judged by whole answers, and that no
/// person chose, become that preset's of now.
fn renewed(mut draft: serde_json::Value) -> serde_json::Value {
    if !draft["settings"].is_object() || !draft["settings"]["accept_z"].is_null() {
        return draft;
    }
    let effort: Preset = serde_json::from_value(draft["effort"].clone()).unwrap_or(Preset::Quick);
    let Ok(now) = serde_json::to_value(effort.settings()) else {
        return draft;
    };
    let before = match effort {
        Preset::Paper => [
            ("objective", "answer".into()),
            ("max_rewrite_tokens", 256.into()),
        ],
        Preset::Quick => [
            ("objective", "both".into()),
            ("max_rewrite_tokens", 96.into()),
        ],
        _ => [
            ("objective", "both".into()),
            ("max_rewrite_tokens", 256.into()),
        ],
    };
    let sets = if effort == Preset::Quick { 2 } else { 3 };
    let demonstrations = [
        ("max_demonstrations", 0.into()),
        ("demonstration_sets", sets.into()),
    ];
    let settings = &mut draft["settings"];
    for (name, value) in before.into_iter().chain(demonstrations) {
        let value: serde_json::Value = value;
        if settings[name] == value {
            settings[name] = now[name].clone();
        }
    }
    settings["method"] = now["method"].clone();
    for name in ["form_weight", "calibration", "accept_z", "prune", "answers"] {
        settings[name] = now[name].clone();
    }
    draft
}
