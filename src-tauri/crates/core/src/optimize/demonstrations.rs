//! Demonstrations: examples of the pool that the prompt shows, chosen by loss.

use rand::seq::SliceRandom;

use crate::prompt::{Prompt, Template};
use crate::random::generator;

use super::choose::{by_answers, paired, winner};
use super::plan::OptimizeError;
use super::racing::Against;
use super::run::{Proposal, Run, Scored};
use super::{Activity, Origin};

/// Demonstrations for each label, where the limit allows.
const EACH: usize = 2;
/// Fewest demonstrations that are aimed at on label tasks.
const FEWEST: usize = 4;
/// Most demonstrations where there are no labels: each is longer, and each must earn
/// its place.
const MOST_FREE: usize = 6;
/// Forms of demonstrations for models without a chat template, beside `Input:` and
/// `Answer:`.
const FORMS: [&str; 4] = [
    "Q: {{input}}\nA:",
    "Text: {{input}}\nResult:",
    "{{input}} ->",
    "{{input}}\n",
];
/// Places in a row that bring nothing before no more are tried, without labels.
const FUTILE: usize = 2;
/// How many times as many examples are tried for the first place as for others.
const FIRST: usize = 2;

impl Run<'_> {
    /// How many demonstrations are aimed at.
    pub(super) fn places(&self) -> usize {
        let most = self.settings.max_demonstrations;
        let wanted = match &self.evaluator.labels {
            Some(set) => (EACH * set.labels.len()).max(FEWEST),
            None => MOST_FREE,
        };
        wanted.min(most).min(self.plan.split.pool.len())
    }

    /// Indices of the examples that a prompt shows.
    pub(super) fn shown_in(&self, prompt: &Prompt) -> Vec<usize> {
        if prompt.demonstrations.is_empty() {
            return Vec::new();
        }
        let all = 0..self.task.examples.len();
        all.filter(|&at| prompt.shows(&self.task.examples[at]))
            .collect()
    }

    /// Forward selection: one place after the other is filled with the best of a few
    /// examples of the pool, of a label that is shown least often; then other orders are
    /// tried. One example alone pulls answers to its own label, and a label that is not shown
    /// is seldom said, so that on label tasks each place builds on the best of the last one
    /// whatever its loss, and what counts is where all labels are shown equally often.
    pub(super) async fn demonstrate(
        &mut self,
        incumbent: &Scored,
    ) -> Result<Option<Scored>, OptimizeError> {
        self.busy(Activity::Demonstrations)?;
        let labelled = self.evaluator.labels.is_some();
        let mut current = incumbent.clone();
        let mut best: Option<Scored> = None;
        let (mut futile, first) = (0, self.shown(&current).len());
        for place in first..self.places() {
            if self.exhausted().is_some() || futile >= FUTILE {
                break;
            }
            let tried = self.fill_place(&current, place).await?;
            let Some(filled) = self.best_of(tried) else {
                futile += 1;
                continue;
            };
            let standard = best.as_ref().unwrap_or(incumbent);
            let better = winner(standard, vec![filled.clone()], self.settings);
            if labelled {
                current = filled;
                if self.is_even(&current) {
                    best = better.or(best);
                }
            } else if let Some(better) = better {
                futile = 0;
                current = better;
                best = Some(current.clone());
            } else {
                futile += 1;
            }
        }
        let Some(best) = best else {
            return Ok(None);
        };
        let ordered = self.order_shown(best).await?;
        Ok(Some(self.form_shown(ordered).await?))
    }

    /// Whether every label is shown equally often.
    fn is_even(&self, scored: &Scored) -> bool {
        let counts = self.label_counts(&self.shown(scored));
        counts.iter().all(|count| *count == counts[0])
    }

    fn shown(&self, scored: &Scored) -> Vec<usize> {
        self.shown_in(&Prompt::parse(&scored.candidate.text))
    }

    /// How often each label stands among examples.
    fn label_counts(&self, examples: &[usize]) -> Vec<usize> {
        let Some(set) = &self.evaluator.labels else {
            return Vec::new();
        };
        let of = |at: usize| set.position(self.task.examples[at].answer.best());
        let mut counts = vec![0; set.labels.len()];
        for place in examples.iter().filter_map(|&at| of(at)) {
            counts[place] += 1;
        }
        counts
    }

    /// Scores the incumbent with one more example in each of a few ways.
    async fn fill_place(
        &mut self,
        current: &Scored,
        place: usize,
    ) -> Result<Vec<Scored>, OptimizeError> {
        let prompt = Prompt::parse(&current.candidate.text);
        let shown = self.shown_in(&prompt);
        let mut proposals = Vec::new();
        // The first one decides most, and costs least.
        let wider = if shown.is_empty() { FIRST } else { 1 };
        let count = wider * self.settings.demonstration_sets;
        for example in self.choices(&shown, place, count) {
            let mut with = prompt.clone();
            with.demonstrations
                .push(prompt.demonstration(&self.task.examples[example]));
            proposals.push(self.showing(with, &shown, Some(example)));
        }
        let mut racers = Vec::new();
        for proposal in proposals {
            racers.extend(self.consider(proposal, current).await?);
        }
        self.race(racers, current, Against::EachOther).await
    }

    fn showing(&self, prompt: Prompt, shown: &[usize], added: Option<usize>) -> Proposal {
        Proposal {
            text: prompt.to_string(),
            origin: Origin::Demonstrations {
                examples: shown.iter().copied().chain(added).collect(),
            },
        }
    }

    /// Examples of the pool for one more place: of the labels that are shown least often, in
    /// turn, drawn by chance.
    pub(super) fn choices(&self, shown: &[usize], place: usize, count: usize) -> Vec<usize> {
        let mut pool = self.plan.split.pool.clone();
        pool.retain(|index| !shown.contains(index));
        let purpose = ["demonstrations", &self.step.to_string(), &place.to_string()];
        let mut rng = generator(self.settings.seed, &purpose);
        pool.shuffle(&mut rng);
        if let Some(set) = &self.evaluator.labels {
            let counts = self.label_counts(shown);
            let label = |at: usize| set.position(self.task.examples[at].answer.best());
            let shown_of = |at: usize| label(at).map_or(usize::MAX, |label| counts[label]);
            if let Some(least) = pool.iter().map(|&at| shown_of(at)).min() {
                pool.retain(|&at| shown_of(at) == least);
            }
            // The first of each label, then the second of each.
            let mut turns = vec![0; set.labels.len()];
            let mut turn = |at: usize| {
                label(at).map_or(0, |label| {
                    turns[label] += 1;
                    turns[label]
                })
            };
            let mut ordered: Vec<(usize, usize)> = pool.iter().map(|&at| (turn(at), at)).collect();
            ordered.sort_by_key(|(turn, _)| *turn);
            pool = ordered.into_iter().map(|(_, at)| at).collect();
        }
        pool.truncate(count);
        pool
    }

    /// The best of prompts that were scored whole; the first of equals.
    fn best_of(&self, scored: Vec<Scored>) -> Option<Scored> {
        let whole: Vec<Scored> = scored
            .into_iter()
            .filter(|one| one.score.dropped.is_none())
            .collect();
        let lowest = whole
            .iter()
            .min_by(|a, b| a.score.loss().total_cmp(&b.score.loss()))?
            .clone();
        whole
            .into_iter()
            .filter(|one| {
                let behind = paired(&lowest, one);
                behind.difference <= behind.std_error
                    || one.candidate.ordinal == lowest.candidate.ordinal
            })
            .min_by(by_answers)
    }

    /// Other orders of the demonstrations, since small models lean to what they read last.
    async fn order_shown(&mut self, best: Scored) -> Result<Scored, OptimizeError> {
        let prompt = Prompt::parse(&best.candidate.text);
        if prompt.demonstrations.len() < 2 || self.exhausted().is_some() {
            return Ok(best);
        }
        let shown = self.shown_in(&prompt);
        let purpose = ["order", &self.step.to_string()];
        let mut rng = generator(self.settings.seed, &purpose);
        let mut racers = Vec::new();
        for _ in 0..self.settings.demonstration_sets {
            let mut other = prompt.clone();
            other.demonstrations.shuffle(&mut rng);
            let proposal = self.showing(other, &shown, None);
            racers.extend(self.consider_new(proposal, &best).await?);
        }
        let scored = self.race(racers, &best, Against::Incumbent).await?;
        Ok(winner(&best, scored, self.settings).unwrap_or(best))
    }

    /// A model without a chat template reads demonstrations as text: other forms of it, in
    /// the prompt's own words from then on.
    async fn form_shown(&mut self, best: Scored) -> Result<Scored, OptimizeError> {
        let prompt = Prompt::parse(&best.candidate.text);
        let placed = !Template::parse(&prompt.text).placeholders().is_empty();
        let bound = self.evaluator.has_chat_template || placed || !self.task.frozen.is_empty();
        if bound || prompt.demonstrations.is_empty() || self.exhausted().is_some() {
            return Ok(best);
        }
        let shown = self.shown_in(&prompt);
        let mut racers = Vec::new();
        for form in FORMS {
            let text = match prompt.text.trim_end() {
                "" => form.to_owned(),
                text => format!("{text}\n\n{form}"),
            };
            let other = Prompt {
                text,
                demonstrations: prompt.demonstrations.clone(),
            };
            let proposal = self.showing(other, &shown, None);
            racers.extend(self.consider_new(proposal, &best).await?);
        }
        let scored = self.race(racers, &best, Against::Incumbent).await?;
        Ok(winner(&best, scored, self.settings).unwrap_or(best))
    }

    /// Prompts with one demonstration changed for another one of the same label.
    pub(super) fn swaps(&self, prompt: &Prompt, count: usize) -> Vec<Proposal> {
        let shown = self.shown_in(prompt);
        let own = self.settings.max_demonstrations > 0 && !prompt.demonstrations.is_empty();
        if !own {
            return Vec::new();
        }
        let mut rng = generator(self.settings.seed, &["swap", &self.step.to_string()]);
        let mut places: Vec<usize> = (0..prompt.demonstrations.len()).collect();
        places.shuffle(&mut rng);
        let mut pool = self.plan.split.pool.clone();
        pool.retain(|at| !shown.contains(at));
        pool.shuffle(&mut rng);
        let labelled = self.evaluator.labels.is_some();
        let mut out = Vec::new();
        for place in places.into_iter().take(count) {
            let answer = &prompt.demonstrations[place].answer;
            let fits = |at: &usize| !labelled || self.task.examples[*at].answer.best() == answer;
            let Some(found) = pool.iter().position(fits) else {
                continue;
            };
            let example = pool.remove(found);
            let mut other = prompt.clone();
            other.demonstrations[place] = prompt.demonstration(&self.task.examples[example]);
            let left = self.shown_in(&other);
            out.push(self.showing(other, &left, None));
        }
        out
    }
}
