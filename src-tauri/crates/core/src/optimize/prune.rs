//! Leaving out, at the end, what is not missed.

use crate::prompt::{drop_segment, split_into_segments, Prompt, Segment, Template};

use super::choose::{is_admissible, paired};
use super::plan::OptimizeError;
use super::racing::Against;
use super::run::{Proposal, Run, Scored};
use super::{Activity, Origin};

impl Run<'_> {
    /// The prompt without the parts whose absence the training examples do not clearly
    /// miss: one part after the other, the one that is missed least first, while the loss
    /// stays within one standard error of the whole prompt's and no share of right
    /// answers falls. What the person wrote goes only where the loss without it is no
    /// higher at all: a few examples seldom show all that it is for. Where answers are free
    /// text and none is simply right, it must be lower by a standard error, because a loss on
    /// words that could be others is a weaker sign. At least one part
    /// stays, or a phrase of the bank that says by itself what is asked, beside
    /// demonstrations that show it.
    pub(super) async fn prune(&mut self, best: &Scored) -> Result<Scored, OptimizeError> {
        let mut current = best.clone();
        if !self.settings.prune {
            return Ok(current);
        }
        self.busy(Activity::Pruning)?;
        let start = Prompt::parse(&self.task.prompt).text;
        let answers_speak = best.score.asked().is_some();
        loop {
            let prompt = Prompt::parse(&current.candidate.text);
            let frozen = self.frozen_in(&prompt.text);
            let parts = split_into_segments(&prompt.text, &frozen, self.settings.max_segments);
            let parts = without_pattern(&prompt, parts);
            if self.exhausted().is_some() {
                return Ok(current);
            }
            let mut racers = Vec::new();
            // Numbers of the prompts without a part that the person wrote.
            let mut without_own = Vec::new();
            for proposal in self.phrases_alone(&prompt) {
                racers.extend(self.consider_new(proposal, &current).await?);
            }
            // One part stays.
            let parts = if parts.len() < 2 { &[] } else { &parts[..] };
            for (segment, part) in parts.iter().enumerate() {
                let without = Prompt {
                    text: drop_segment(&prompt.text, part),
                    demonstrations: prompt.demonstrations.clone(),
                };
                let proposal = Proposal {
                    text: without.to_string(),
                    origin: Origin::Prune { segment },
                };
                // Not better is not the same as missed: what the search tried is looked at
                // again, and its losses are known.
                let considered = match self.was_tried(&proposal.text) {
                    true => self.numbered(proposal, None, &current)?,
                    false => self.consider(proposal, &current).await?,
                };
                if start.contains(&part.text) {
                    without_own.extend(considered.iter().map(|one| one.ordinal));
                }
                racers.extend(considered);
            }
            if racers.is_empty() {
                return Ok(current);
            }
            let scored = self.race(racers, &current, Against::EachOther).await?;
            let not_missed = |one: &Scored| {
                let missed = paired(best, one);
                let own = without_own.contains(&one.candidate.ordinal);
                let margin = match (own, answers_speak) {
                    (false, _) => missed.std_error,
                    (true, true) => 0.0,
                    (true, false) => -missed.std_error,
                };
                one.score.dropped.is_none()
                    && missed.difference <= margin
                    && one.score.asked() >= best.score.asked()
                    && is_admissible(best, one)
            };
            // The part that is missed least goes first.
            let least = |a: &Scored, b: &Scored| {
                let right = |one: &Scored| one.score.asked().unwrap_or(0.0);
                let lower = a.score.loss().total_cmp(&b.score.loss());
                right(b).total_cmp(&right(a)).then(lower)
            };
            match scored.into_iter().filter(not_missed).min_by(least) {
                Some(shorter) => current = shorter,
                None => return Ok(current),
            }
        }
    }
}

/// The parts that are said once: what is said around each input was chosen as a whole.
fn without_pattern(prompt: &Prompt, mut parts: Vec<Segment>) -> Vec<Segment> {
    let in_place = !Template::parse(&prompt.text).placeholders().is_empty();
    if in_place && !prompt.demonstrations.is_empty() {
        let (head, _) = prompt.head_and_pattern();
        parts.retain(|part| part.range.end <= head.len());
    }
    parts
}
