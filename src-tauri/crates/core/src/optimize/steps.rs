//! One step of a run: analysis, proposals, choice.

use rand::seq::SliceRandom;
use rand::Rng;

use crate::loss::Paired;
use crate::prompt::{
    drop_segment, mask_segment, move_segment_to_front, parse_marked, split_into_segments,
    swap_segments, Segment, Template,
};
use crate::random::generator;
use crate::rewrite::{
    demonstration_block, insert_phrase, phrases, read_completion, read_marked_prompt, read_prompt,
    rewrite_request, says_again, segment_request, with_region, word_limit, RewriteBrief,
};

use super::plan::OptimizeError;
use super::run::{Proposal, Run, Scored};
use super::{
    Activity, Origin, Part, SegmentFinding, SegmentVerdict, Segmenter, StopReason, Wording,
};

/// From this many weights on a model is asked to mark units by itself.
const MARKING_WEIGHTS: u64 = 1_000_000_000;
/// From this many weights on an instruct model gets the long instructions.
const LARGE_WEIGHTS: u64 = 7_000_000_000;

impl Run<'_> {
    /// The new incumbent, if the step found one, and the budget that ended it, if one did.
    pub(super) async fn one_step(
        &mut self,
        incumbent: &Scored,
    ) -> Result<(Option<Scored>, Option<StopReason>), OptimizeError> {
        if self.analysed != Some(incumbent.candidate.ordinal) {
            self.busy(Activity::Analysis)?;
            self.analyse(incumbent).await?;
        }
        self.busy(Activity::Candidates)?;
        let mut proposals = self.proposals(incumbent);
        for example in self.hard_examples(incumbent) {
            for variant in 0..self.settings.rewrites {
                if self.exhausted().is_some() {
                    break;
                }
                proposals.push(self.rewrite(incumbent, example, variant).await?);
            }
        }
        // All are written before one is looked at: models that do not fit into memory
        // together change places once.
        let mut racers = Vec::new();
        for proposal in proposals {
            racers.extend(self.consider(proposal, incumbent).await?);
        }
        let scored = self.race(racers, incumbent).await?;
        let goal = incumbent.score.loss() - self.settings.min_gain;
        // The first of equals wins, so that equal seeds choose equally.
        let winner = scored
            .into_iter()
            .filter(|one| one.score.dropped.is_none())
            .min_by(|a, b| a.score.loss().total_cmp(&b.score.loss()))
            .filter(|best| best.score.loss() < goal);
        Ok((winner, self.exhausted()))
    }

    /// Measures what each unit does: `L(masked) - L(prompt)` (paper, step 2).
    async fn analyse(&mut self, incumbent: &Scored) -> Result<(), OptimizeError> {
        let segments = self.find_segments(&incumbent.candidate.text).await?;
        let before = incumbent.score.losses();
        let parent = Some(incumbent.candidate.ordinal);
        let mut masked = Vec::with_capacity(segments.len());
        for (at, segment) in segments.iter().enumerate() {
            let text = mask_segment(&incumbent.candidate.text, segment, self.settings.mask_mode);
            masked.push(self.candidate(text, Origin::Mask { segment: at }, parent));
        }
        // Together, because they begin alike.
        let scored = self.score_all(masked, Part::Train).await?;
        let mut findings = Vec::with_capacity(segments.len());
        for (segment, masked) in segments.into_iter().zip(scored) {
            let after = masked.score.losses();
            let effect = Paired::new(&before, &after);
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
                .await?;
            if let Ok(segments) = parse_marked(prompt, &read_marked_prompt(&answer), &frozen, most)
            {
                return Ok(segments);
            }
        }
        Ok(split_into_segments(prompt, &frozen, most))
    }

    /// The training examples of highest loss, hardest first (paper, step 3).
    fn hard_examples(&self, incumbent: &Scored) -> Vec<usize> {
        let mut all = incumbent.score.examples.clone();
        all.sort_by(|a, b| b.loss.total_cmp(&a.loss).then(a.example.cmp(&b.example)));
        all.iter()
            .take(self.settings.hard_examples)
            .map(|example| example.example)
            .collect()
    }

    /// A prompt written by the model (paper, step 4).
    async fn rewrite(
        &mut self,
        incumbent: &Scored,
        example: usize,
        variant: usize,
    ) -> Result<Proposal, OptimizeError> {
        let prompt = &incumbent.candidate.text;
        let wording = self.wording();
        let whole = Segment {
            range: 0..prompt.len(),
            text: prompt.clone(),
        };
        // A large model keeps placeholders in place by itself and may restructure around them.
        let region = if wording == Wording::LargeInstruct && self.task.frozen.is_empty() {
            Some(whole)
        } else {
            with_region(prompt, &self.frozen_in(prompt))
        };
        let origin = Origin::Rewrite { example, variant };
        let shown = self.shown_in(incumbent);
        let Some(region) = region else {
            return Ok(Proposal {
                text: String::new(),
                origin,
                shown,
            });
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
                words: word_limit(&self.task.prompt),
            },
            wording,
        );
        let answer = self
            .generate(
                format!("rewrite {example} {variant}"),
                request,
                stop,
                self.settings.temperature,
                self.settings.max_rewrite_tokens,
            )
            .await?;
        let better = match wording {
            Wording::Completion => read_completion(&answer, false),
            _ => read_prompt(&answer, false),
        };
        let text = better.map_or_else(String::new, |better| {
            let mut text = prompt.clone();
            text.replace_range(region.range, &better);
            text
        });
        Ok(Proposal {
            text,
            origin,
            shown,
        })
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

    fn shown_in(&self, scored: &Scored) -> Vec<usize> {
        self.shown
            .get(&scored.candidate.ordinal)
            .cloned()
            .unwrap_or_default()
    }

    /// Prompts built without asking a model.
    fn proposals(&self, incumbent: &Scored) -> Vec<Proposal> {
        let prompt = &incumbent.candidate.text;
        let segments = self.segments();
        let shown = self.shown_in(incumbent);
        let mut out = Vec::new();
        let mut push = |text: String, origin: Origin| {
            out.push(Proposal {
                text,
                origin,
                shown: shown.clone(),
            });
        };
        if self.settings.propose_drop {
            if let Some(at) = self.worst_segment() {
                push(
                    drop_segment(prompt, &segments[at]),
                    Origin::Drop { segment: at },
                );
            }
        }
        if self.settings.propose_reorder {
            if let Some((text, how)) = self.reordered(prompt, &segments) {
                push(text, Origin::Reorder { how });
            }
        }
        let train: Vec<_> = self
            .plan
            .split
            .train
            .iter()
            .map(|&i| &self.task.examples[i])
            .collect();
        phrases(&train, self.plan.labels.as_ref(), self.language)
            .into_iter()
            .filter(|phrase| !says_again(prompt, &phrase.text))
            .take(self.settings.bank_phrases)
            .for_each(|phrase| {
                let text = insert_phrase(prompt, &segments, &phrase);
                push(
                    text,
                    Origin::Bank {
                        phrase: phrase.text,
                    },
                );
            });
        out.extend(self.demonstrations(incumbent));
        out
    }

    /// The unit whose absence lowers the loss most.
    fn worst_segment(&self) -> Option<usize> {
        (0..self.findings.len())
            .filter(|&at| self.findings[at].effect.difference < 0.0)
            .min_by(|&a, &b| {
                let effect = |at: usize| self.findings[at].effect.difference;
                effect(a).total_cmp(&effect(b))
            })
    }

    /// Odd steps: the most helpful unit first. Even steps: two units, drawn by seed, swapped.
    fn reordered(&self, prompt: &str, segments: &[Segment]) -> Option<(String, String)> {
        if segments.len() < 2 || !self.task.frozen.is_empty() {
            // Moving units past locked text would move the locked text.
            return None;
        }
        if self.step % 2 == 1 {
            let effect = |at: usize| self.findings[at].effect.difference;
            let best = (0..segments.len()).max_by(|&a, &b| effect(a).total_cmp(&effect(b)))?;
            if best > 0 {
                let text = move_segment_to_front(prompt, segments, best);
                return Some((text, format!("part {} first", best + 1)));
            }
        }
        let mut rng = generator(self.settings.seed, &["reorder", &self.step.to_string()]);
        let first = rng.random_range(0..segments.len() - 1);
        let second = rng.random_range(first + 1..segments.len());
        Some((
            swap_segments(prompt, &segments[first], &segments[second]),
            format!("parts {} and {} swapped", first + 1, second + 1),
        ))
    }

    /// Prompts with one more demonstration than the incumbent has, or other ones.
    fn demonstrations(&self, incumbent: &Scored) -> Vec<Proposal> {
        let most = self
            .settings
            .max_demonstrations
            .min(self.plan.split.pool.len());
        if most == 0 {
            return Vec::new();
        }
        let prompt = &incumbent.candidate.text;
        let current = self.shown_in(incumbent);
        let count = (current.len() + 1).min(most);
        (0..self.settings.demonstration_sets)
            .map(|set| {
                let purpose = ["demonstrations", &self.step.to_string(), &set.to_string()];
                let mut rng = generator(self.settings.seed, &purpose);
                let mut pool = self.plan.split.pool.clone();
                pool.shuffle(&mut rng);
                let mut chosen: Vec<usize> = Vec::with_capacity(count);
                if count > current.len() {
                    chosen.extend(&current);
                }
                // Other answers first, so that few demonstrations show many labels.
                while chosen.len() < count {
                    let answer = |index: usize| self.task.examples[index].answer.best();
                    let seen = |index: usize| {
                        chosen
                            .iter()
                            .filter(|&&c| answer(c) == answer(index))
                            .count()
                    };
                    let next = pool
                        .iter()
                        .copied()
                        .filter(|index| !chosen.contains(index))
                        .min_by_key(|&index| seen(index));
                    let Some(next) = next else { break };
                    chosen.push(next);
                }
                Proposal {
                    text: self.with_demonstrations(prompt, &current, &chosen),
                    origin: Origin::Demonstrations {
                        examples: chosen.clone(),
                    },
                    shown: chosen,
                }
            })
            .collect()
    }

    fn with_demonstrations(&self, prompt: &str, current: &[usize], chosen: &[usize]) -> String {
        let block = |indices: &[usize]| {
            let examples: Vec<_> = indices.iter().map(|&i| &self.task.examples[i]).collect();
            demonstration_block(&examples)
        };
        let new = block(chosen);
        let old = block(current);
        if !current.is_empty() && prompt.contains(&old) {
            return prompt.replacen(&old, &new, 1);
        }
        match Template::parse(prompt).placeholders().first() {
            None => format!("{}\n\n{new}", prompt.trim_end()),
            Some(hole) => {
                let line = prompt[..hole.range.start]
                    .rfind('\n')
                    .map_or(0, |at| at + 1);
                format!("{}{new}\n\n{}", &prompt[..line], &prompt[line..])
            }
        }
    }
}
