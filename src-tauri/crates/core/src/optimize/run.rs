use std::collections::HashSet;
use std::ops::Range;
use std::time::Instant;

use tokio_util::sync::CancellationToken;

use crate::dataset::Example;
use crate::model::{GenerateRequest, Generated, LanguageModel, ModelError, TokenCount};
use crate::prompt::{
    locate_frozen, split_into_segments, Conversation, Prompt, Segment, Template, INPUT,
};
use crate::random::derived_seed;
use crate::rewrite::{language, Language, LeakGuard};

use super::context::EvalContext;
use super::evaluate::Evaluator;
use super::pairs::PairKeys;
use super::plan::{plan, prompt_tokens, step_tokens, OptimizeError, Plan, Task};
use super::written::AnswerCheck;
use super::{
    Activity, Candidate, Estimate, GenerationKey, Journal, Origin, Outcome, PairLoss, Part,
    PromptScore, Refusal, RunEvent, SegmentFinding, Settings, StopReason,
};

/// A scored prompt that may be the incumbent.
#[derive(Debug, Clone)]
pub(super) struct Scored {
    pub(super) candidate: Candidate,
    pub(super) score: PromptScore,
    /// What the score was made of: in the order of the training examples, or of those
    /// that were scored before it was dropped.
    pub(super) pairs: Vec<PairLoss>,
}

/// A proposal that was not scored yet.
pub(super) struct Proposal {
    pub(super) text: String,
    pub(super) origin: Origin,
}

/// Which model writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Writer {
    /// The one that writes rewrites.
    OfPrompts,
    /// The one that prompts are for.
    OfAnswers,
}

