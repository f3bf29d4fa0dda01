use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::time::Instant;

use tokio_util::sync::CancellationToken;

use crate::dataset::Example;
use crate::loss::{bootstrap, mean, Verdict};
use crate::model::{GenerateRequest, Generated, LanguageModel, ModelError, TokenCount};
use crate::prompt::{locate_frozen, Conversation, Segment, Template};
use crate::random::{derived_seed, generator};
use crate::rewrite::{language, Language, LeakGuard};

use super::evaluate::Evaluator;
use super::pairs::PairKeys;
use super::plan::{plan, prompt_tokens, step_tokens, OptimizeError, Plan, Task};
use super::{
    Activity, Candidate, Estimate, GenerationKey, Journal, Origin, Outcome, Part, PromptScore,
    Refusal, RunEvent, SegmentFinding, Settings, StopReason, Validation,
};

/// A scored prompt that may be the incumbent.
#[derive(Debug, Clone)]
pub(super) struct Scored {
    pub(super) candidate: Candidate,
    pub(super) score: PromptScore,
}

/// A proposal that was not scored yet.
pub(super) struct Proposal {
    pub(super) text: String,
    pub(super) origin: Origin,
    /// Indices of the examples that the prompt shows.
    pub(super) shown: Vec<usize>,
}

/// One run; its parts are in `measure.rs` and `steps.rs`.
pub(super) struct Run<'a> {
    pub(super) task: &'a Task,
    pub(super) settings: &'a Settings,
    pub(super) scorer: &'a dyn LanguageModel,
    pub(super) rewriter: &'a dyn LanguageModel,
    pub(super) evaluator: Evaluator<'a>,
    pub(super) keys: PairKeys,
    pub(super) plan: Plan,
    pub(super) description: String,
    pub(super) language: Language,
    leak: LeakGuard,
    start_tokens: usize,
    pub(super) journal: &'a mut dyn Journal,
    pub(super) cancel: &'a CancellationToken,
    next: u32,
    pub(super) step: u32,
    /// Every proposal so far, and the start prompt.
    tried: HashSet<String>,
    /// Training losses of all prompts that were scored whole.
    pub(super) whole: Vec<Vec<f64>>,
    /// Demonstrations in each scored candidate.
    pub(super) shown: HashMap<u32, Vec<usize>>,
    done: TokenCount,
    seconds: f64,
    pub(super) findings: Vec<SegmentFinding>,
    pub(super) analysed: Option<u32>,
}

/// Runs the optimisation to its end (paper, algorithm 1).
///
/// With a journal that already holds the beginning of this very run, the
/// beginning is repeated from it and the run goes on to the same end.
///
/// # Errors
/// What makes the start impossible, or a failure of the model or the journal.
/// A cancel after the start prompt was scored is an [`Outcome`], not an error.
pub async fn optimize(
    task: &Task,
    settings: &Settings,
    scorer: &dyn LanguageModel,
    rewriter: &dyn LanguageModel,
    journal: &mut dyn Journal,
    cancel: &CancellationToken,
) -> Result<Outcome, OptimizeError> {
    let plan = plan(task, settings, scorer).await?;
    let train: Vec<Example> = plan
        .split
        .train
        .iter()
        .map(|&i| task.examples[i].clone())
        .collect();
    let evaluator = Evaluator {
        examples: &task.examples,
        labels: plan.labels.clone(),
        settings,
        has_chat_template: scorer.description().has_chat_template,
    };
    let seen: Vec<&Example> = train.iter().collect();
    let language = language(&task.prompt, &seen);
    let description = if task.description.trim().is_empty() {
        crate::rewrite::task_description(&seen, plan.labels.as_ref(), language)
    } else {
        task.description.trim().to_owned()
    };
    let run = Run {
        task,
        settings,
        scorer,
        rewriter,
        keys: PairKeys::new(&evaluator, scorer.description()),
        evaluator,
        description,
        language,
        // The guard covers all examples: copying a held-out one would spoil the check.
        leak: LeakGuard::new(&task.examples, &task.prompt, settings.leak_words),
        start_tokens: prompt_tokens(&task.prompt, task.examples.first(), scorer).await?,
        plan,
        journal,
        cancel,
        next: 0,
        step: 0,
        tried: HashSet::from([task.prompt.clone()]),
        whole: Vec::new(),
        shown: HashMap::new(),
        done: TokenCount::default(),
        seconds: 0.0,
        findings: Vec::new(),
        analysed: None,
    };
    run.finish().await
}

