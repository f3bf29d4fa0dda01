//! Curves of runs as they are drawn, read and written: one place decides what they are.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::{OverlayLine, OverlayPicture};

/// Places at which the mean of a group is taken at most.
const GROUP_PLACES: usize = 2000;

/// What the curves of runs are drawn over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum CurveAxis {
    /// Prompts tried.
    #[default]
    Prompts,
    /// Steps decided.
    Steps,
    /// Pairs of prompt and example looked at.
    Pairs,
    /// Tokens computed.
    Tokens,
    /// Seconds that the model worked.
    Seconds,
}

/// Which losses a curve goes through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum CurveKind {
    /// The best so far.
    #[default]
    Best,
    /// Every prompt tried; over steps the lowest of each step.
    Each,
}

/// What runs are put together by. Runs that cannot be compared never share a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum CurveGroups {
    /// Each by itself.
    #[default]
    None,
    /// Same start prompt.
    Prompt,
    /// Same model.
    Model,
    /// Same data.
    Data,
}

/// How curves are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, TS)]
#[serde(default)]
pub struct CurveStyle {
    /// Over what.
    pub axis: CurveAxis,
    /// Through what.
    pub kind: CurveKind,
    /// Weight of what came before in the moving average, from 0 (off) to below 1.
    pub smoothing: f64,
    /// Put together by what.
    pub groups: CurveGroups,
    /// Whether the loss axis is logarithmic.
    pub log: bool,
    /// Whether the start's loss is drawn as a level line.
    pub starts: bool,
}

/// A prompt of a run's curve and what the run had spent when it was scored.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CurvePoint {
    /// Number of the prompt within the run, from 0 (the start prompt).
    pub ordinal: u32,
    /// Step that proposed it; 0 for the start prompt.
    pub step: u32,
    /// Mean training loss in nats.
    pub loss: f64,
    /// Whether it was dropped early; then the loss is an estimate.
    pub dropped: bool,
    /// Whether it is the start prompt or was the incumbent after a step.
    pub best: bool,
    /// Pairs of prompt and example looked at, this prompt's among them.
    pub pairs: u64,
    /// Tokens computed, this prompt's among them.
    pub tokens: u64,
    /// Seconds that the model worked, this prompt's among them.
    pub seconds: f64,
}

/// A run to be drawn.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// Number of the run.
    pub run: i64,
    /// Its name.
    pub name: &'a str,
    /// Its colour.
    pub colour: [u8; 3],
    /// Its prompts in order of trial.
    pub points: &'a [CurvePoint],
    /// What it is put together by; runs of one group have the same.
    pub group: Option<&'a str>,
    /// Name of that group.
    pub group_name: &'a str,
    /// Equal where losses may be compared.
    pub ground: &'a str,
}

/// A place of a curve.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Place {
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

/// A curve: of a run, or of a group of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve {
    /// Name of the run or of the group.
    pub name: String,
    /// The runs in it.
    pub runs: Vec<i64>,
    /// Red, green and blue.
    pub colour: [u8; 3],
    /// Equal where losses may be compared.
    pub ground: String,
    /// In order of place; never empty.
    pub places: Vec<Place>,
    /// Loss of the start, in nats.
    pub start: f64,
    /// Lowest loss reached, in nats.
    pub best: f64,
    /// Whether a loss holds until the next place.
    pub stairs: bool,
}

impl Curve {
    /// The last place that is not behind `x`.
    pub fn at(&self, x: f64) -> Option<&Place> {
        let behind = self.places.partition_point(|place| place.x <= x);
        behind.checked_sub(1).map(|at| &self.places[at])
    }
}

