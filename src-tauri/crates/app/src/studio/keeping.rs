//! Prompts from and to files, stories of versions, backups, and the database itself.

use std::collections::HashSet;
use std::path::Path;

use pmpo_core::optimize::{pair_keys, EvalContext, Origin, PairKey, Settings};
use pmpo_core::prompt::{Columns, Conversation, Prompt, Template};
use pmpo_store::{CandidateRow, DatasetId, ProjectId, RunId, Version, VersionId};

use super::runs::BIN;
use super::Studio;
use crate::drafts::{draft, keep_draft};
use crate::error::unexpected;
use crate::patience::{patiently, OF_A_MEASUREMENT};
use crate::prompt_file;
use crate::versions;
use crate::wire::{Project, StorageInfo, StoryChange, VersionFormat, VersionOrigin, VersionStory};
use crate::{fault, keep_written, version_card, AppError};

impl Studio {
    /// Reads a prompt from a file: it becomes a version and the prompt in the editor.
    /// What was in the editor becomes a version too, so that nothing is lost.
    pub fn import_prompt(&self, project: i64, path: &str) -> Result<Project, AppError> {
        let path = Path::new(path.trim());
        let text = prompt_file::read(path)?;
        let id = ProjectId(project);
        let file = path.file_name().map(|name| name.to_string_lossy());
        let origin = VersionOrigin::Imported {
            file: file.map_or_else(String::new, std::borrow::Cow::into_owned),
        };
        {
            let mut store = self.store();
            let mut draft = draft(&store, id)?;
            if !draft.prompt.trim().is_empty() {
                keep_written(&mut store, id, &draft.prompt)?;
            }
            versions::keep(&mut store, id, &text, &origin)?;
            draft.locked.retain(|locked| text.contains(locked));
            draft.prompt = text;
            keep_draft(&mut store, id, &draft)?;
        }
        self.project(project)
    }

    /// A version as a file.
    pub fn export_version(
        &self,
        project: i64,
        version: i64,
        format: VersionFormat,
    ) -> Result<Vec<u8>, AppError> {
        let version = self.own_version(project, version)?;
        match format {
            // As every program can take it, and as this one reads it back.
            VersionFormat::Txt => {
                Ok(format!("{}\n", Prompt::parse(&version.text).as_text()).into_bytes())
            }
            VersionFormat::Messages => messages(&version.text),
            VersionFormat::Code => Ok(code(&version.text)?.into_bytes()),
            VersionFormat::Card => {
                let name = self.reader()?.project_row(ProjectId(project))?.name;
                let figures = self.measurements(project)?;
                Ok(version_card(&name, &version, &figures).into_bytes())
            }
        }
    }

    /// How a run came to a version; `None` for one that no run made.
    pub fn version_story(
        &self,
        project: i64,
        version: i64,
    ) -> Result<Option<VersionStory>, AppError> {
        let version = self.own_version(project, version)?;
        let origin = serde_json::from_value(version.origin.clone()).ok();
        let Some(VersionOrigin::Run { run, candidate }) = origin else {
            return Ok(None);
        };
        let store = self.reader()?;
        let Ok(row) = store.run(RunId(run)) else {
            // The run was deleted; the version stays.
            return Ok(Some(VersionStory {
                run: None,
                run_name: String::new(),
                from: parent_number(&store, &version)?,
                changes: Vec::new(),
            }));
        };
        let candidates = store.candidates(row.id)?;
        let find = |ordinal: u32| {
            candidates
                .iter()
                .find(|one| one.candidate.ordinal == ordinal)
        };
        let mut way: Vec<&CandidateRow> = Vec::new();
        let mut next = find(candidate);
        while let Some(one) = next.filter(|one| one.candidate.ordinal > 0) {
            way.push(one);
            // Parents come before their children: no file can make this go round.
            let parent = one.candidate.parent;
            next = parent.filter(|p| *p < one.candidate.ordinal).and_then(find);
        }
        way.reverse();
        let examples = store.examples(row.dataset)?;
        let changes = way.into_iter().map(|one| {
            let indices = match &one.candidate.origin {
                Origin::Rewrite { example, .. } => vec![*example],
                Origin::Demonstrations { examples } => examples.clone(),
                _ => Vec::new(),
            };
            let known = indices.iter().filter_map(|at| examples.get(*at));
            StoryChange {
                step: one.candidate.step,
                candidate: one.candidate.ordinal,
                origin: one.candidate.origin.clone(),
                examples: known.map(Into::into).collect(),
                loss: one.train.map(|score| score.loss),
            }
        });
        Ok(Some(VersionStory {
            run: Some(run),
            run_name: row.name.clone(),
            from: Some(store.version(row.start_version)?.number),
            changes: changes.collect(),
        }))
    }