impl Run<'_> {
    async fn finish(mut self) -> Result<Outcome, OptimizeError> {
        if !self.plan.left_out.is_empty() {
            let examples = self.plan.left_out.clone();
            self.journal.record(&RunEvent::LeftOut { examples })?;
        }
        self.busy(Activity::Start)?;
        let candidate = self.candidate(self.task.prompt.clone(), Origin::Start, None);
        let start = self.score(candidate, Part::Train).await?;
        let mut incumbent = start.clone();
        let mut idle = 0;
        let mut reason = StopReason::Steps;
        for step in 1..=self.settings.steps as u32 {
            self.step = step;
            let (winner, stop) = match self.one_step(&incumbent).await {
                Ok(done) => done,
                Err(OptimizeError::Model(ModelError::Cancelled)) => {
                    reason = StopReason::Cancelled;
                    break;
                }
                Err(other) => return Err(other),
            };
            let improved = winner.is_some();
            incumbent = winner.unwrap_or(incumbent);
            self.journal.record(&RunEvent::StepDone {
                step,
                incumbent: incumbent.candidate.ordinal,
                loss: incumbent.score.loss(),
                improved,
            })?;
            idle = if improved { 0 } else { idle + 1 };
            if let Some(budget) = stop {
                reason = budget;
                break;
            }
            if self.settings.patience > 0 && idle >= self.settings.patience {
                reason = StopReason::Patience;
                break;
            }
        }
        let mut validation = None;
        if reason != StopReason::Cancelled {
            validation = match self.validate(&start, &incumbent).await {
                Ok(found) => found,
                Err(OptimizeError::Model(ModelError::Cancelled)) => {
                    reason = StopReason::Cancelled;
                    None
                }
                Err(other) => return Err(other),
            };
        }
        let outcome = Outcome {
            reason,
            best: incumbent.candidate.ordinal,
            start_loss: start.score.loss(),
            best_loss: incumbent.score.loss(),
            validation,
        };
        self.journal.record(&RunEvent::Finished {
            outcome: outcome.clone(),
        })?;
        Ok(outcome)
    }

    /// Compares start and best on examples that chose nothing.
    async fn validate(
        &mut self,
        start: &Scored,
        best: &Scored,
    ) -> Result<Option<Validation>, OptimizeError> {
        if self.plan.split.validation.is_empty() {
            return Ok(None);
        }
        self.busy(Activity::Validation)?;
        let before = self
            .score(start.candidate.clone(), Part::Validation)
            .await?
            .score;
        let after = self
            .score(best.candidate.clone(), Part::Validation)
            .await?
            .score;
        let differences: Vec<f64> = after
            .losses()
            .iter()
            .zip(before.losses())
            .map(|(after, before)| after - before)
            .collect();
        let mut rng = generator(self.settings.seed, &["bootstrap"]);
        let interval = bootstrap(&differences, self.settings.resamples, &mut rng);
        Ok(Some(Validation {
            start_loss: mean(&before.losses()),
            best_loss: mean(&after.losses()),
            interval,
            verdict: interval.map_or(Verdict::NoClearDifference, |i| i.verdict()),
            accuracy: before.accuracy().zip(after.accuracy()),
            examples: differences.len(),
        }))
    }

    /// Gives a text the next number.
    pub(super) fn candidate(
        &mut self,
        text: String,
        origin: Origin,
        parent: Option<u32>,
    ) -> Candidate {
        let ordinal = self.next;
        self.next += 1;
        Candidate {
            ordinal,
            step: self.step,
            parent,
            origin,
            text,
        }
    }

    /// Lets the model write, or takes the text from the journal.
    pub(super) async fn generate(
        &mut self,
        purpose: String,
        conversation: Conversation,
        stop: Vec<String>,
        temperature: f64,
        max_tokens: usize,
    ) -> Result<String, OptimizeError> {
        let key = GenerationKey {
            step: self.step,
            purpose,
        };
        let (generated, seconds) = match self.journal.recall_generated(&key)? {
            Some(found) => found,
            None => {
                let step = self.step.to_string();
                let request = GenerateRequest {
                    conversation,
                    temperature,
                    top_p: self.settings.top_p,
                    seed: derived_seed(self.settings.seed, &["write", &step, &key.purpose]),
                    max_tokens,
                    stop,
                };
                let clock = Instant::now();
                let written: Generated = self.rewriter.generate(&request, self.cancel).await?;
                (written, clock.elapsed().as_secs_f64())
            }
        };
        self.spent(generated.tokens, seconds);
        self.journal.record(&RunEvent::Generated {
            key,
            generated: generated.clone(),
            seconds,
        })?;
        self.progress()?;
        Ok(generated.text)
    }

    /// Numbers a proposal for the race, or records why it does not run.
    pub(super) async fn consider(
        &mut self,
        proposal: Proposal,
        incumbent: &Scored,
    ) -> Result<Option<Candidate>, OptimizeError> {
        let refusal = self.refusal(&proposal).await?;
        let parent = Some(incumbent.candidate.ordinal);
        let candidate = self.candidate(proposal.text, proposal.origin, parent);
        if let Some(refusal) = refusal {
            self.journal
                .record(&RunEvent::Refused { candidate, refusal })?;
            return Ok(None);
        }
        self.tried.insert(candidate.text.clone());
        self.shown.insert(candidate.ordinal, proposal.shown);
        Ok(Some(candidate))
    }

    async fn refusal(&self, proposal: &Proposal) -> Result<Option<Refusal>, OptimizeError> {
        let text = &proposal.text;
        if !text.contains(char::is_alphanumeric) {
            return Ok(Some(Refusal::Empty));
        }
        if self.tried.contains(text) {
            return Ok(Some(Refusal::Repeated));
        }
        let names = |prompt: &str| -> Vec<String> {
            Template::parse(prompt)
                .names()
                .into_iter()
                .map(str::to_owned)
                .collect()
        };
        if names(text) != names(&self.task.prompt) {
            return Ok(Some(Refusal::Placeholders));
        }
        if locate_frozen(text, &self.task.frozen).is_err() {
            return Ok(Some(Refusal::Frozen));
        }
        let shown: Vec<&Example> = proposal
            .shown
            .iter()
            .map(|&i| &self.task.examples[i])
            .collect();
        if let Some(words) = self.leak.copied(text, &shown) {
            return Ok(Some(Refusal::Leak { words }));
        }
        let tokens = prompt_tokens(text, self.task.examples.first(), self.scorer).await?;
        if tokens > self.start_tokens + self.plan.margin {
            return Ok(Some(Refusal::TooLong));
        }
        Ok(None)
    }

    /// Where the locked texts are in a prompt that holds them all.
    pub(super) fn frozen_in(&self, prompt: &str) -> Vec<Range<usize>> {
        locate_frozen(prompt, &self.task.frozen).unwrap_or_default()
    }

    pub(super) fn record_findings(
        &mut self,
        incumbent: &Scored,
        findings: Vec<SegmentFinding>,
    ) -> Result<(), OptimizeError> {
        self.journal.record(&RunEvent::Analysed {
            step: self.step,
            candidate: incumbent.candidate.ordinal,
            findings: findings.clone(),
        })?;
        self.analysed = Some(incumbent.candidate.ordinal);
        self.findings = findings;
        Ok(())
    }

    /// The units found by the last analysis.
    pub(super) fn segments(&self) -> Vec<Segment> {
        self.findings
            .iter()
            .map(|finding| finding.segment.clone())
            .collect()
    }

    /// The budget that is used up, if any.
    pub(super) fn exhausted(&self) -> Option<StopReason> {
        if self
            .settings
            .max_tokens
            .is_some_and(|most| self.done.computed >= most)
        {
            return Some(StopReason::TokenBudget);
        }
        let minutes = self.seconds / 60.0;
        self.settings
            .max_minutes
            .is_some_and(|most| minutes >= most)
            .then_some(StopReason::TimeBudget)
    }

    /// Tells what begins now.
    pub(super) fn busy(&mut self, activity: Activity) -> Result<(), OptimizeError> {
        self.journal.record(&RunEvent::Busy { activity })?;
        Ok(())
    }

    pub(super) fn spent(&mut self, tokens: TokenCount, seconds: f64) {
        self.done += tokens;
        self.seconds += seconds;
    }

    pub(super) fn progress(&mut self) -> Result<(), OptimizeError> {
        let steps_left = (self.settings.steps as u64).saturating_sub(u64::from(self.step));
        let step = step_tokens(
            self.settings,
            self.plan.tokens_per_prompt,
            self.start_tokens,
        );
        // Never nothing while the run goes on.
        let floor = steps_left * step + 1;
        let left = self
            .plan
            .tokens
            .saturating_sub(self.done.computed)
            .max(floor);
        let speed = self.done.computed as f64 / self.seconds;
        self.journal.record(&RunEvent::Progress {
            done: self.done.computed,
            left: Estimate {
                tokens: left,
                seconds: (speed.is_finite() && speed > 0.0).then(|| left as f64 / speed),
            },
        })?;
        Ok(())
    }
}
