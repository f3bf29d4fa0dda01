//! The curve of a run, or of a group of them: one place decides what it is.

use crate::kinds::{CurveAxis, CurveKind, CurvePoint, CurveStyle, Place};
use crate::levels::Levels;
use crate::order::Ordered;

/// Of more prompts than this that come at once, and are a good part of all, the orders
/// are made anew: to put in each one by itself would take longer.
const BULK: usize = 64;

/// What a curve says at one of its places.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reading {
    /// Where on the axis.
    pub x: f64,
    /// The loss drawn, in nats.
    pub value: f64,
    /// The loss measured, where smoothing draws another one.
    pub raw: Option<f64>,
    /// Number and step of the prompt; none of a group.
    pub prompt: Option<(u32, u32)>,
    /// Lowest and highest loss of a group.
    pub band: Option<(f64, f64)>,
    /// Whether the loss is an estimate of a prompt that was dropped early.
    pub estimate: bool,
}

/// The end of a curve while prompts are added.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Tip {
    places: usize,
    /// The last place, with the loss that stands there before smoothing.
    last: Option<(Place, f64)>,
    start: f64,
    best: f64,
    /// Sum and weights of the moving average before the last place.
    before: (f64, f64),
    /// The same with the last place.
    with: (f64, f64),
}

/// A curve. It grows with its run: prompts are added, nothing is made anew.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve {
    axis: CurveAxis,
    kind: CurveKind,
    /// Weight of what came before; 0 where nothing is smoothed.
    smoothing: f64,
    places: Vec<Place>,
    /// Lowest and highest loss of a group at each place; empty of a run.
    band: Vec<(f64, f64)>,
    /// Held-out losses: place on the axis and loss in nats.
    checks: Vec<(f64, f64)>,
    levels: Levels,
    /// All losses measured.
    losses: Ordered,
    /// All heights drawn: values, what was smoothed, bands.
    heights: Ordered,
    /// Where prompts begin that may still change.
    settled: Tip,
    tip: Tip,
    /// Whether so many prompts are being added that the orders are made anew after them.
    bulk: bool,
}

impl Curve {
    /// A run's curve without any prompt yet.
    pub fn new(style: &CurveStyle) -> Self {
        // Also where the window sends nonsense.
        let smooths = style.smoothing > 0.0 && style.smoothing < 1.0;
        Self {
            axis: style.axis,
            kind: style.kind,
            smoothing: match style.kind {
                CurveKind::Each if smooths => style.smoothing,
                _ => 0.0,
            },
            places: Vec::new(),
            band: Vec::new(),
            checks: Vec::new(),
            levels: Levels::default(),
            losses: Ordered::default(),
            heights: Ordered::default(),
            settled: Tip::default(),
            tip: Tip::default(),
            bulk: false,
        }
    }

    /// The curve of a run that does not go on.
    pub fn of(points: &[CurvePoint], style: &CurveStyle) -> Self {
        let mut curve = Self::new(style);
        curve.grow(points, &[]);
        curve
    }

    /// The mean of several curves at the places `at`, each with the lowest and the highest
    /// of them.
    pub(crate) fn of_group(
        members: &[&Self],
        places: Vec<Place>,
        band: Vec<(f64, f64)>,
        (start, best): (f64, f64),
    ) -> Self {
        let (axis, kind) = (members[0].axis, members[0].kind);
        let mut levels = Levels::default();
        levels.update(&places, 0);
        let heights = places.iter().map(|place| place.value);
        let heights = heights.chain(band.iter().flat_map(|&(low, high)| [low, high]));
        let tip = Tip {
            places: places.len(),
            start,
            best,
            ..Tip::default()
        };
        Self {
            axis,
            kind,
            smoothing: 0.0,
            losses: Ordered::of(places.iter().map(|place| place.loss).collect()),
            heights: Ordered::of(heights.collect()),
            places,
            band,
            checks: Vec::new(),
            levels,
            settled: tip,
            tip,
            bulk: false,
        }
    }

