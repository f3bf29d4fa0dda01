//! Two prompts on the same examples, example by example.

use pmpo_core::dataset::{similar_examples, Answer, Example, LabelSet};
use pmpo_core::model::{ScoreItem, Surprise};
use pmpo_core::optimize::{
    compare, pair_keys, score_prompt, EvalContext, ExampleLoss, OptimizeError, Part, PromptScore,
    Settings, Task, SCORING_REVISION,
};
use pmpo_core::prompt::Prompt;
use pmpo_store::{DatasetId, ProjectId, RunId, Store, VersionId};
use tokio_util::sync::CancellationToken;

use super::chart::{theme, LARGEST, SMALLEST};
use super::Studio;
use crate::drafts::draft;
use crate::job::must_fit;
use crate::models::{ModelRef, Purpose};
use crate::scoring::{measured_examples, SharedLedger};
use crate::wire::{
    AnswerRole, AnswerTokens, ComparedFigures, ComparedGround, ComparedPrompt, ComparedRow,
    Comparison, ComparisonRequest, ExampleTokens, GroundChoice, Scatter, SegmentView, ShellEvent,
    Subject, TokenSurprise,
};
use crate::{caught_async, fault, AppError};
use pmpo_plot::{scatter_svg, ChartSize};

/// Examples that two prompts must have in common before they are compared.
const FEWEST: usize = 2;
/// Rows that a page is sent.
const MOST_ROWS: usize = 5000;
/// Letters of a text in a row.
const SHOWN: usize = 200;

/// On what prompts are compared.
struct Ground {
    name: String,
    examples: Vec<Example>,
    settings: Settings,
    /// Name of the model, where it is known without loading it.
    model: Option<String>,
    /// What losses depend on, where the model is known.
    context: Option<EvalContext>,
    named: ModelRef,
    device: String,
    /// The examples to measure.
    indices: Vec<usize>,
    /// The run that it is of, which kept losses of its own prompts.
    run: Option<RunId>,
    /// Whether these may stand beside those that are measured now: losses of an earlier
    /// revision are other numbers.
    keeps_losses: bool,
}

/// What a prompt loses on an example.
#[derive(Debug, Clone, Copy)]
struct Known {
    loss: f64,
    correct: Option<bool>,
    asked: Option<bool>,
}

impl Studio {
    /// Two prompts and what they lose on the same examples, as far as that was measured
    /// already: nothing is computed here.
    pub fn compare(&self, request: &ComparisonRequest) -> Result<Comparison, AppError> {
        let project = ProjectId(request.project);
        let (first, second) = {
            let store = self.reader()?;
            (
                self.compared(&store, project, request.first)?,
                self.compared(&store, project, request.second)?,
            )
        };
        let Some(ground) = self.ground(request)? else {
            return Ok(Comparison {
                first,
                second,
                ground: None,
                figures: None,
                missing: 0,
                rows: Vec::new(),
                rows_total: 0,
            });
        };
        let both = self.both(&ground, &first.text, &second.text)?;
        crate::panics::point("the comparison");
        // Both are in order of the examples.
        let unknown = |at: &&usize| {
            both.binary_search_by_key(*at, |(known, ..)| *known)
                .is_err()
        };
        let missing = ground.indices.iter().filter(unknown).count();
        let figures = figures(&ground, &both);
        let mut rows: Vec<ComparedRow> = both.iter().map(|one| row(&ground, one)).collect();
        let change = |row: &ComparedRow| (row.second - row.first).abs();
        rows.sort_by(|a, b| change(b).total_cmp(&change(a)).then(a.row.cmp(&b.row)));
        let rows_total = rows.len();
        rows.truncate(MOST_ROWS);
        Ok(Comparison {
            first,
            second,
            figures,
            missing,
            rows,
            rows_total,
            ground: Some(ComparedGround {
                data: ground.name,
                examples: ground.indices.len(),
                model: ground.model,
            }),
        })
    }

    /// Losses under the second prompt over losses under the first.
    pub fn scatter(
        &self,
        request: &ComparisonRequest,
        (width, height): (u32, u32),
        dark: bool,
    ) -> Result<Scatter, AppError> {
        // The very points that the list beside it names.
        let found = self.compare(request)?;
        let points: Vec<(f64, f64)> = found.rows.iter().map(|r| (r.first, r.second)).collect();
        let size = ChartSize {
            width: width.clamp(SMALLEST, LARGEST),
            height: height.clamp(SMALLEST, LARGEST),
        };
        let (svg, geometry) = scatter_svg(&points, size, theme(dark))?;
        Ok(Scatter {
            svg,
            frame: geometry.into(),
        })
    }

