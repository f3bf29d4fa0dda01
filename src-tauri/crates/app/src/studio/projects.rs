//! Projects: prompt, data, model and settings.

use std::path::Path;
use std::time::Instant;

use pmpo_core::dataset::{split, Answer, Example, LabelSet};
use pmpo_core::optimize::{prompt_tokens, Preset, Settings, Task};
use pmpo_core::prompt::{locate_frozen, split_into_segments, Template};
use pmpo_engine::{devices, inspect, place, LoadOptions};
use pmpo_store::{ProjectId, RunState, Store, Version, VersionId};
use tokio_util::sync::CancellationToken;

use super::{held, Studio};
use crate::data::{build, guess_mapping, read_table, DataError, Import, Table};
use crate::wire::{
    ColumnChoice, DataKind, DataPreview, DataSummary, DeviceOption, Draft, ExampleText, Home,
    LeftOutRow, ModelInfo, Preferences, Project, ProjectSummary, PromptCheck, PromptPiece,
    SampleSummary, ScoredPrompt, VersionOrigin, VersionSummary,
};
use crate::{built_in_model, sample, sample_titles, score_prompt, AppError};

/// The label of the version that the person uses.
const IN_USE: &str = "in use";
/// Rows and examples shown before anything is kept.
const PREVIEW: usize = 20;
const LONGEST_NAME: usize = 200;

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
            preferences: store
                .preference("window")?
                .and_then(|value| serde_json::from_value(value).ok())
                .unwrap_or_default(),
            projects,
            samples,
            unfinished,
        })
    }

    /// Keeps what the person set once.
    pub fn save_preferences(&self, preferences: &Preferences) -> Result<(), AppError> {
        let value = serde_json::to_value(preferences).map_err(unexpected)?;
        Ok(self.store().set_preference("window", &value)?)
    }

    /// The project of a sample, made where missing.
    pub fn open_sample(&self, name: &str) -> Result<Project, AppError> {
        let known = self.store().projects()?;
        if let Some(row) = known.iter().find(|row| row.sample.as_deref() == Some(name)) {
            return self.project(row.id.0);
        }
        let sample = sample(name, &self.folder)?;
        let table = read_table(&sample.data)?;
        let import = build(&table, &guess_mapping(&table, &sample.columns)?)?;
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
        let draft = self.draft_of(&store, id)?;
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
            Some(_) => Some(data_summary(&store, id, &draft.settings)?),
            None => None,
        };
        let mut versions = versions(&store, id)?;
        versions.reverse();
        Ok(Project {
            id: id.0,
            name: row.name,
            sample,
            draft,
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
        Err(AppError::new(
            "name",
            format!("Another project is called {name:?}."),
            "Choose another name.",
        ))
    }

    /// Deletes a project with its versions, data and runs.
    pub fn delete_project(&self, id: i64) -> Result<(), AppError> {
        let id = ProjectId(id);
        if let Some(run) = self.active_run() {
            if self.store().run(pmpo_store::RunId(run))?.project == id {
                return Err(AppError::new(
                    "busy",
                    "A run of this project is going on.",
                    "Stop it first.",
                ));
            }
        }
        Ok(self.store().delete_project(id)?)
    }

    /// Keeps what the person works on.
    pub fn save_draft(&self, id: i64, draft: &Draft) -> Result<(), AppError> {
        if let Some(fault) = draft.settings.fault() {
            return Err(AppError::new(
                "settings",
                format!("These settings cannot be used: {fault}."),
                "Change that setting, or take the default again.",
            ));
        }
        keep_draft(&mut self.store(), ProjectId(id), draft)
    }

    pub(super) fn draft(&self, id: ProjectId) -> Result<Draft, AppError> {
        let store = self.store();
        self.draft_of(&store, id)
    }

    pub(super) fn draft_of(&self, store: &Store, id: ProjectId) -> Result<Draft, AppError> {
        let stored = store.project_row(id)?.draft;
        // A draft of another version of the program is begun anew, its prompt kept.
        Ok(match stored {
            None => new_draft(),
            Some(value) => serde_json::from_value(value.clone()).unwrap_or_else(|_| Draft {
                prompt: value["prompt"].as_str().unwrap_or_default().to_owned(),
                ..new_draft()
            }),
        })
    }

    /// Looks at a file before anything of it is kept.
    pub fn preview_data(&self, path: &str, choice: ColumnChoice) -> Result<DataPreview, AppError> {
        let file = Path::new(path.trim());
        let table = read_table(file)?;
        let mut preview = DataPreview {
            path: file.display().to_string(),
            name: file_name(file),
            columns: table.columns.clone(),
            rows: table
                .rows
                .iter()
                .take(PREVIEW)
                .map(|row| row.cells.clone())
                .collect(),
            total_rows: table.rows.len(),
            mapping: None,
            problem: None,
            examples: 0,
            labels: None,
            left_out: Vec::new(),
        };
        match import(&table, choice) {
            Ok(import) => {
                preview.examples = import.examples.len();
                preview.labels = LabelSet::detect(&import.examples).map(|set| set.labels);
                preview.left_out = import
                    .left_out
                    .iter()
                    .map(|row| LeftOutRow {
                        row: row.row,
                        why: row.why.clone(),
                    })
                    .collect();
                preview.mapping = Some(import.mapping.into());
            }
            Err(error) => preview.problem = Some(error.into()),
        }
        Ok(preview)
    }

    /// Keeps the examples of a file as the project's data.
    pub fn keep_data(
        &self,
        project: i64,
        path: &str,
        choice: ColumnChoice,
    ) -> Result<Project, AppError> {
        let file = Path::new(path.trim());
        let import = import(&read_table(file)?, choice)?;
        self.keep_import(ProjectId(project), &file_name(file), file, &import)?;
        self.project(project)
    }

    fn keep_import(
        &self,
        id: ProjectId,
        name: &str,
        file: &Path,
        import: &Import,
    ) -> Result<(), AppError> {
        let kind = match import.examples.first().map(|example| &example.answer) {
            Some(Answer::Preference { .. }) => "preference",
            _ => "supervised",
        };
        let columns = serde_json::to_value(&import.mapping).map_err(unexpected)?;
        let mut store = self.store();
        let source = file.display().to_string();
        let dataset = store.add_dataset(id, name, &source, kind, &columns, &import.examples)?;
        Ok(store.use_dataset(id, dataset)?)
    }

    /// Cuts a prompt into what the editor shows.
    pub async fn check_prompt(
        &self,
        project: i64,
        prompt: &str,
        locked: &[String],
    ) -> Result<PromptCheck, AppError> {
        let (draft, example) = {
            let store = self.store();
            let id = ProjectId(project);
            let draft = self.draft_of(&store, id)?;
            let example = match store.project_row(id)?.dataset {
                Some(dataset) => store.first_examples(dataset, 1)?.into_iter().next(),
                None => None,
            };
            (draft, example)
        };
        let mut check = cut(
            prompt,
            locked,
            draft.settings.max_segments,
            example.as_ref(),
        );
        let path = draft.model_path.as_deref();
        if let Some(model) = self.model_if_loaded(path, &draft.device) {
            check.window = Some(model.description().context_window);
            if check.unknown.is_empty() {
                let counted = prompt_tokens(prompt, example.as_ref(), &*model).await;
                check.tokens = counted.ok();
            }
        }
        Ok(check)
    }

    /// Measures a prompt on the examples that choose.
    pub async fn score_prompt(&self, project: i64, prompt: &str) -> Result<ScoredPrompt, AppError> {
        let id = ProjectId(project);
        let draft = self.draft(id)?;
        let whole = self.task(id)?;
        let parts = split(&whole.examples, &draft.settings.split, draft.settings.seed);
        let task = Task {
            prompt: prompt.to_owned(),
            examples: parts
                .train
                .iter()
                .map(|&index| whole.examples[index].clone())
                .collect(),
            frozen: Vec::new(),
            ..whole
        };
        let model = self
            .model(draft.model_path.as_deref(), &draft.device)
            .await?;
        let clock = Instant::now();
        let cancel = CancellationToken::new();
        let scored = score_prompt(&task, &draft.settings, &*model, &cancel).await?;
        Ok(ScoredPrompt::new(&scored, clock.elapsed().as_secs_f64()))
    }

    /// A model and what using it means on this computer.
    pub fn model_info(&self, path: Option<&str>, device: &str) -> Result<ModelInfo, AppError> {
        let file_path = path.map_or_else(built_in_model, std::path::PathBuf::from);
        let file = inspect(&file_path)?;
        let options = LoadOptions {
            device: device.parse()?,
            ..LoadOptions::new(&file_path)
        };
        let loaded = self.model_if_loaded(path, device);
        let mut info = ModelInfo {
            path: file_path.display().to_string(),
            name: file.description.name.clone(),
            built_in: path.is_none(),
            architecture: file.description.architecture.clone(),
            parameters: file.description.parameters,
            file_bytes: file.bytes,
            context_window: file.description.context_window,
            has_chat_template: file.description.has_chat_template,
            device: String::new(),
            devices: devices()
                .into_iter()
                .map(|device| DeviceOption {
                    id: device.id,
                    label: device.label,
                })
                .collect(),
            exact: false,
            memory_needed_mb: 0,
            memory_free_mb: 0,
            loaded: loaded.is_some(),
            problem: None,
        };
        match place(&options, &file) {
            Ok(placement) => {
                info.exact = placement.exact;
                info.device = placement.words;
                info.memory_needed_mb = placement.needs_mb;
                info.memory_free_mb = placement.free_mb;
            }
            // Its own memory may be what is missing.
            Err(_) if loaded.is_some() => {}
            Err(error) => info.problem = Some(error.into()),
        }
        if let Some(model) = loaded {
            info.device = model.description().device.clone();
        }
        Ok(info)
    }

    /// Loads the project's model ahead of its first use.
    pub async fn warm_up(&self, project: i64) -> Result<(), AppError> {
        let draft = self.draft(ProjectId(project))?;
        if held(&self.job).is_none() {
            self.model(draft.model_path.as_deref(), &draft.device)
                .await?;
        }
        Ok(())
    }

    /// Marks a version as the one in use and goes on working with it.
    pub fn use_version(&self, project: i64, version: i64) -> Result<Project, AppError> {
        let id = ProjectId(project);
        {
            let mut store = self.store();
            let found = store.version(VersionId(version))?;
            store.move_label(id, IN_USE, found.id)?;
            let mut draft = self.draft_of(&store, id)?;
            draft.locked.retain(|text| found.text.contains(text));
            draft.prompt = found.text;
            keep_draft(&mut store, id, &draft)?;
        }
        self.project(project)
    }
}