    /// Adds prompts in order of trial: `settled` ones stay as they are, `open` ones are
    /// given again at the next call, as they are then. Returns how many places and
    /// summaries of them were made, which is all the work there is.
    pub fn grow(&mut self, settled: &[CurvePoint], open: &[CurvePoint]) -> usize {
        let from = self.settled.places.saturating_sub(1);
        let added = settled.len() + open.len();
        self.bulk = added > BULK && added * 4 > self.places.len();
        self.go_back();
        for point in settled {
            self.push(point);
        }
        self.settled = self.tip;
        for point in open {
            self.push(point);
        }
        if std::mem::take(&mut self.bulk) {
            let losses = self.places.iter().map(|place| place.loss);
            let values = self.places.iter().map(|place| place.value);
            self.heights = Ordered::of(match self.smoothing > 0.0 {
                true => values.chain(losses.clone()).collect(),
                false => values.collect(),
            });
            self.losses = Ordered::of(losses.collect());
        }
        added + self.levels.update(&self.places, from)
    }

    /// Says what the held-out losses are: number of the prompt and loss in nats.
    pub fn check(&mut self, found: &[(u32, f64)]) {
        let place = |ordinal: u32| {
            let behind = self.places.partition_point(|one| one.ordinal < ordinal);
            self.places.get(behind).or(self.places.last())
        };
        let checks = found.iter();
        let checks = checks.filter_map(|&(ordinal, loss)| Some((place(ordinal)?.x, loss)));
        self.checks = checks.collect();
    }

    /// Takes away what may have changed.
    fn go_back(&mut self) {
        let kept = self.settled.places;
        for at in kept..self.places.len() {
            self.forget(self.places[at]);
        }
        self.places.truncate(kept);
        if let (Some((before, _)), Some(now)) = (self.settled.last, self.places.last().copied()) {
            // An open prompt may have taken the place of the last settled one.
            if before != now {
                self.forget(now);
                self.keep(before);
                self.places[kept - 1] = before;
            }
        }
        self.tip = self.settled;
    }

    fn push(&mut self, point: &CurvePoint) {
        if self.places.is_empty() {
            self.tip.start = point.loss;
            self.tip.best = point.loss;
        }
        if point.best && point.loss < self.tip.best {
            self.tip.best = point.loss;
        }
        let plain = match self.kind {
            CurveKind::Best => self.tip.best,
            CurveKind::Each => point.loss,
        };
        let mut place = Place {
            x: along(point, self.axis),
            value: plain,
            loss: point.loss,
            ordinal: point.ordinal,
            step: point.step,
            taken: point.best,
            dropped: point.dropped,
        };
        let same = self.tip.last.filter(|(last, _)| last.x >= place.x);
        match same {
            // Over steps: what stands at the end of the step, or its lowest.
            Some((last, before)) if self.kind == CurveKind::Best || plain < before => {
                self.forget(last);
                self.places.pop();
            }
            Some(_) => return,
            None => self.tip.before = self.tip.with,
        }
        if self.smoothing > 0.0 {
            // What is missing before the first value is not counted as zero: each sum is
            // divided by the weights it has.
            let (sum, weights) = self.tip.before;
            let (old, new) = (self.smoothing, 1.0 - self.smoothing);
            self.tip.with = (old * sum + new * plain, old * weights + new);
            place.value = self.tip.with.0 / self.tip.with.1;
        }
        self.keep(place);
        self.places.push(place);
        self.tip.last = Some((place, plain));
        self.tip.places = self.places.len();
    }

    fn keep(&mut self, place: Place) {
        if self.bulk {
            return;
        }
        self.losses.add(place.loss);
        self.heights.add(place.value);
        if self.smoothing > 0.0 {
            self.heights.add(place.loss);
        }
    }

    fn forget(&mut self, place: Place) {
        if self.bulk {
            return;
        }
        self.losses.remove(place.loss);
        self.heights.remove(place.value);
        if self.smoothing > 0.0 {
            self.heights.remove(place.loss);
        }
    }

    /// Whether no prompt was measured yet.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// What it is drawn over.
    pub fn axis(&self) -> CurveAxis {
        self.axis
    }

    /// Loss of the start; of a group the mean. In nats.
    pub fn start(&self) -> f64 {
        self.tip.start
    }

    /// Lowest loss reached; of a group the mean. In nats.
    pub fn best(&self) -> f64 {
        self.tip.best
    }

    /// Where it ends on the axis.
    pub fn end(&self) -> f64 {
        self.places.last().map_or(0.0, |place| place.x)
    }

    /// Whether a loss holds until the next place.
    pub fn is_stairs(&self) -> bool {
        self.kind == CurveKind::Best
    }