    /// Measures what is missing for a comparison, and compares. Pairs that are known
    /// are not scored again.
    pub async fn measure_comparison(
        &self,
        request: &ComparisonRequest,
    ) -> Result<Comparison, AppError> {
        let cancel = CancellationToken::new();
        let result = match self.measurer.begin(ProjectId(request.project), &cancel) {
            Ok(_busy) => caught_async(self.measure_both(request, &cancel)).await,
            Err(error) => return Err(error),
        };
        self.tell(ShellEvent::Measured {
            project: request.project,
            error: None,
        });
        result?;
        self.compare(request)
    }

    async fn measure_both(
        &self,
        request: &ComparisonRequest,
        cancel: &CancellationToken,
    ) -> Result<(), AppError> {
        let project = ProjectId(request.project);
        // What is measured stays as it is from now on.
        self.store().close_examples(project)?;
        let texts = {
            let store = self.reader()?;
            let text = |of| self.subject(&store, project, of).map(|(text, _)| text);
            [text(request.first)?, text(request.second)?]
        };
        let ground = self.ground(request)?.ok_or_else(no_data)?;
        let (named, device) = (&ground.named, &ground.device);
        let model = self
            .models
            .acquire(named, device, Purpose::Measuring)
            .await?;
        if let Some(run) = ground.run {
            let fits = {
                let store = self.reader()?;
                must_fit(&store, &store.run(run)?, model.description())
            };
            if let Err(why) = fits {
                drop(model);
                // The next attempt looks for the device anew.
                self.models.forget().await;
                return Err(match why.code {
                    "other_device" => fault!("other_device.comparing", why = why.told),
                    _ => why,
                });
            }
        }
        self.store()
            .add_model(model.description(), &named.to_string())?;
        for (nth, prompt) in texts.into_iter().enumerate() {
            let task = Task {
                prompt,
                description: String::new(),
                examples: ground.examples.clone(),
                frozen: Vec::new(),
                looks: 0,
                split: None,
                earlier: None,
            };
            let ledger = &mut SharedLedger(self.database.writer());
            let told = &mut |done: usize, total: usize| {
                self.tell(ShellEvent::Measuring {
                    project: request.project,
                    done: nth * total + done,
                    total: 2 * total,
                });
            };
            let (indices, settings) = (&ground.indices, &ground.settings);
            score_prompt(&task, indices, settings, &*model, ledger, cancel, told).await?;
        }
        self.tables.forget();
        Ok(())
    }

    /// An example's answers token by token under both prompts.
    pub async fn compare_tokens(
        &self,
        request: &ComparisonRequest,
        example: usize,
    ) -> Result<ExampleTokens, AppError> {
        self.must_not_be_running()?;
        let project = ProjectId(request.project);
        let texts = {
            let store = self.reader()?;
            let text = |of| self.subject(&store, project, of).map(|(text, _)| text);
            [text(request.first)?, text(request.second)?]
        };
        let ground = self.ground(request)?.ok_or_else(no_data)?;
        let gone = || fault!("version.no_example");
        let row = ground.examples.get(example).ok_or_else(gone)?;
        let answers = answers(row, LabelSet::detect(&ground.examples));
        let model = self
            .models
            .acquire(&ground.named, &ground.device, Purpose::Scoring)
            .await?;
        let mut items = Vec::with_capacity(2 * answers.len());
        for text in &texts {
            let has_template = model.description().has_chat_template;
            let conversation = Prompt::parse(text)
                .render(&row.input, &row.columns, has_template)
                .map_err(OptimizeError::from)?;
            items.extend(answers.iter().map(|(_, answer)| ScoreItem {
                conversation: conversation.clone(),
                answer: answer.clone(),
                end_of_turn: ground.settings.end_of_turn,
            }));
        }
        let mut told = model.surprises(&items, &CancellationToken::new()).await?;
        let second = told.split_off(answers.len());
        let pieces = |pieces: Vec<Surprise>| {
            let piece = |one: Surprise| TokenSurprise {
                text: one.text,
                nats: one.nats,
            };
            pieces.into_iter().map(piece).collect()
        };
        let answers = answers.into_iter().zip(told).zip(second);
        Ok(ExampleTokens {
            row: row.row,
            input: row.input.clone(),
            answers: answers
                .map(|(((role, text), first), second)| AnswerTokens {
                    role,
                    text,
                    first: pieces(first),
                    second: pieces(second),
                })
                .collect(),
        })
    }