    /// Writes a project into one file.
    pub fn back_up(&self, project: i64, to: &Path, with_data: bool) -> Result<(), AppError> {
        let id = ProjectId(project);
        let pairs = self.measured_pairs(id)?;
        crate::panics::point("the backup");
        Ok(self.store().back_up(id, to, with_data, &pairs)?)
    }

    /// A file name for a project's backup.
    pub fn backup_name(&self, project: i64) -> Result<String, AppError> {
        let name = self.reader()?.project_row(ProjectId(project))?.name;
        let plain = name
            .chars()
            .map(|c| if c.is_alphanumeric() { c } else { '-' });
        let plain: String = plain.take(60).collect();
        let plain = plain.trim_matches('-');
        Ok(match plain.is_empty() {
            true => format!("project-{project}.pmpo"),
            false => format!("{plain}.pmpo"),
        })
    }

    /// Number of a version within its project.
    pub fn version_number(&self, project: i64, version: i64) -> Result<i64, AppError> {
        Ok(self.own_version(project, version)?.number)
    }

    /// Pairs that measurements outside runs rest on, so that a backup compares as before.
    fn measured_pairs(&self, project: ProjectId) -> Result<Vec<PairKey>, AppError> {
        let store = self.reader()?;
        let settings = draft(&store, project)?.settings;
        let mut keys = Vec::new();
        // Many versions on few states of the data, each of which is read once.
        let mut measurements = store.measurements(project)?;
        measurements.sort_by_key(|measured| measured.dataset.0);
        for same in measurements.chunk_by(|a, b| a.dataset == b.dataset) {
            let examples = store.examples(same[0].dataset)?;
            for measured in same {
                let text = store.version(measured.version)?.text;
                // Measurements of earlier versions noted the model alone.
                let context = match &measured.context {
                    Some(known) => known.clone(),
                    None => EvalContext::new(&store.model(measured.model)?.description, &settings),
                };
                keys.extend(pair_keys(&examples, &settings, &context, &text));
            }
        }
        Ok(keys)
    }

    /// Brings back the projects of a backup; the first one is shown.
    pub fn bring_back(&self, path: &str) -> Result<Project, AppError> {
        let brought = self.store().bring_back(Path::new(path.trim()))?;
        self.forget_curves();
        self.tables.forget();
        let nothing = || fault!("backup.nothing");
        self.project(brought.first().ok_or_else(nothing)?.0)
    }

    /// The database and what it takes.
    pub fn storage(&self) -> Result<StorageInfo, AppError> {
        let store = self.reader()?;
        let size = store.size()?;
        Ok(StorageInfo {
            path: store.path().display().to_string(),
            bytes: size.bytes,
            free_bytes: size.free_bytes,
            binned: store.binned()?,
        })
    }

    /// What is wrong with the database, in its own words; nothing where it is whole.
    pub fn check_storage(&self) -> Result<Vec<String>, AppError> {
        Ok(self.reader()?.check()?)
    }

    /// Empties the bin, forgets losses that nothing refers to any more, and writes the
    /// database anew without holes.
    pub fn compact_storage(&self) -> Result<StorageInfo, AppError> {
        self.store().empty_bin(i64::MAX)?;
        // A run that is not at its end takes losses that were there when it began, and what
        // is measured now refers to losses only when it is done.
        let open = self
            .reader()?
            .runs()?
            .iter()
            .any(|run| run.outcome.is_none());
        let at_rest = self.must_be_idle().is_ok() && !open;
        if let Some(kept) = self.referred_pairs()?.filter(|_| at_rest) {
            self.store().collect_pairs(&kept)?;
        }
        // Readers of our own hold it up for seconds at most.
        let compacted = patiently(OF_A_MEASUREMENT, || self.store().compact(), || true);
        self.tables.forget();
        compacted?;
        self.storage()
    }