    /// The last place that is not behind `x`: a search by halves.
    pub fn at(&self, x: f64) -> Option<Reading> {
        self.nth_at(x).map(|at| self.reading(at))
    }

    pub(crate) fn nth_at(&self, x: f64) -> Option<usize> {
        self.places
            .partition_point(|place| place.x <= x)
            .checked_sub(1)
    }

    /// All its places.
    pub fn readings(&self) -> impl Iterator<Item = Reading> + '_ {
        (0..self.places.len()).map(|at| self.reading(at))
    }

    fn reading(&self, at: usize) -> Reading {
        let place = &self.places[at];
        let band = self.band.get(at).copied();
        Reading {
            x: place.x,
            value: place.value,
            raw: (self.smoothing > 0.0).then_some(place.loss),
            prompt: band.is_none().then_some((place.ordinal, place.step)),
            band,
            estimate: self.kind == CurveKind::Each && place.dropped,
        }
    }

    pub(crate) fn places(&self) -> &[Place] {
        &self.places
    }

    pub(crate) fn band(&self) -> &[(f64, f64)] {
        &self.band
    }

    pub(crate) fn checks(&self) -> &[(f64, f64)] {
        &self.checks
    }

    pub(crate) fn is_smooth(&self) -> bool {
        self.smoothing > 0.0
    }

    pub(crate) fn losses(&self) -> &[f64] {
        self.losses.as_slice()
    }

    pub(crate) fn heights(&self) -> &[f64] {
        self.heights.as_slice()
    }

    /// Numbers of the places that a picture from `low` to `high` shows in `columns`
    /// columns, with one more at either side for the line that leads there.
    pub(crate) fn thin(&self, (low, high): (f64, f64), columns: usize) -> Vec<usize> {
        let from = self.places.partition_point(|place| place.x < low);
        let to = self.places.partition_point(|place| place.x <= high);
        let to = (to + 1).min(self.places.len());
        self.levels.thin(from.saturating_sub(1)..to, columns)
    }
}