    /// The text of a prompt, and the name of the run that it stands for.
    fn subject(
        &self,
        store: &Store,
        project: ProjectId,
        subject: Subject,
    ) -> Result<(String, Option<String>), AppError> {
        match subject {
            Subject::Draft => Ok((draft(store, project)?.prompt, None)),
            Subject::Version { id } => {
                let version = store.version(VersionId(id))?;
                match version.project == project {
                    true => Ok((version.text, None)),
                    false => Err(fault!("version.foreign")),
                }
            }
            // Runs of other projects may be compared: their prompts are scored anew.
            Subject::RunStart { run } => {
                let row = store.run(RunId(run))?;
                Ok((store.version(row.start_version)?.text, Some(row.name)))
            }
            Subject::RunBest { run } => {
                let row = store.run(RunId(run))?;
                let text = match store.best_text(row.id)? {
                    Some(text) => text,
                    None => store.version(row.start_version)?.text,
                };
                Ok((text, Some(row.name)))
            }
        }
    }

    fn compared(
        &self,
        store: &Store,
        project: ProjectId,
        subject: Subject,
    ) -> Result<ComparedPrompt, AppError> {
        let (text, run_name) = self.subject(store, project, subject)?;
        let found = store.findings_of(project, &text)?;
        let segments_run = match &found {
            Some((run, ..)) => Some(store.run(*run)?.name),
            None => None,
        };
        Ok(ComparedPrompt {
            version: store.version_of(project, &text)?,
            segments: found.map(|(_, step, candidate, findings)| {
                SegmentView::new(step, candidate, &text, &findings)
            }),
            segments_run,
            run_name,
            text,
        })
    }

    fn ground(&self, request: &ComparisonRequest) -> Result<Option<Ground>, AppError> {
        match request.ground {
            GroundChoice::Project => {
                let project = ProjectId(request.project);
                let store = self.reader()?;
                let draft = draft(&store, project)?;
                let named = draft.scorer();
                let model = self.models.known(&store, &named, &draft.device)?;
                let Some(dataset) = store.project_row(project)?.dataset else {
                    return Ok(None);
                };
                let (name, examples) = examples(&store, dataset)?;
                let indices = measured_examples(&examples, &draft.settings);
                let context = model
                    .as_ref()
                    .map(|model| EvalContext::new(model, &draft.settings));
                Ok(Some(Ground {
                    name,
                    examples,
                    indices,
                    context,
                    settings: draft.settings,
                    model: model.map(|model| model.name),
                    named,
                    device: draft.device,
                    run: None,
                    keeps_losses: false,
                }))
            }
            GroundChoice::Run { run } => {
                let store = self.reader()?;
                let row = store.run(RunId(run))?;
                let revision = row.context.revision;
                let model = store.model(row.model)?;
                let (name, examples) = examples(&store, row.dataset)?;
                let indices = match &row.split {
                    Some(split) => {
                        let mut all = split.train.clone();
                        all.extend(&split.validation);
                        all.sort_unstable();
                        all
                    }
                    None => measured_examples(&examples, &row.settings),
                };
                Ok(Some(Ground {
                    name,
                    examples,
                    indices,
                    settings: row.settings,
                    named: ModelRef::from(model.path.as_str()),
                    model: Some(model.description.name),
                    // On the run's own device. Losses of an earlier revision have other
                    // names; the run keeps its own.
                    context: Some(EvalContext {
                        revision: SCORING_REVISION,
                        ..row.context
                    }),
                    device: draft(&store, row.project)?.device,
                    run: Some(row.id),
                    keeps_losses: revision == SCORING_REVISION,
                }))
            }
        }
    }

    /// Examples that were measured with both prompts.
    fn both(
        &self,
        ground: &Ground,
        first: &str,
        second: &str,
    ) -> Result<Vec<(usize, Known, Known)>, AppError> {
        let store = self.reader()?;
        let first = known(&store, ground, first)?;
        let second = known(&store, ground, second)?;
        let pairs = first.into_iter().zip(second).enumerate();
        Ok(pairs
            .filter_map(|(at, (a, b))| Some((at, a?, b?)))
            .collect())
    }