fn unexpected(why: impl std::fmt::Display) -> AppError {
    AppError::new(
        "unexpected",
        why.to_string(),
        "Try again; if it stays, report these words.",
    )
}

fn checked_name(name: &str) -> Result<&str, AppError> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > LONGEST_NAME {
        return Err(AppError::new(
            "name",
            "A project needs a name of at most 200 letters.",
            "Choose another name.",
        ));
    }
    Ok(name)
}

fn file_name(path: &Path) -> String {
    path.file_name()
        .map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}

fn new_draft() -> Draft {
    Draft {
        prompt: String::new(),
        description: String::new(),
        locked: Vec::new(),
        effort: Preset::Quick,
        settings: Preset::Quick.settings(),
        model_path: None,
        device: "auto".to_owned(),
    }
}

fn keep_draft(store: &mut Store, id: ProjectId, draft: &Draft) -> Result<(), AppError> {
    let value = serde_json::to_value(draft).map_err(unexpected)?;
    Ok(store.save_draft(id, &value)?)
}

fn import(table: &Table, choice: ColumnChoice) -> Result<Import, DataError> {
    build(table, &guess_mapping(table, &choice.into())?)
}

fn data_summary(
    store: &Store,
    project: ProjectId,
    settings: &Settings,
) -> Result<DataSummary, AppError> {
    let missing = || AppError::new("no_data", "There are no examples yet.", "Bring a file.");
    let id = store.project_row(project)?.dataset.ok_or_else(missing)?;
    let row = store.dataset(id)?;
    let examples = store.examples(id)?;
    let parts = split(&examples, &settings.split, settings.seed);
    let mapping: crate::data::Mapping = serde_json::from_value(row.columns).map_err(unexpected)?;
    Ok(DataSummary {
        id: id.0,
        name: row.name,
        source: row.source,
        kind: if row.kind == "preference" {
            DataKind::Preference
        } else {
            DataKind::Supervised
        },
        columns: column_names(examples.first()),
        mapping: mapping.into(),
        labels: LabelSet::detect(&examples).map(|set| set.labels),
        examples: examples.len(),
        train: parts.train.len(),
        validation: parts.validation.len(),
        preview: examples.iter().take(PREVIEW).map(example_text).collect(),
    })
}

