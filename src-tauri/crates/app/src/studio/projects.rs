//! Projects: prompt, data, model and settings.

use pmpo_store::{ProjectId, RunState, VersionId};

use super::Studio;
use crate::data::{Choice, Import};
use crate::drafts::{draft, keep_draft, new_draft, read_draft};
use crate::error::unexpected;
use crate::job::is_worked_on;
use crate::stored::{keep_preference, kept_preference, Read};
use crate::versions::{versions, IN_USE};
use crate::wire::{
    Draft, Home, Preferences, Project, ProjectSummary, SampleSummary, VersionOrigin,
};
use crate::{fault, keep_written, sample, sample_titles, AppError};

/// Where the person's wishes about the window are kept.
const WINDOW: &str = "window";
const LONGEST_NAME: usize = 200;

impl Studio {
    /// What the first page shows.
    pub fn home(&self) -> Result<Home, AppError> {
        let store = self.reader()?;
        let runs = self.runs.summaries(&store)?;
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
                let prompt = draft(&store, row.id)?.prompt;
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
            if open && !is_worked_on(&store, run.id) {
                unfinished.extend(runs.iter().find(|one| one.id == run.id.0).cloned());
            }
        }
        Ok(Home {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            data_folder: self.database.folder().display().to_string(),
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
        let known = self.reader()?.projects()?;
        if let Some(row) = known.iter().find(|row| row.sample.as_deref() == Some(name)) {
            return self.project(row.id.0);
        }
        let sample = sample(name, self.database.folder())?;
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
        self.tables.take(id, &sample.title, &sample.data, &import)?;
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
        let since = self.tables.generation();
        let store = self.reader()?;
        crate::panics::point("the project");
        let row = store.project_row(id)?;
        let Read {
            value: draft,
            unread,
        } = read_draft(&store, id)?;
        let runs = self.runs.summaries_of(&store, id)?;
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
            Some(dataset) => Some(
                self.tables
                    .summary(&store, since, dataset, &draft.settings)?,
            ),
            None => None,
        };
        let mut versions = versions(&store, id)?;
        versions.reverse();
        let shows_examples = draft.shows_examples(&store);
        Ok(Project {
            shows_examples,
            id: id.0,
            name: row.name,
            sample,
            draft,
            unread,
            data,
            runs,
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
            if self.reader()?.run(pmpo_store::RunId(run))?.project == id {
                return Err(fault!("busy.project"));
            }
        }
        {
            let store = self.reader()?;
            let runs = store.runs_of(id)?;
            if runs.iter().any(|run| is_worked_on(&store, run.id)) {
                return Err(fault!("busy.project_elsewhere"));
            }
        }
        self.store().delete_project(id)?;
        self.forget_curves();
        self.tables.forget();
        self.sources.forget(id);
        Ok(())
    }

    /// Keeps what the person works on.
    pub fn save_draft(&self, id: i64, draft: &Draft) -> Result<(), AppError> {
        if let Some(fault) = draft.settings.fault() {
            return Err(fault!("settings.draft", why = fault));
        }
        let id = ProjectId(id);
        keep_draft(&mut self.store(), id, draft)?;
        self.sources.watch_always(id, draft.measure_changes);
        Ok(())
    }

    /// Marks a version as the one in use and goes on working with it. What was in the
    /// editor becomes a version, so that nothing is lost.
    pub fn use_version(&self, project: i64, version: i64) -> Result<Project, AppError> {
        let id = ProjectId(project);
        {
            let mut store = self.store();
            let found = store.version(VersionId(version))?;
            let mut draft = draft(&store, id)?;
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