    fn must_not_be_running(&self) -> Result<(), AppError> {
        match self.active_run().is_some() {
            true => Err(fault!("busy.needs_model")),
            false => Ok(()),
        }
    }
}

/// The losses of a prompt on all examples of a ground, as far as they are known.
fn known(store: &Store, ground: &Ground, prompt: &str) -> Result<Vec<Option<Known>>, AppError> {
    let mut out: Vec<Option<Known>> = vec![None; ground.examples.len()];
    // What the run itself kept, whatever its pairs are called.
    if let Some(run) = ground.run.filter(|_| ground.keeps_losses) {
        for ordinal in store.candidates_with(run, prompt)? {
            for part in [Part::Train, Part::Validation] {
                let score = store.score(run, ordinal, part)?;
                for one in score.iter().flat_map(|score| &score.examples) {
                    if let Some(place) = out.get_mut(one.example) {
                        *place = Some(Known {
                            loss: one.loss,
                            correct: one.correct,
                            asked: one.asked,
                        });
                    }
                }
            }
        }
    }
    if let Some(context) = &ground.context {
        let keys = pair_keys(&ground.examples, &ground.settings, context, prompt);
        for (place, pair) in out.iter_mut().zip(store.recall_pairs(None, &keys)?) {
            if let Some(pair) = pair {
                *place = Some(Known {
                    loss: pair.loss,
                    correct: pair.correct,
                    asked: pair.asked,
                });
            }
        }
    }
    Ok(out)
}

fn figures(ground: &Ground, both: &[(usize, Known, Known)]) -> Option<ComparedFigures> {
    if both.len() < FEWEST {
        return None;
    }
    let score = |of: fn(&(usize, Known, Known)) -> Known| PromptScore {
        examples: both
            .iter()
            .map(|one| ExampleLoss {
                correct: of(one).correct,
                asked: of(one).asked,
                weight: ground.examples[one.0].weight(),
                ..ExampleLoss::of(one.0, of(one).loss)
            })
            .collect(),
        tokens: Default::default(),
        seconds: 0.0,
        dropped: None,
    };
    let (a, b) = (score(|one| one.1), score(|one| one.2));
    let groups = similar_examples(both.iter().map(|one| &ground.examples[one.0]));
    let found = compare(&a, &b, &groups, 0);
    Some(ComparedFigures {
        first_loss: found.start_loss,
        second_loss: found.best_loss,
        accuracy: found.accuracy,
        asked: found.asked,
        choices: found.choices,
        verdict: found.verdict,
        interval: found.interval?,
        examples: both.len(),
        data: ground.name.clone(),
    })
}

fn row(ground: &Ground, &(at, first, second): &(usize, Known, Known)) -> ComparedRow {
    let example = &ground.examples[at];
    ComparedRow {
        example: at,
        row: example.row,
        input: shown(&example.input),
        target: shown(example.answer.best()),
        first: first.loss,
        second: second.loss,
        first_correct: first.correct,
        second_correct: second.correct,
    }
}

fn shown(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// The answers of an example with what they are, the right one first.
fn answers(example: &Example, labels: Option<LabelSet>) -> Vec<(AnswerRole, String)> {
    let right = example.answer.best().to_owned();
    let mut out = vec![(AnswerRole::Right, right)];
    match (&example.answer, labels) {
        (Answer::Supervised { targets }, labels) => {
            let also = targets.iter().skip(1).cloned();
            out.extend(also.map(|text| (AnswerRole::AlsoRight, text)));
            let wrong = labels.into_iter().flat_map(|set| set.labels);
            let wrong = wrong.filter(|label| !targets.contains(label));
            out.extend(wrong.map(|text| (AnswerRole::Wrong, text)));
        }
        (Answer::Preference { rejected, .. }, _) => {
            let wrong = rejected.iter().cloned();
            out.extend(wrong.map(|text| (AnswerRole::Wrong, text)));
        }
    }
    out
}

fn examples(store: &Store, id: DatasetId) -> Result<(String, Vec<Example>), AppError> {
    Ok((store.dataset(id)?.name, store.examples(id)?))
}

fn no_data() -> AppError {
    fault!("no_data.none")
}
