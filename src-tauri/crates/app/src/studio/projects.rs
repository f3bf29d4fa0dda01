//! Projects: prompt, data, model and settings.

use pmpo_core::optimize::{Preset, Settings};
use pmpo_store::{ProjectId, RunState, Store, Version, VersionId};
use serde::de::DeserializeOwned;
use serde::Serialize;
use serde_json::Value;

use super::{held, Studio};
use crate::data::{Choice, Import};
use crate::error::unexpected;
use crate::stored::{self, Read};
use crate::wire::{
    Draft, Home, Preferences, Project, ProjectSummary, SampleSummary, VersionOrigin, VersionSummary,
};
use crate::written::IN_USE;
use crate::{fault, keep_written, sample, sample_titles, AppError};

/// Where the person's wishes about the window are kept.
const WINDOW: &str = "window";
const LONGEST_NAME: usize = 200;
/// Models with fewer weights than this may be shown examples unless the person says no.
const SMALL: u64 = 3_000_000_000;

impl Studio {
    /// What the first page shows.
    pub fn home(&self) -> Result<Home, AppError> {
        let store = self.store();
        let runs = self.summaries(&store)?;
        let rows = store.projects()?;
        let samples = sample_titles()?
            .into_iter()
            .map(|(name, title, description)| SampleSummary {
                project: rows
                    .iter()
                    .find(|row| row.sample.as_deref() == Some(name))
                    .map(|row| row.id.0),
                name: name.to_owned(),
                title,
                description,
            })
            .collect();
        let projects = rows
            .iter()
            .map(|row| {
                let own: Vec<_> = runs.iter().filter(|run| run.project == row.id.0).collect();
                let prompt = self.draft_of(&store, row.id)?.prompt;
                let dataset = row.dataset.map(|id| store.dataset(id)).transpose()?;
                Ok(ProjectSummary {
                    id: row.id.0,
                    name: row.name.clone(),
                    sample: row.sample.clone(),
                    prompt: prompt.chars().take(200).collect(),
                    examples: dataset.map(|dataset| dataset.examples),
                    runs: own.len(),
                    last_run: own.first().map(|run| (*run).clone()),
                    updated_at: row.changed_at,
                })
            })
            .collect::<Result<_, AppError>>()?;
        let mut unfinished = Vec::new();
        for run in store.runs()? {
            let open = matches!(
                run.state,
                RunState::Queued | RunState::Running | RunState::Paused | RunState::Failed
            );
            if open && !crate::job::is_worked_on(&store, run.id) {
                unfinished.extend(runs.iter().find(|one| one.id == run.id.0).cloned());
            }
        }
        Ok(Home {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            data_folder: self.folder.display().to_string(),
            preferences: kept_preference(&store, WINDOW)?,
            projects,
            samples,
            unfinished,
        })
    }

    /// Keeps what the person set once.
    pub fn save_preferences(&self, preferences: &Preferences) -> Result<(), AppError> {
        keep_preference(&mut self.store(), WINDOW, preferences)
    }

    /// The project of a sample, made where missing.
    pub fn open_sample(&self, name: &str) -> Result<Project, AppError> {
        let known = self.store().projects()?;
        if let Some(row) = known.iter().find(|row| row.sample.as_deref() == Some(name)) {
            return self.project(row.id.0);
        }
        let sample = sample(name, &self.folder)?;
        let choice = Choice {
            columns: sample.columns,
            ..Choice::default()
        };
        let import = Import::read(&sample.data, &choice)?;
        let id = {
            let mut store = self.store();
            let id = store.new_project(&sample.title, Some(name))?;
            let draft = Draft {
                prompt: sample.prompt.clone(),
                ..new_draft()
            };
            keep_draft(&mut store, id, &draft)?;
            let origin = serde_json::to_value(VersionOrigin::Sample).map_err(unexpected)?;
            store.add_version(id, &sample.prompt, None, &origin)?;
            id
        };
        self.keep_import(id, &sample.title, &sample.data, &import)?;
        self.project(id.0)
    }

    /// An empty project.
    pub fn create_project(&self, name: &str) -> Result<Project, AppError> {
        let name = checked_name(name)?;
        let id = {
            let mut store = self.store();
            let id = store.new_project(name, None)?;
            keep_draft(&mut store, id, &new_draft())?;
            id
        };
        self.project(id.0)
    }

    /// A project with all that its page shows.
    pub fn project(&self, id: i64) -> Result<Project, AppError> {
        let id = ProjectId(id);
        let store = self.store();
        let row = store.project_row(id)?;
        let Read {
            value: draft,
            unread,
        } = read_draft(&store, id)?;
        let runs = self.summaries(&store)?;
        let sample = sample_titles()?
            .into_iter()
            .find(|(name, ..)| row.sample.as_deref() == Some(*name))
            .map(|(name, title, description)| SampleSummary {
                name: name.to_owned(),
                title,
                description,
                project: Some(id.0),
            });
        let data = match row.dataset {
            Some(_) => Some(self.data_summary(&store, id, &draft.settings)?),
            None => None,
        };
        let mut versions = versions(&store, id)?;
        versions.reverse();
        let shows_examples = self.shows_examples(&store, &draft);
        Ok(Project {
            shows_examples,
            id: id.0,
            name: row.name,
            sample,
            draft,
            unread,
            data,
            runs: runs.into_iter().filter(|run| run.project == id.0).collect(),
            versions,
        })
    }