/// One run; its parts are in `measure.rs` and `steps.rs`.
pub(super) struct Run<'a> {
    pub(super) task: &'a Task,
    pub(super) settings: &'a Settings,
    pub(super) scorer: &'a dyn LanguageModel,
    pub(super) rewriter: &'a dyn LanguageModel,
    pub(super) evaluator: Evaluator<'a>,
    /// How written answers are held against the right ones.
    pub(super) answer_check: Option<AnswerCheck>,
    pub(super) keys: PairKeys,
    pub(super) plan: Plan,
    pub(super) description: String,
    pub(super) language: Language,
    leak: LeakGuard,
    pub(super) start_tokens: usize,
    pub(super) journal: &'a mut dyn Journal,
    pub(super) cancel: &'a CancellationToken,
    next: u32,
    pub(super) step: u32,
    /// Every proposal so far, and the start prompt.
    tried: HashSet<String>,
    /// Training losses of all prompts that were scored whole.
    pub(super) whole: Vec<Vec<f64>>,
    /// Steps since the incumbent changed.
    pub(super) idle: usize,
    done: TokenCount,
    seconds: f64,
    /// Units of the incumbent's text.
    pub(super) segments: Vec<Segment>,
    /// What each of them does; nothing where that was not measured.
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
    tracing::info!(
        train = plan.split.train.len(),
        validation = plan.split.validation.len(),
        left_out = plan.left_out.len(),
        goes_on = task.earlier.is_some(),
        "the search begins"
    );
    let has_template = scorer.description().has_chat_template;
    let evaluator = Evaluator::new(&task.examples, settings, has_template);
    let seen: Vec<&Example> = train.iter().collect();
    let language = language(&Prompt::parse(&task.prompt).text, &seen);
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
        answer_check: AnswerCheck::of(&task.examples, evaluator.exact),
        keys: PairKeys::new(
            &evaluator,
            &EvalContext::new(scorer.description(), settings),
        ),
        evaluator,
        description,
        language,
        // The guard covers all examples: copying a held-out one would spoil the check.
        leak: LeakGuard::new(
            &task.examples,
            &Prompt::parse(&task.prompt).text,
            settings.leak_words,
        ),
        start_tokens: prompt_tokens(&task.prompt, task.examples.first(), scorer).await?,
        plan,
        journal,
        cancel,
        next: 0,
        step: 0,
        tried: HashSet::from([task.prompt.clone()]),
        whole: Vec::new(),
        idle: 0,
        done: TokenCount::default(),
        seconds: 0.0,
        segments: Vec::new(),
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
        if let Some(earlier) = &self.task.earlier {
            incumbent = match earlier.incumbent.ordinal {
                0 => start.clone(),
                _ => self.score(earlier.incumbent.clone(), Part::Train).await?,
            };
            self.next = earlier.next;
            self.step = earlier.step;
            self.tried.extend(earlier.tried.iter().cloned());
        }
        let mut reason = match self.search(&mut incumbent).await {
            Ok(found) => found,
            Err(OptimizeError::Model(ModelError::Cancelled)) => StopReason::Cancelled,
            Err(other) => return Err(other),
        };
        let (mut validation, mut answers) = (None, Vec::new());
        if reason != StopReason::Cancelled {
            let ended = async {
                validation = self.validate(&start, &incumbent).await?;
                answers = self.answer(&start, &incumbent).await?;
                validation = validation.map(|found| self.with_written(found, &answers));
                Ok(())
            };
            match ended.await {
                Ok(()) => {}
                Err(OptimizeError::Model(ModelError::Cancelled)) => reason = StopReason::Cancelled,
                Err(other) => return Err(other),
            }
        }
        let outcome = Outcome {
            reason,
            best: incumbent.candidate.ordinal,
            start_loss: start.score.loss(),
            best_loss: incumbent.score.loss(),
            validation,
            answers,
        };
        self.journal.record(&RunEvent::Finished {
            outcome: outcome.clone(),
        })?;
        Ok(outcome)
    }

    /// All steps: demonstrations, then the text, then leaving out what is not missed.
    /// `incumbent` is the best prompt so far at any moment, also where this ends with an
    /// error.
    async fn search(&mut self, incumbent: &mut Scored) -> Result<StopReason, OptimizeError> {
        let shown = Prompt::parse(&self.task.prompt).demonstrations.len();
        if self.places() > shown && self.task.earlier.is_none() {
            self.step += 1;
            let better = self.demonstrate(incumbent).await?;
            self.decided(incumbent, better)?;
        }
        let mut reason = StopReason::Steps;
        let done = self.task.earlier.as_ref().map_or(0, |earlier| earlier.step);
        for _ in done as usize..self.settings.steps {
            if let Some(budget) = self.exhausted() {
                reason = budget;
                break;
            }
            self.step += 1;
            let Some(found) = self.one_step(incumbent).await? else {
                // All that could be tried was tried before.
                self.step -= 1;
                reason = StopReason::Patience;
                break;
            };
            let improved = found.is_some();
            self.decided(incumbent, found)?;
            self.idle = if improved { 0 } else { self.idle + 1 };
            if self.settings.patience > 0 && self.idle >= self.settings.patience {
                reason = StopReason::Patience;
                break;
            }
        }
        if let Some(budget) = self.exhausted() {
            return Ok(budget);
        }
        if incumbent.candidate.ordinal != 0 {
            self.step += 1;
            let pruned = self.prune(incumbent).await?;
            if pruned.candidate.ordinal != incumbent.candidate.ordinal {
                self.decided(incumbent, Some(pruned))?;
            }
        }
        Ok(reason)
    }

    /// Ends a step.
    fn decided(
        &mut self,
        incumbent: &mut Scored,
        better: Option<Scored>,
    ) -> Result<(), OptimizeError> {
        let improved = better.is_some();
        if let Some(better) = better {
            *incumbent = better;
        }
        self.journal.record(&RunEvent::StepDone {
            step: self.step,
            incumbent: incumbent.candidate.ordinal,
            loss: incumbent.score.loss(),
            improved,
        })?;
        Ok(())
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

    /// Lets the model that writes prompts write, or takes the text from the journal.
    pub(super) async fn generate(
        &mut self,
        purpose: String,
        conversation: Conversation,
        stop: Vec<String>,
        temperature: f64,
        max_tokens: usize,
    ) -> Result<Generated, OptimizeError> {
        let step = self.step.to_string();
        let request = GenerateRequest {
            conversation,
            temperature,
            top_p: self.settings.top_p,
            seed: derived_seed(self.settings.seed, &["write", &step, &purpose]),
            max_tokens,
            stop,
        };
        let key = GenerationKey {
            step: self.step,
            purpose,
        };
        self.written(key, request, Writer::OfPrompts).await
    }

    /// A text of a model, or of the journal where it was written before.
    pub(super) async fn written(
        &mut self,
        key: GenerationKey,
        request: GenerateRequest,
        writer: Writer,
    ) -> Result<Generated, OptimizeError> {
        let (generated, seconds) = match self.journal.recall_generated(&key)? {
            Some(found) => found,
            None => {
                let clock = Instant::now();
                let written = match writer {
                    Writer::OfPrompts => self.rewriter.generate(&request, self.cancel).await?,
                    Writer::OfAnswers => self.scorer.answer(&request, self.cancel).await?,
                };
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
        Ok(generated)
    }

    /// As [`Self::consider`]; what was tried before is passed over without a word,
    /// because nobody proposed it anew.
    pub(super) async fn consider_new(
        &mut self,
        proposal: Proposal,
        incumbent: &Scored,
    ) -> Result<Option<Candidate>, OptimizeError> {
        if self.tried.contains(&proposal.text) {
            return Ok(None);
        }
        self.consider(proposal, incumbent).await
    }

    /// Whether a prompt was tried in this run.
    pub(super) fn was_tried(&self, text: &str) -> bool {
        self.tried.contains(text)
    }

    /// Numbers a proposal for the race, or records why it does not run.
    pub(super) async fn consider(
        &mut self,
        proposal: Proposal,
        incumbent: &Scored,
    ) -> Result<Option<Candidate>, OptimizeError> {
        let refusal = self.refusal(&proposal.text).await?;
        self.numbered(proposal, refusal, incumbent)
    }

    /// Numbers a proposal; with a refusal it is recorded and does not run.
    pub(super) fn numbered(
        &mut self,
        proposal: Proposal,
        refusal: Option<Refusal>,
        incumbent: &Scored,
    ) -> Result<Option<Candidate>, OptimizeError> {
        let parent = Some(incumbent.candidate.ordinal);
        let candidate = self.candidate(proposal.text, proposal.origin, parent);
        if let Some(refusal) = refusal {
            self.journal
                .record(&RunEvent::Refused { candidate, refusal })?;
            return Ok(None);
        }
        self.tried.insert(candidate.text.clone());
        Ok(Some(candidate))
    }

    async fn refusal(&self, document: &str) -> Result<Option<Refusal>, OptimizeError> {
        let prompt = Prompt::parse(document);
        let text = &prompt.text;
        // Places for columns alone say nothing, unless the start prompt was no more.
        let start = Prompt::parse(&self.task.prompt).text;
        if !Template::parse(text).says_something() && Template::parse(&start).says_something() {
            return Ok(Some(Refusal::Empty));
        }
        if !text.contains(char::is_alphanumeric) {
            return Ok(Some(Refusal::Empty));
        }
        if self.tried.contains(document) {
            return Ok(Some(Refusal::Repeated));
        }
        let names = |prompt: &str| -> Vec<String> {
            Template::parse(prompt)
                .names()
                .into_iter()
                .map(str::to_owned)
                .collect()
        };
        let (own, kept) = (names(text), names(&start));
        // A model without a chat template may be shown the place of the input.
        let placed = !self.evaluator.has_chat_template && kept.is_empty() && own == [INPUT];
        if own != kept && !placed {
            return Ok(Some(Refusal::Placeholders));
        }
        if locate_frozen(text, &self.task.frozen).is_err() {
            return Ok(Some(Refusal::Frozen));
        }
        // Demonstrations are turns of their own and come from the pool: nothing is
        // scored on an example that its prompt shows.
        if let Some(words) = self.leak.copied(text, &[]) {
            return Ok(Some(Refusal::Leak { words }));
        }
        let tokens = prompt_tokens(document, self.task.examples.first(), self.scorer).await?;
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
        self.segments = findings.iter().map(|one| one.segment.clone()).collect();
        self.findings = findings;
        Ok(())
    }

    /// Units of a prompt that is not analysed.
    pub(super) fn forget_findings(&mut self, prompt: &str) {
        self.findings = Vec::new();
        let frozen = self.frozen_in(prompt);
        self.segments = split_into_segments(prompt, &frozen, self.settings.max_segments);
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
