//! One step of a run: analysis, proposals, choice.

use crate::model::Finish;
use crate::prompt::{mask_segment, parse_marked, split_into_segments, Prompt, Segment};
use crate::rewrite::{
    read_completion, read_marked_prompt, read_prompt, rewrite_request, room, segment_request,
    with_region, word_limit, RewriteBrief,
};

use super::choose::{paired, wary_winner, winner};
use super::plan::OptimizeError;
use super::racing::Against;
use super::run::{Proposal, Run, Scored};
use super::{Activity, Origin, Part, Refusal, SegmentFinding, SegmentVerdict, Segmenter, Wording};

/// From this many weights on a model is asked to mark units by itself.
const MARKING_WEIGHTS: u64 = 1_000_000_000;
/// From this many weights on an instruct model gets the long instructions.
const LARGE_WEIGHTS: u64 = 7_000_000_000;

impl Run<'_> {
    /// The prompt that takes the incumbent's place, if the step found one; `None` where
    /// there was nothing left to try.
    pub(super) async fn one_step(
        &mut self,
        incumbent: &Scored,
    ) -> Result<Option<Option<Scored>>, OptimizeError> {
        let prompt = Prompt::parse(&incumbent.candidate.text);
        // A very small model beside demonstrations writes what changes little and reads like
        // nonsense; what helps then is built without it.
        let rewrites = match self.writes_badly() && !prompt.demonstrations.is_empty() {
            true => 0,
            false => self.settings.rewrites,
        };
        let known = self.analysed == Some(incumbent.candidate.ordinal);
        if self.analysed.is_none() || (rewrites > 0 && !known) {
            self.busy(Activity::Analysis)?;
            self.analyse(incumbent).await?;
        } else if !known {
            // Nobody reads what each part does but who writes; what is not missed is left out
            // at the end.
            self.forget_findings(&prompt.text);
        }
        self.busy(Activity::Candidates)?;
        let proposals = self.proposals(incumbent);
        let mut written = Vec::new();
        for example in self.hard_examples(incumbent) {
            for variant in 0..rewrites {
                if self.exhausted().is_some() {
                    break;
                }
                written.push(self.rewrite(incumbent, example, variant).await?);
            }
        }
        // All are written before one is looked at: models that do not fit into memory
        // together change places once.
        let mut racers = Vec::new();
        for proposal in proposals {
            racers.extend(self.consider_new(proposal, incumbent).await?);
        }
        for (proposal, refusal) in written {
            racers.extend(match refusal {
                Some(_) => self.numbered(proposal, refusal, incumbent)?,
                None => self.consider(proposal, incumbent).await?,
            });
        }
        if racers.is_empty() {
            return Ok(None);
        }
        let scored = self.race(racers, incumbent, Against::Incumbent).await?;
        let choose = match self.writes_badly() {
            true => wary_winner,
            false => winner,
        };
        Ok(Some(choose(incumbent, scored, self.settings)))
    }

    /// Measures what each unit does: `L(masked) - L(prompt)` (paper, step 2).
    async fn analyse(&mut self, incumbent: &Scored) -> Result<(), OptimizeError> {
        let prompt = Prompt::parse(&incumbent.candidate.text);
        let segments = self.find_segments(&prompt.text).await?;
        let parent = Some(incumbent.candidate.ordinal);
        let mut masked = Vec::with_capacity(segments.len());
        for (at, segment) in segments.iter().enumerate() {
            let masking = Prompt {
                text: mask_segment(&prompt.text, segment, self.settings.mask_mode),
                demonstrations: prompt.demonstrations.clone(),
            };
            let origin = Origin::Mask { segment: at };
            masked.push(self.candidate(masking.to_string(), origin, parent));
        }
        // Together, because they begin alike.
        let scored = self.score_all(masked, Part::Train).await?;
        let mut findings = Vec::with_capacity(segments.len());
        for (segment, masked) in segments.into_iter().zip(scored) {
            let effect = paired(incumbent, &masked);
            findings.push(SegmentFinding {
                segment,
                effect,
                verdict: if !effect.is_clear(self.settings.clear_z) {
                    SegmentVerdict::NoClearEffect
                } else if effect.difference > 0.0 {
                    SegmentVerdict::Helps
                } else {
                    SegmentVerdict::Hurts
                },
            });
        }
        self.record_findings(incumbent, findings)
    }

    async fn find_segments(&mut self, prompt: &str) -> Result<Vec<Segment>, OptimizeError> {
        let frozen = self.frozen_in(prompt);
        let most = self.settings.max_segments;
        let model = self.rewriter.writer();
        let ask = model.has_chat_template
            && match self.settings.segmenter {
                Segmenter::Auto => model.parameters >= MARKING_WEIGHTS,
                Segmenter::Model => true,
                Segmenter::Rules => false,
            };
        if ask {
            // Room for the copied prompt and its tags; words are rarely over two tokens.
            let room = prompt.len() / 2 + 64;
            let request = segment_request(prompt, most);
            let answer = self
                .generate("segments".to_owned(), request, Vec::new(), 0.0, room)
                .await?
                .text;
            if let Ok(segments) = parse_marked(prompt, &read_marked_prompt(&answer), &frozen, most)
            {
                return Ok(segments);
            }
        }
        Ok(split_into_segments(prompt, &frozen, most))
    }

    /// The training examples of highest loss, hardest first (paper, step 3); after steps
    /// that found nothing the next hardest, in turn over the harder half.
    fn hard_examples(&self, incumbent: &Scored) -> Vec<usize> {
        let mut all = incumbent.score.examples.clone();
        all.sort_by(|a, b| b.loss.total_cmp(&a.loss).then(a.example.cmp(&b.example)));
        let count = self.settings.hard_examples.min(all.len());
        let harder = all.len().div_ceil(2).max(count);
        let first = self.idle * count;
        (first..first + count)
            .map(|at| all[at % harder].example)
            .collect()
    }

    /// A prompt written by the model (paper, step 4), and why it cannot be used where
    /// that is known by now.
    async fn rewrite(
        &mut self,
        incumbent: &Scored,
        example: usize,
        variant: usize,
    ) -> Result<(Proposal, Option<Refusal>), OptimizeError> {
        let prompt = Prompt::parse(&incumbent.candidate.text);
        let wording = self.wording();
        let whole = Segment {
            range: 0..prompt.text.len(),
            text: prompt.text.clone(),
        };
        // A large model keeps placeholders in place by itself and may restructure around them.
        let region = if wording == Wording::LargeInstruct && self.task.frozen.is_empty() {
            Some(whole)
        } else {
            with_region(&prompt.text, &self.frozen_in(&prompt.text))
        };
        let origin = Origin::Rewrite { example, variant };
        let nothing = |origin| Proposal {
            text: String::new(),
            origin,
        };
        let Some(region) = region else {
            return Ok((nothing(origin), Some(Refusal::Empty)));
        };
        let others: Vec<_> = self
            .plan
            .split
            .pool
            .iter()
            .map(|&i| &self.task.examples[i])
            .collect();
        let (request, stop) = rewrite_request(
            &RewriteBrief {
                task: &self.description,
                prompt: &region.text,
                findings: &self.findings,
                example: &self.task.examples[example],
                others: &others,
                language: self.language,
                words: word_limit(&Prompt::parse(&self.task.prompt).text),
            },
            wording,
        );
        let answer = self
            .generate(
                format!("rewrite {example} {variant}"),
                request,
                stop,
                self.settings.temperature,
                self.room_to_write(),
            )
            .await?;
        let cut = answer.finish == Finish::Length;
        let better = match wording {
            Wording::Completion => read_completion(&answer.text, cut),
            _ => read_prompt(&answer.text, cut),
        };
        let Some(better) = better else {
            let refusal = match cut {
                true => Refusal::Unfinished,
                false => Refusal::Empty,
            };
            return Ok((nothing(origin), Some(refusal)));
        };
        let mut rewritten = prompt;
        rewritten.text.replace_range(region.range, &better);
        let proposal = Proposal {
            text: rewritten.to_string(),
            origin,
        };
        Ok((proposal, None))
    }

    /// Tokens that a rewrite may have.
    fn room_to_write(&self) -> usize {
        self.settings
            .max_rewrite_tokens
            .max(room(self.start_tokens))
    }

    /// Whether the model that writes is so small that its rewrites are not to be trusted.
    fn writes_badly(&self) -> bool {
        self.rewriter.writer().parameters < MARKING_WEIGHTS
    }

    fn wording(&self) -> Wording {
        let model = self.rewriter.writer();
        match self.settings.wording {
            _ if !model.has_chat_template => Wording::Completion,
            Wording::Auto if model.parameters < MARKING_WEIGHTS => Wording::Completion,
            Wording::Auto if model.parameters < LARGE_WEIGHTS => Wording::SmallInstruct,
            Wording::Auto => Wording::LargeInstruct,
            chosen => chosen,
        }
    }
}