/// The curves of runs, in their order; groups stand where their first run stands.
/// Runs without a measured prompt give none.
pub fn curves(sources: &[Source<'_>], style: &CurveStyle) -> Vec<Curve> {
    let singles = sources
        .iter()
        .filter(|source| !source.points.is_empty())
        .map(|source| (source, single(source, style)));
    let mut out: Vec<(Option<&str>, Vec<Curve>)> = Vec::new();
    let mut names: Vec<&str> = Vec::new();
    for (source, curve) in singles {
        let same =
            |known: &&mut (Option<&str>, Vec<Curve>)| known.0.is_some() && known.0 == source.group;
        match out.iter_mut().find(same) {
            Some((_, members)) => members.push(curve),
            None => {
                names.push(source.group_name);
                out.push((source.group, vec![curve]));
            }
        }
    }
    out.into_iter()
        .zip(names)
        .map(|((group, mut members), name)| match group {
            Some(_) => grouped(name, members),
            None => members.swap_remove(0),
        })
        .collect()
}

fn single(source: &Source<'_>, style: &CurveStyle) -> Curve {
    let start = source.points[0].loss;
    let mut best = start;
    let mut places: Vec<Place> = Vec::with_capacity(source.points.len());
    for point in source.points {
        if point.best && point.loss < best {
            best = point.loss;
        }
        let place = Place {
            x: along(point, style.axis),
            value: match style.kind {
                CurveKind::Best => best,
                CurveKind::Each => point.loss,
            },
            raw: None,
            prompt: Some((point.ordinal, point.step)),
            band: None,
            estimate: style.kind == CurveKind::Each && point.dropped,
        };
        match places.last_mut().filter(|last| last.x >= place.x) {
            // Over steps: what stands at the end of the step, or its lowest.
            Some(last) if style.kind == CurveKind::Best || place.value < last.value => {
                *last = place;
            }
            Some(_) => {}
            None => places.push(place),
        }
    }
    if style.kind == CurveKind::Each {
        smooth(&mut places, style.smoothing);
    }
    Curve {
        name: source.name.to_owned(),
        runs: vec![source.run],
        colour: source.colour,
        ground: source.ground.to_owned(),
        places,
        start,
        best,
        stairs: style.kind == CurveKind::Best,
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

/// Exponential moving average in order of trial. What is missing before the first
/// value is not counted as zero: each sum is divided by the weights it has.
fn smooth(places: &mut [Place], weight: f64) {
    // Also where the window sends nonsense.
    if !(weight > 0.0 && weight < 1.0) {
        return;
    }
    let (mut sum, mut weights) = (0.0, 0.0);
    for place in places {
        sum = weight * sum + (1.0 - weight) * place.value;
        weights = weight * weights + (1.0 - weight);
        place.raw = Some(place.value);
        place.value = sum / weights;
    }
}

/// The mean of several curves, with the lowest and the highest of them. A curve that
/// has ended counts on with its last loss, so that no end looks like a change.
fn grouped(name: &str, members: Vec<Curve>) -> Curve {
    let mut at: Vec<f64> = members
        .iter()
        .flat_map(|curve| curve.places.iter().map(|place| place.x))
        .collect();
    at.sort_by(f64::total_cmp);
    at.dedup();
    // More places than pixels: every so many, and the last one.
    let every = at.len().div_ceil(GROUP_PLACES).max(1);
    let last = at.len() - 1;
    let places = at
        .iter()
        .enumerate()
        .filter(|(nth, _)| nth % every == 0 || *nth == last)
        .map(|(_, &x)| {
            let values: Vec<f64> = members
                .iter()
                .filter_map(|curve| curve.at(x))
                .map(|place| place.value)
                .collect();
            let low = values.iter().copied().fold(f64::MAX, f64::min);
            let high = values.iter().copied().fold(f64::MIN, f64::max);
            Place {
                x,
                value: mean(&values),
                raw: None,
                prompt: None,
                band: Some((low, high)),
                estimate: false,
            }
        })
        .collect();
    let starts: Vec<f64> = members.iter().map(|curve| curve.start).collect();
    let bests: Vec<f64> = members.iter().map(|curve| curve.best).collect();
    Curve {
        name: name.to_owned(),
        runs: members
            .iter()
            .flat_map(|curve| curve.runs.clone())
            .collect(),
        colour: members[0].colour,
        ground: members[0].ground.clone(),
        places,
        start: mean(&starts),
        best: mean(&bests),
        stairs: members[0].stairs,
    }
}

fn mean(values: &[f64]) -> f64 {
    pmpo_core::loss::mean(values)
}

/// What plotters draws of them.
pub fn picture(curves: &[Curve], style: &CurveStyle) -> OverlayPicture {
    let line = |curve: &Curve| {
        let places = curve.places.iter();
        let faint = places.clone().filter_map(|p| p.raw.map(|raw| (p.x, raw)));
        let band = places.clone().filter_map(|place| {
            let (low, high) = place.band.filter(|_| curve.runs.len() > 1)?;
            Some((place.x, low, high))
        });
        OverlayLine {
            title: curve.name.clone(),
            colour: curve.colour,
            points: places.clone().map(|place| (place.x, place.value)).collect(),
            stairs: curve.stairs,
            faint: faint.collect(),
            band: band.collect(),
            level: style.starts.then_some(curve.start),
        }
    };
    OverlayPicture {
        lines: curves.iter().map(line).collect(),
        axis: axis_words(style.axis).to_owned(),
        whole: !matches!(style.axis, CurveAxis::Seconds),
    }
}

fn axis_words(axis: CurveAxis) -> &'static str {
    match axis {
        CurveAxis::Prompts => "prompts tried",
        CurveAxis::Steps => "steps",
        CurveAxis::Pairs => "pairs of prompt and example",
        CurveAxis::Tokens => "tokens computed",
        CurveAxis::Seconds => "working time in seconds",
    }
}

fn axis_column(axis: CurveAxis) -> &'static str {
    match axis {
        CurveAxis::Prompts => "prompt",
        CurveAxis::Steps => "step",
        CurveAxis::Pairs => "pairs",
        CurveAxis::Tokens => "tokens",
        CurveAxis::Seconds => "seconds",
    }
}

/// Every value drawn within the ranges, to the last digit.
///
/// # Errors
/// Where the table cannot be written down, which does not happen in memory.
pub fn csv(
    curves: &[Curve],
    style: &CurveStyle,
    x: Option<(f64, f64)>,
    y: Option<(f64, f64)>,
) -> Result<Vec<u8>, csv::Error> {
    let mut out = csv::Writer::from_writer(Vec::new());
    out.write_record([
        "curve",
        "runs",
        axis_column(style.axis),
        "loss",
        "measured_loss",
        "lowest",
        "highest",
        "prompt_number",
        "prompt_step",
        "estimate",
    ])?;
    let inside = |range: Option<(f64, f64)>, value: f64| {
        range.is_none_or(|(low, high)| (low..=high).contains(&value))
    };
    let number = |value: Option<f64>| value.map_or_else(String::new, |v| v.to_string());
    for curve in curves {
        let runs: Vec<String> = curve.runs.iter().map(i64::to_string).collect();
        let runs = runs.join(" ");
        let name = plain_cell(&curve.name);
        let shown = curve.places.iter();
        for place in shown.filter(|p| inside(x, p.x) && inside(y, p.value)) {
            out.write_record([
                name.as_str(),
                &runs,
                &place.x.to_string(),
                &place.value.to_string(),
                &number(place.raw),
                &number(place.band.map(|band| band.0)),
                &number(place.band.map(|band| band.1)),
                &place.prompt.map_or_else(String::new, |p| p.0.to_string()),
                &place.prompt.map_or_else(String::new, |p| p.1.to_string()),
                if place.estimate { "yes" } else { "no" },
            ])?;
        }
    }
    out.into_inner().map_err(|why| why.into_error().into())
}

/// A name that no spreadsheet takes for a formula.
fn plain_cell(text: &str) -> String {
    match text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        true => format!("'{text}"),
        false => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(losses: &[f64]) -> Vec<CurvePoint> {
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

    fn source<'a>(run: i64, points: &'a [CurvePoint], group: Option<&'a str>) -> Source<'a> {
        Source {
            run,
            name: "=run",
            colour: [0, 0, 0],
            points,
            group,
            group_name: "group",
            ground: "g",
        }
    }

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-12
    }

    #[test]
    fn the_best_so_far_never_rises_and_each_is_as_measured() {
        // The second prompt is lower, but the step chose another one.
        let points = points(&[3.0, 2.5, 2.0, 1.0, 4.0]);
        let mut style = CurveStyle::default();
        let best = &curves(&[source(7, &points, None)], &style)[0];
        let values: Vec<f64> = best.places.iter().map(|place| place.value).collect();
        assert_eq!(values, [3.0, 3.0, 2.0, 2.0, 2.0]);
        assert_eq!(best.at(2.5).unwrap().prompt, Some((2, 1)));
        assert_eq!(best.at(-0.1), None);
        style.kind = CurveKind::Each;
        style.axis = CurveAxis::Seconds;
        let each = &curves(&[source(7, &points, None)], &style)[0];
        assert_eq!(each.at(2.2).unwrap().value.to_bits(), 1.0_f64.to_bits());
        assert!(each.at(2.2).unwrap().estimate);
        assert!(close(each.places[4].x, 2.5));
        // Over steps the lowest prompt of each.
        style.axis = CurveAxis::Steps;
        let steps = &curves(&[source(7, &points, None)], &style)[0];
        let values: Vec<f64> = steps.places.iter().map(|place| place.value).collect();
        assert_eq!(values, [3.0, 2.0, 1.0]);
    }

    #[test]
    fn smoothing_keeps_what_was_measured_and_does_not_begin_at_zero() {
        let points = points(&[4.0, 2.0, 2.0]);
        let style = CurveStyle {
            kind: CurveKind::Each,
            smoothing: 0.5,
            ..CurveStyle::default()
        };
        let curve = &curves(&[source(1, &points, None)], &style)[0];
        let values: Vec<f64> = curve.places.iter().map(|place| place.value).collect();
        assert!(close(values[0], 4.0) && close(values[1], 8.0 / 3.0));
        assert_eq!(curve.places[1].raw, Some(2.0));
        let picture = picture(std::slice::from_ref(curve), &style);
        assert_eq!(picture.lines[0].faint.len(), 3);
        let nonsense = CurveStyle {
            smoothing: f64::NAN,
            ..style
        };
        assert_eq!(
            curves(&[source(1, &points, None)], &nonsense)[0].places[1].raw,
            None
        );
    }

    #[test]
    fn a_group_is_the_mean_with_its_extremes() {
        let (a, b) = (points(&[3.0, 3.0, 1.0]), points(&[5.0, 5.0, 4.0, 4.0, 4.0]));
        let style = CurveStyle {
            groups: CurveGroups::Prompt,
            ..CurveStyle::default()
        };
        let sources = [
            source(1, &a, Some("p")),
            source(2, &a, None),
            source(3, &b, Some("p")),
        ];
        let found = curves(&sources, &style);
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].runs, [1, 3]);
        assert_eq!(found[0].name, "group");
        let last = found[0].places.last().unwrap();
        assert!(close(last.x, 4.0) && close(last.value, 2.5));
        assert_eq!(last.band, Some((1.0, 4.0)));
        assert!(close(found[0].start, 4.0));
        let empty = source(4, &[], None);
        assert!(curves(&[empty], &style).is_empty());
    }

    #[test]
    fn the_file_holds_what_is_shown_to_the_last_digit() {
        let points = points(&[0.1 + 0.2, 2.5, 1.0 / 3.0]);
        let style = CurveStyle::default();
        let found = curves(&[source(1, &points, None)], &style);
        let bytes = csv(&found, &style, Some((1.0, 2.0)), None).unwrap();
        let mut reader = csv::Reader::from_reader(&bytes[..]);
        let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
        assert_eq!(rows.len(), 2);
        let loss: f64 = rows[0][3].parse().unwrap();
        assert_eq!(loss.to_bits(), (0.1_f64 + 0.2).to_bits());
        // A spreadsheet must not take a name for a formula.
        assert_eq!(&rows[0][0], "'=run");
    }
}