fn along(point: &CurvePoint, axis: CurveAxis) -> f64 {
    match axis {
        CurveAxis::Prompts => f64::from(point.ordinal),
        CurveAxis::Steps => f64::from(point.step),
        CurveAxis::Pairs => point.pairs as f64,
        CurveAxis::Tokens => point.tokens as f64,
        CurveAxis::Seconds => point.seconds,
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn points(losses: &[f64]) -> Vec<CurvePoint> {
        losses
            .iter()
            .enumerate()
            .map(|(at, &loss)| CurvePoint {
                ordinal: at as u32,
                step: at.div_ceil(2) as u32,
                loss,
                dropped: at == 3,
                best: at == 0 || at == 2,
                pairs: 10 * (at as u64 + 1),
                tokens: 1000 * (at as u64 + 1),
                seconds: 0.5 * (at as f64 + 1.0),
            })
            .collect()
    }

    fn values(curve: &Curve) -> Vec<f64> {
        curve.readings().map(|one| one.value).collect()
    }

    pub(crate) fn close(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-12
    }

    #[test]
    fn the_best_so_far_never_rises_and_each_is_as_measured() {
        // The second prompt is lower, but the step chose another one.
        let points = points(&[3.0, 2.5, 2.0, 1.0, 4.0]);
        let mut style = CurveStyle::default();
        let best = Curve::of(&points, &style);
        assert_eq!(values(&best), [3.0, 3.0, 2.0, 2.0, 2.0]);
        assert_eq!(best.at(2.5).unwrap().prompt, Some((2, 1)));
        assert_eq!(best.at(-0.1), None);
        style.kind = CurveKind::Each;
        style.axis = CurveAxis::Seconds;
        let each = Curve::of(&points, &style);
        assert_eq!(each.at(2.2).unwrap().value.to_bits(), 1.0_f64.to_bits());
        assert!(each.at(2.2).unwrap().estimate);
        assert!(close(each.end(), 2.5));
        // Over steps the lowest prompt of each.
        style.axis = CurveAxis::Steps;
        assert_eq!(values(&Curve::of(&points, &style)), [3.0, 2.0, 1.0]);
    }

    #[test]
    fn smoothing_keeps_what_was_measured_and_does_not_begin_at_zero() {
        let points = points(&[4.0, 2.0, 2.0]);
        let style = CurveStyle {
            kind: CurveKind::Each,
            smoothing: 0.5,
            ..CurveStyle::default()
        };
        let curve = Curve::of(&points, &style);
        assert!(close(values(&curve)[0], 4.0) && close(values(&curve)[1], 8.0 / 3.0));
        assert_eq!(curve.at(1.0).unwrap().raw, Some(2.0));
        let nonsense = CurveStyle {
            smoothing: f64::NAN,
            ..style
        };
        assert_eq!(Curve::of(&points, &nonsense).at(1.0).unwrap().raw, None);
    }

    /// A long run, with everything that happens in one: costs that stand still, prompts
    /// that are dropped, steps of different lengths.
    pub(crate) fn long_run(prompts: u32) -> Vec<CurvePoint> {
        let mut best = f64::MAX;
        (0..prompts)
            .map(|at| {
                let noise = f64::from((at * 7919 + 31) % 1000) / 1000.0;
                let loss = 2.0 + 3.0 / (1.0 + f64::from(at) / 200.0) + noise;
                let taken = at == 0 || (at % 23 == 5 && loss < best);
                if taken {
                    best = loss;
                }
                CurvePoint {
                    ordinal: at + at / 40,
                    step: at.div_ceil(20),
                    loss,
                    dropped: at % 3 == 1,
                    best: taken,
                    pairs: u64::from(at) * 10,
                    // Known pairs cost nothing.
                    tokens: u64::from(at / 4) * 900,
                    seconds: f64::from(at / 3) * 0.4,
                }
            })
            .collect()
    }

    #[test]
    fn a_curve_that_grows_is_the_one_made_at_once() {
        let all = long_run(300);
        for axis in [CurveAxis::Prompts, CurveAxis::Steps, CurveAxis::Seconds] {
            for (kind, smoothing) in [
                (CurveKind::Best, 0.0),
                (CurveKind::Each, 0.0),
                (CurveKind::Each, 0.7),
            ] {
                let style = CurveStyle {
                    axis,
                    kind,
                    smoothing,
                    ..CurveStyle::default()
                };
                let mut grown = Curve::new(&style);
                let mut settled = 0;
                for now in 1..=all.len() {
                    // A step is decided when the next one begins.
                    let step = all[now - 1].step;
                    let until = all[..now].partition_point(|point| point.step < step);
                    let mut open = all[until..now].to_vec();
                    grown.grow(&all[settled..until], &open);
                    settled = until;
                    assert_eq!(
                        grown.readings().collect::<Vec<_>>(),
                        Curve::of(&all[..now], &style)
                            .readings()
                            .collect::<Vec<_>>()
                    );
                    // What is open may be told otherwise before it is settled.
                    open.iter_mut().for_each(|point| point.loss += 0.5);
                    grown.grow(&[], &open);
                }
                grown.grow(&all[settled..], &[]);
                assert_eq!(grown.places, Curve::of(&all, &style).places);
                assert_eq!(grown.heights, Curve::of(&all, &style).heights);
                assert_eq!(grown.losses, Curve::of(&all, &style).losses);
                assert_eq!(grown.levels, Curve::of(&all, &style).levels);
            }
        }
    }

    #[test]
    fn growing_costs_what_is_new() {
        let work = |prompts: u32| {
            let all = long_run(prompts);
            let mut curve = Curve::new(&CurveStyle::default());
            let mut settled = 0;
            let mut work = 0;
            for now in 1..=all.len() {
                let step = all[now - 1].step;
                let until = all[..now].partition_point(|point| point.step < step);
                work += curve.grow(&all[settled..until], &all[until..now]);
                settled = until;
            }
            work
        };
        let (some, twice, much) = (work(500), work(1000), work(8000));
        // In proportion, but for the levels, whose number grows with the logarithm.
        assert!(twice < some * 5 / 2, "{some} {twice}");
        assert!(much < some * 16 * 3 / 2, "{some} {much}");
    }

    #[test]
    fn held_out_losses_stand_where_their_prompts_stand() {
        let style = CurveStyle {
            axis: CurveAxis::Seconds,
            ..CurveStyle::default()
        };
        let mut curve = Curve::of(&points(&[3.0, 2.5, 2.0]), &style);
        curve.check(&[(0, 3.5), (2, 2.5)]);
        assert_eq!(curve.checks(), [(0.5, 3.5), (1.5, 2.5)]);
    }
}
