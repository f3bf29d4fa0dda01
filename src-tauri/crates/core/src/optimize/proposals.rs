//! Prompts built without asking a model. None of them was tried before.

use rand::Rng;

use crate::prompt::{
    drop_segment, move_segment_to_front, swap_segments, Prompt, Segment, Template,
};
use crate::random::generator;
use crate::rewrite::{insert_phrase, phrases, says_again};

use super::run::{Proposal, Run, Scored};
use super::Origin;

/// Phrases that are tried by themselves.
const ALONE: usize = 3;
/// Orders drawn before it is clear that all were tried.
const DRAWS: usize = 8;

impl Run<'_> {
    pub(super) fn proposals(&self, incumbent: &Scored) -> Vec<Proposal> {
        let prompt = Prompt::parse(&incumbent.candidate.text);
        let segments = &self.segments;
        let with_text = |text: String| {
            let whole = Prompt {
                text,
                demonstrations: prompt.demonstrations.clone(),
            };
            whole.to_string()
        };
        let mut out = Vec::new();
        let mut push = |text: String, origin: Origin| out.push(Proposal { text, origin });
        if self.settings.propose_drop {
            let dropped = self.hurting().into_iter().map(|at| {
                let text = with_text(drop_segment(&prompt.text, &segments[at]));
                (text, at)
            });
            if let Some((text, at)) = dropped.into_iter().find(|(text, _)| !self.was_tried(text)) {
                push(text, Origin::Drop { segment: at });
            }
        }
        if self.settings.propose_reorder {
            if let Some((text, how)) = self.reordered(&prompt.text, segments, &with_text) {
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
        // The bank goes on where it stopped: what was tried is passed over.
        phrases(&train, self.plan.labels.as_ref(), self.language)
            .into_iter()
            .filter(|phrase| !says_again(&prompt.text, &phrase.text))
            .map(|phrase| {
                (
                    with_text(insert_phrase(&prompt.text, segments, &phrase)),
                    phrase.text,
                )
            })
            .filter(|(text, _)| !self.was_tried(text))
            .take(self.settings.bank_phrases)
            .for_each(|(text, phrase)| push(text, Origin::Bank { phrase }));
        out.extend(self.swaps(&prompt, self.settings.swaps()));
        out
    }

    /// A few phrases of the bank, each in place of the whole text, with the demonstrations:
    /// short prompts that say what is asked. None where the text holds places for columns
    /// or locked texts, or shows no examples that say the rest.
    pub(super) fn phrases_alone(&self, prompt: &Prompt) -> Vec<Proposal> {
        let bound = !Template::parse(&prompt.text).placeholders().is_empty()
            || !self.task.frozen.is_empty();
        // Only where answers are labels does a phrase name all that is asked.
        if bound || self.plan.labels.is_none() || prompt.demonstrations.is_empty() {
            return Vec::new();
        }
        let train = self.plan.split.train.iter();
        let train: Vec<_> = train.map(|&i| &self.task.examples[i]).collect();
        phrases(&train, self.plan.labels.as_ref(), self.language)
            .into_iter()
            .take(self.settings.bank_phrases.min(ALONE))
            .map(|phrase| Proposal {
                text: Prompt {
                    text: phrase.text.clone(),
                    demonstrations: prompt.demonstrations.clone(),
                }
                .to_string(),
                origin: Origin::Bank {
                    phrase: phrase.text,
                },
            })
            .collect()
    }

    /// Units whose absence lowers the loss, the worst first.
    fn hurting(&self) -> Vec<usize> {
        let effect = |at: &usize| self.findings[*at].effect.difference;
        let mut hurting: Vec<usize> = (0..self.findings.len())
            .filter(|at| effect(at) < 0.0)
            .collect();
        hurting.sort_by(|a, b| effect(a).total_cmp(&effect(b)));
        hurting
    }

    /// The most helpful unit first, or else two units, drawn by seed, swapped.
    fn reordered(
        &self,
        prompt: &str,
        segments: &[Segment],
        with_text: &dyn Fn(String) -> String,
    ) -> Option<(String, String)> {
        if segments.len() < 2 || !self.task.frozen.is_empty() {
            // Moving units past locked text would move the locked text.
            return None;
        }
        // The first of all where nothing is known of them.
        let effect = |at: usize| {
            self.findings
                .get(at)
                .map_or(0.0, |one| one.effect.difference)
        };
        let best = (0..segments.len())
            .rev()
            .max_by(|&a, &b| effect(a).total_cmp(&effect(b)))?;
        if best > 0 {
            let text = with_text(move_segment_to_front(prompt, segments, best));
            if !self.was_tried(&text) {
                return Some((text, format!("part {} first", best + 1)));
            }
        }
        let mut rng = generator(self.settings.seed, &["reorder", &self.step.to_string()]);
        (0..DRAWS).find_map(|_| {
            let first = rng.random_range(0..segments.len() - 1);
            let second = rng.random_range(first + 1..segments.len());
            let swapped = swap_segments(prompt, &segments[first], &segments[second]);
            let text = with_text(swapped);
            let how = format!("parts {} and {} swapped", first + 1, second + 1);
            (!self.was_tried(&text)).then_some((text, how))
        })
    }
}