    /// Pairs outside runs that somebody may look at again: those that measurements rest on,
    /// and the prompts of each project, in the editor and as versions, on the examples in
    /// use as they would be measured now and on those of each run. None where it is not
    /// known of some how they were measured.
    fn referred_pairs(&self) -> Result<Option<HashSet<PairKey>>, AppError> {
        let mut kept = HashSet::new();
        let projects = self.reader()?.projects()?;
        for project in projects {
            let (grounds, texts) = {
                let store = self.reader()?;
                let draft = draft(&store, project.id)?;
                let model = self.models.known(&store, &draft.scorer(), &draft.device)?;
                let measurements = store.measurements(project.id)?;
                let runs = store.runs_of(project.id)?;
                let mut grounds: Vec<(DatasetId, Settings, EvalContext)> = Vec::new();
                for measured in measurements {
                    let Some(context) = measured.context else {
                        return Ok(None);
                    };
                    grounds.push((measured.dataset, draft.settings.clone(), context));
                }
                for run in runs {
                    grounds.push((run.dataset, run.settings, run.context));
                }
                if let Some(dataset) = project.dataset {
                    let Some(model) = model else {
                        return Ok(None);
                    };
                    let context = EvalContext::new(&model, &draft.settings);
                    grounds.push((dataset, draft.settings.clone(), context));
                }
                let versions = store.versions(project.id)?.into_iter();
                let mut texts: Vec<String> = versions.map(|version| version.text).collect();
                texts.push(draft.prompt);
                (grounds, texts)
            };
            let mut seen = HashSet::new();
            for (dataset, settings, context) in grounds {
                if !seen.insert((dataset.0, context.id())) {
                    continue;
                }
                let examples = self.reader()?.examples(dataset)?;
                for text in &texts {
                    kept.extend(pair_keys(&examples, &settings, &context, text));
                }
            }
        }
        Ok(Some(kept))
    }

    /// Deletes what has been in the bin for long.
    pub(super) fn empty_old_bin(&self) -> Result<(), AppError> {
        let now = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .map_or(0, |time| time.as_millis() as i64);
        self.store().empty_bin(now - BIN)?;
        Ok(())
    }
}

fn parent_number(store: &pmpo_store::Store, version: &Version) -> Result<Option<i64>, AppError> {
    let parent: Option<VersionId> = version.parent;
    Ok(match parent {
        Some(parent) => Some(store.version(parent)?.number),
        None => None,
    })
}

/// Messages as OpenAI's interface takes them, as the prompt was measured: a prompt
/// without a place for the input is the system's message, and the input the user's;
/// demonstrations are messages before it. Places for columns stay as they are.
fn turns(document: &str) -> Result<serde_json::Value, AppError> {
    let prompt = Prompt::parse(document);
    let places = Template::parse(&prompt.text);
    let columns: Columns = places
        .placeholders()
        .iter()
        .map(|place| {
            (
                place.name.clone(),
                prompt.text[place.range.clone()].to_owned(),
            )
        })
        .collect();
    let turns = match prompt.render("{{input}}", &columns, true) {
        Ok(Conversation::Chat { turns }) => turns,
        Ok(Conversation::Text { .. }) => Vec::new(),
        Err(error) => return Err(unexpected(error)),
    };
    let messages = turns
        .iter()
        .map(|turn| serde_json::json!({ "role": turn.role, "content": turn.text }));
    Ok(messages.collect())
}

fn messages(document: &str) -> Result<Vec<u8>, AppError> {
    let value = serde_json::json!({ "messages": turns(document)? });
    let mut out = serde_json::to_vec_pretty(&value).map_err(unexpected)?;
    out.push(b'\n');
    Ok(out)
}

/// A function in Python that makes the messages for an input.
fn code(document: &str) -> Result<String, AppError> {
    let text = Prompt::parse(document).text;
    let template = Template::parse(&text);
    let mut names: Vec<&str> = template.names();
    names.dedup();
    let others: Vec<&&str> = names.iter().filter(|name| **name != "input").collect();
    // JSON texts are Python texts too.
    let shown = serde_json::to_string_pretty(&turns(document)?).map_err(unexpected)?;
    let mut out =
        String::from("# Messages for any service with an OpenAI-compatible interface.\n\n");
    out.push_str(&format!("MESSAGES = {shown}\n\n\n"));
    out.push_str("def messages(input, **columns):\n");
    out.push_str("    \"\"\"The messages that ask about one input");
    if !others.is_empty() {
        let list: Vec<String> = others.iter().map(|name| (**name).to_owned()).collect();
        out.push_str(&format!("; columns: {}", list.join(", ")));
    }
    out.push_str(".\"\"\"\n");
    out.push_str(
        "    values = {\"input\": input, **columns}\n    last = MESSAGES[-1][\"content\"]\n    \
         for name, value in values.items():\n        last = last.replace(\"{{\" + name + \"}}\", value)\n    \
         return MESSAGES[:-1] + [{\"role\": \"user\", \"content\": last}]\n",
    );
    Ok(out)
}
