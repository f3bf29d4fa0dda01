//! Leaving out, at the end, what is not missed.

use crate::prompt::{drop_segment, split_into_segments, Prompt};

use super::choose::{is_admissible, paired};
use super::plan::OptimizeError;
use super::racing::Against;
use super::run::{Proposal, Run, Scored};
use super::{Activity, Origin};

impl Run<'_> {
    /// The prompt without the parts whose absence the training examples do not clearly
    /// miss: one part after the other, the one that is missed least first, while the loss
    /// stays within one standard error of the whole prompt's and no share of right
    /// answers falls. At least one part stays, or a phrase of the bank that says by itself
    /// what is asked, beside demonstrations that show it.
    pub(super) async fn prune(&mut self, best: &Scored) -> Result<Scored, OptimizeError> {
        let mut current = best.clone();
        if !self.settings.prune {
            return Ok(current);
        }
        self.busy(Activity::Pruning)?;
        loop {
            let prompt = Prompt::parse(&current.candidate.text);
            let frozen = self.frozen_in(&prompt.text);
            let parts = split_into_segments(&prompt.text, &frozen, self.settings.max_segments);
            if self.exhausted().is_some() {
                return Ok(current);
            }
            let mut racers = Vec::new();
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
                racers.extend(self.consider_new(proposal, &current).await?);
            }
            if racers.is_empty() {
                return Ok(current);
            }
            let scored = self.race(racers, &current, Against::EachOther).await?;
            let not_missed = |one: &Scored| {
                let missed = paired(best, one);
                one.score.dropped.is_none()
                    && missed.difference <= missed.std_error
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