fn column_names(example: Option<&Example>) -> Vec<String> {
    example.map_or_else(Vec::new, |example| {
        example.columns.keys().cloned().collect()
    })
}

fn example_text(example: &Example) -> ExampleText {
    let (targets, rejected) = match &example.answer {
        Answer::Supervised { targets } => (targets.clone(), Vec::new()),
        Answer::Preference { chosen, rejected } => (vec![chosen.clone()], rejected.clone()),
    };
    ExampleText {
        row: example.row,
        input: example.input.clone(),
        targets,
        rejected,
    }
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
        labels,
        created_at: version.created_at,
    }
}

/// Cuts a prompt at segments, placeholders and locked texts.
fn cut(
    prompt: &str,
    locked: &[String],
    max_segments: usize,
    example: Option<&Example>,
) -> PromptCheck {
    let (frozen, problem) = match locate_frozen(prompt, locked) {
        Ok(ranges) => (ranges, None),
        Err(error) => {
            let error = pmpo_core::optimize::OptimizeError::from(error);
            (Vec::new(), Some(AppError::from(error)))
        }
    };
    let plain = |text: &str| PromptPiece {
        text: text.to_owned(),
        segment: None,
        placeholder: None,
        known: true,
        locked: false,
    };
    let template = Template::parse(prompt);
    let names = column_names(example);
    let knows = |name: &str| name == "input" || names.iter().any(|known| known == name);
    let mut marks = Vec::new();
    for range in &frozen {
        let mut piece = plain(&prompt[range.clone()]);
        piece.locked = true;
        marks.push((range.clone(), piece));
    }
    for hole in template.placeholders() {
        let mut piece = plain(&prompt[hole.range.clone()]);
        piece.known = knows(&hole.name);
        piece.placeholder = Some(hole.name.clone());
        marks.push((hole.range.clone(), piece));
    }
    let segments = split_into_segments(prompt, &frozen, max_segments);
    for (number, segment) in segments.into_iter().enumerate() {
        let mut piece = plain(&segment.text);
        piece.segment = Some(number);
        marks.push((segment.range, piece));
    }
    marks.sort_by_key(|(range, _)| (range.start, std::cmp::Reverse(range.end)));
    let mut pieces = Vec::new();
    let mut from = 0;
    for (range, piece) in marks {
        // A placeholder inside locked text is part of that piece.
        if range.start < from {
            continue;
        }
        if range.start > from {
            pieces.push(plain(&prompt[from..range.start]));
        }
        from = range.end;
        pieces.push(piece);
    }
    if from < prompt.len() {
        pieces.push(plain(&prompt[from..]));
    }
    let mut unknown: Vec<String> = Vec::new();
    for hole in template.placeholders() {
        if !knows(&hole.name) && !unknown.contains(&hole.name) {
            unknown.push(hole.name.clone());
        }
    }
    PromptCheck {
        pieces,
        tokens: None,
        window: None,
        unknown,
        problem,
    }
}

#[cfg(test)]
mod tests {
    use super::cut;

    #[test]
    fn pieces_put_together_are_the_prompt() {
        let prompt = "You are {{role}}. Be kind.\n\nText: {{input}}\nAnswer:";
        let check = cut(prompt, &["Be kind.".to_owned()], 5, None);
        let whole: String = check.pieces.iter().map(|p| p.text.as_str()).collect();
        assert_eq!(whole, prompt);
        assert_eq!(check.unknown, ["role"]);
        let locked: Vec<_> = check.pieces.iter().filter(|p| p.locked).collect();
        assert_eq!(locked.len(), 1);
        assert_eq!(locked[0].text, "Be kind.");
        assert!(check.pieces.iter().any(|p| p.segment.is_some()));
        let lost = cut(prompt, &["Be rude.".to_owned()], 5, None);
        assert!(lost.problem.is_some());
    }
}
