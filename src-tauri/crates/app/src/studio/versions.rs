//! What a person notes about versions, and two of them beside each other.

use pmpo_core::loss::{bootstrap, mean};
use pmpo_core::optimize::{pair_keys, ExampleLoss, PairLoss, PromptScore};
use pmpo_core::random::generator;
use pmpo_store::{ProjectId, VersionId};

use super::projects::IN_USE;
use super::Studio;
use crate::wire::{ComparedFigures, LabelMove, Project, VersionComparison};
use crate::AppError;

const MOST_TAGS: usize = 20;
const LONGEST_WORD: usize = 40;
const LONGEST_NOTE: usize = 20_000;
/// Examples that two prompts must have in common before they are compared.
const FEWEST: usize = 2;

impl Studio {
    /// Keeps what the person notes about a version.
    pub fn annotate_version(
        &self,
        project: i64,
        version: i64,
        note: &str,
        starred: bool,
        tags: &[String],
    ) -> Result<Project, AppError> {
        if note.chars().count() > LONGEST_NOTE {
            return Err(fault(
                "The note is longer than 20,000 letters.",
                "Shorten it.",
            ));
        }
        if tags.len() > MOST_TAGS {
            return Err(fault(
                "There are more than 20 tags.",
                "Leave some out, or write them into the note.",
            ));
        }
        let tags = tags
            .iter()
            .map(|tag| word(tag))
            .collect::<Result<Vec<_>, _>>()?;
        self.own_version(project, version)?;
        self.store()
            .annotate_version(VersionId(version), note, starred, &tags)?;
        self.project(project)
    }

    /// Puts a label on a version, from wherever it was, or takes it away.
    pub fn label_version(
        &self,
        project: i64,
        name: &str,
        version: Option<i64>,
    ) -> Result<Project, AppError> {
        let name = word(name)?;
        match version {
            Some(version) => {
                self.own_version(project, version)?;
                self.store()
                    .move_label(ProjectId(project), &name, VersionId(version))?;
            }
            None if name == IN_USE => {
                return Err(fault(
                    "One version is always the one in use.",
                    "Use another version instead.",
                ));
            }
            None => {
                self.store().remove_label(ProjectId(project), &name)?;
            }
        }
        self.project(project)
    }

    /// Every move of a label, the newest first.
    pub fn label_moves(&self, project: i64) -> Result<Vec<LabelMove>, AppError> {
        let moves = self.store().label_moves(ProjectId(project))?;
        let moves = moves.into_iter().map(|one| LabelMove {
            name: one.name,
            version: one.version.map(|version| version.0),
            moved_at: one.moved_at,
        });
        Ok(moves.collect())
    }

    /// Two versions (`None`: the prompt in the editor) and what they lose on the same
    /// examples, as far as that was measured already: nothing is computed here.
    pub fn compare_versions(
        &self,
        project: i64,
        first: Option<i64>,
        second: Option<i64>,
    ) -> Result<VersionComparison, AppError> {
        let text = |version: Option<i64>| match version {
            Some(version) => self.own_version(project, version),
            None => Ok(self.draft(ProjectId(project))?.prompt),
        };
        let (first, second) = (text(first)?, text(second)?);
        let figures = self.figures(ProjectId(project), &first, &second)?;
        Ok(VersionComparison {
            first,
            second,
            figures,
        })
    }

    /// The text of a version of the project.
    fn own_version(&self, project: i64, version: i64) -> Result<String, AppError> {
        let version = self.store().version(VersionId(version))?;
        match version.project == ProjectId(project) {
            true => Ok(version.text),
            false => Err(fault(
                "This version belongs to another project.",
                "Go back.",
            )),
        }
    }

    fn figures(
        &self,
        project: ProjectId,
        first: &str,
        second: &str,
    ) -> Result<Option<ComparedFigures>, AppError> {
        let draft = self.draft(project)?;
        let model = self.model_known(draft.model_path.as_deref(), &draft.device)?;
        let store = self.store();
        let (Some(model), Some(dataset)) = (model, store.project_row(project)?.dataset) else {
            return Ok(None);
        };
        let examples = store.examples(dataset)?;
        let known = |prompt: &str| {
            let keys = pair_keys(&examples, &draft.settings, &model, prompt);
            store.recall_pairs(None, &keys)
        };
        let pairs = known(first)?.into_iter().zip(known(second)?).enumerate();
        let both: Vec<(usize, PairLoss, PairLoss)> = pairs
            .filter_map(|(at, (a, b))| Some((at, a?, b?)))
            .collect();
        if both.len() < FEWEST {
            return Ok(None);
        }
        let score = |of: fn(&(usize, PairLoss, PairLoss)) -> PairLoss| PromptScore {
            examples: both
                .iter()
                .map(|one| ExampleLoss {
                    example: one.0,
                    loss: of(one).loss,
                    correct: of(one).correct,
                    weight: examples[one.0].weight(),
                })
                .collect(),
            tokens: Default::default(),
            seconds: 0.0,
            dropped: None,
        };
        let (a, b) = (score(|one| one.1), score(|one| one.2));
        let differences: Vec<f64> = b
            .losses()
            .iter()
            .zip(a.losses())
            .map(|(b, a)| b - a)
            .collect();
        // As at the end of a run, so that the same examples give the same interval.
        let mut rng = generator(draft.settings.seed, &["bootstrap"]);
        let Some(interval) = bootstrap(&differences, draft.settings.resamples, &mut rng) else {
            return Ok(None);
        };
        Ok(Some(ComparedFigures {
            first_loss: mean(&a.losses()),
            second_loss: mean(&b.losses()),
            accuracy: a.accuracy().zip(b.accuracy()),
            verdict: interval.verdict(),
            interval,
            examples: both.len(),
            data: store.dataset(dataset)?.name,
        }))
    }
}

fn fault(message: &str, hint: &str) -> AppError {
    AppError::new("version", message, hint)
}

/// A tag or the name of a label.
fn word(text: &str) -> Result<String, AppError> {
    let text = text.trim();
    match text.is_empty() || text.chars().count() > LONGEST_WORD {
        true => Err(fault(
            "Tags and labels have between 1 and 40 letters.",
            "Shorten it.",
        )),
        false => Ok(text.to_owned()),
    }
}