    /// Gives a project another name.
    pub fn rename_project(&self, id: i64, name: &str) -> Result<(), AppError> {
        let name = checked_name(name)?;
        if self.store().rename_project(ProjectId(id), name)? {
            return Ok(());
        }
        Err(fault!("name.taken", name = name))
    }

    /// Deletes a project with its versions, data and runs.
    pub fn delete_project(&self, id: i64) -> Result<(), AppError> {
        let id = ProjectId(id);
        if let Some(run) = self.active_run() {
            if self.store().run(pmpo_store::RunId(run))?.project == id {
                return Err(fault!("busy.project"));
            }
        }
        self.store().delete_project(id)?;
        self.forget_curves();
        self.forget_tables();
        // A watch's thread may be waiting for the lock: it is ended outside.
        let watched = held(&self.watched).remove(&id);
        drop(watched);
        Ok(())
    }

    /// Keeps what the person works on.
    pub fn save_draft(&self, id: i64, draft: &Draft) -> Result<(), AppError> {
        if let Some(fault) = draft.settings.fault() {
            return Err(fault!("settings.draft", why = fault));
        }
        let id = ProjectId(id);
        keep_draft(&mut self.store(), id, draft)?;
        self.watch_always(id, draft.measure_changes);
        Ok(())
    }

    pub(super) fn draft(&self, id: ProjectId) -> Result<Draft, AppError> {
        let store = self.store();
        self.draft_of(&store, id)
    }

    pub(super) fn draft_of(&self, store: &Store, id: ProjectId) -> Result<Draft, AppError> {
        Ok(read_draft(store, id)?.value)
    }

    /// Whether a run of this draft may put examples into the prompt: as the person said;
    /// else yes for a model that is so small that nothing else helps it as much.
    pub(super) fn shows_examples(&self, store: &Store, draft: &Draft) -> bool {
        draft
            .may_show_examples
            .unwrap_or_else(|| match &draft.model_path {
                None => true,
                Some(path) => store
                    .model_at(path)
                    .ok()
                    .flatten()
                    .is_none_or(|model| model.description.parameters < SMALL),
            })
    }

    /// The settings of a run of this draft.
    pub(super) fn run_settings(&self, store: &Store, draft: &Draft) -> Settings {
        let mut settings = draft.settings.clone();
        if !self.shows_examples(store, draft) {
            settings.max_demonstrations = 0;
        }
        settings
    }

    /// Marks a version as the one in use and goes on working with it. What was in the
    /// editor becomes a version, so that nothing is lost.
    pub fn use_version(&self, project: i64, version: i64) -> Result<Project, AppError> {
        let id = ProjectId(project);
        {
            let mut store = self.store();
            let found = store.version(VersionId(version))?;
            let mut draft = self.draft_of(&store, id)?;
            if !draft.prompt.trim().is_empty() {
                keep_written(&mut store, id, &draft.prompt)?;
            }
            store.move_label(id, IN_USE, found.id)?;
            draft.locked.retain(|text| found.text.contains(text));
            draft.prompt = found.text;
            keep_draft(&mut store, id, &draft)?;
        }
        self.project(project)
    }
}

fn checked_name(name: &str) -> Result<&str, AppError> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > LONGEST_NAME {
        return Err(fault!("name.bad"));
    }
    Ok(name)
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

/// What the person set once, as far as this version of the program can read it.
pub(super) fn kept_preference<T: Default + Serialize + DeserializeOwned>(
    store: &Store,
    name: &str,
) -> Result<T, AppError> {
    let value = store.preference(name)?.unwrap_or_default();
    Ok(stored::read(T::default(), &value, &[]).value)
}

/// Keeps what the person set once, beside what this version does not know.
pub(super) fn keep_preference<T: Default + Serialize + DeserializeOwned>(
    store: &mut Store,
    name: &str,
    new: &T,
) -> Result<(), AppError> {
    let before = store.preference(name)?.unwrap_or_default();
    let unread = stored::read(T::default(), &before, &[]).unread;
    let value = stored::write(new, &T::default(), &before, &unread, &[]).map_err(unexpected)?;
    Ok(store.set_preference(name, &value)?)
}

fn new_draft() -> Draft {
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
fn read_draft(store: &Store, id: ProjectId) -> Result<Read<Draft>, AppError> {
    Ok(stored::read(new_draft(), &stored_draft(store, id)?, &INNER))
}

pub(super) fn keep_draft(store: &mut Store, id: ProjectId, draft: &Draft) -> Result<(), AppError> {
    let before = stored_draft(store, id)?;
    let unread = stored::read(new_draft(), &before, &INNER).unread;
    let value = stored::write(draft, &new_draft(), &before, &unread, &INNER).map_err(unexpected)?;
    Ok(store.save_draft(id, &value)?)
}

/// The versions of a project with the labels that point to them, oldest first.
fn versions(store: &Store, project: ProjectId) -> Result<Vec<VersionSummary>, AppError> {
    let labels = store.labels(project)?;
    Ok(store
        .versions(project)?
        .into_iter()
        .map(|version| {
            let own = labels.iter().filter(|label| label.version == version.id);
            let names = own.map(|label| label.name.clone()).collect();
            version_summary(version, names)
        })
        .collect())
}

pub(super) fn version_summary(version: Version, labels: Vec<String>) -> VersionSummary {
    VersionSummary {
        id: version.id.0,
        number: version.number,
        text: version.text,
        parent: version.parent.map(|parent| parent.0),
        origin: serde_json::from_value(version.origin).unwrap_or(VersionOrigin::Written),
        note: version.note,
        starred: version.starred,
        tags: version.tags,
        labels,
        created_at: version.created_at,
    }
}
