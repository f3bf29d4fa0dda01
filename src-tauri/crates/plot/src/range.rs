//! What the axes of a picture show.

use crate::axis::Axis;
use crate::curve::Curve;
use crate::kinds::CurveAxis;
use crate::order::nth;
use crate::paper::PlotError;
use crate::picture::{Picture, NAMED};
use crate::style::View;

/// What the axes show: what was asked for, or everything that matters.
pub(crate) fn axes(picture: &Picture<'_>, view: &View) -> Result<(Axis, Axis), PlotError> {
    let run = picture.run();
    let curves = || picture.lines.iter().map(|line| &*line.curve);
    if curves().all(Curve::is_empty) {
        return Err(PlotError::Nothing);
    }
    let starts: Vec<f64> = match run.is_some() || picture.starts {
        true => curves().map(Curve::start).collect(),
        false => Vec::new(),
    };
    let mut single: Vec<[f64; 1]> = starts.iter().map(|&start| [start]).collect();
    if let Some(run) = run {
        single.extend(run.curve.checks().iter().map(|&(_, loss)| [loss]));
    }
    let mut lists: Vec<&[f64]> = single.iter().map(|one| &one[..]).collect();
    lists.extend(curves().map(|curve| match run {
        Some(_) => curve.losses(),
        // What was measured is seen whole, whatever smoothing makes of it.
        None => curve.heights(),
    }));
    // Each list is in order, and what is no number stands at its ends.
    let ends = lists
        .iter()
        .flat_map(|list| list.first().into_iter().chain(list.last()));
    let last = curves().map(Curve::end).fold(0.0, f64::max);
    if ends.copied().any(|loss| !loss.is_finite()) || !last.is_finite() {
        return Err(PlotError::NotFinite);
    }
    let all: usize = lists.iter().map(|list| list.len()).sum();
    let (Some(least), Some(most)) = (nth(&lists, 0), nth(&lists, (all - 1) * 95 / 100)) else {
        return Err(PlotError::Nothing);
    };
    // A few far worse prompts do not flatten the rest; starts are always worth seeing.
    let firsts = curves().filter_map(|curve| match run {
        Some(_) => Some(curve.start()),
        None => Some(curve.places().first()?.value),
    });
    let most = firsts.fold(most, f64::max);
    // Noise of the last digits is no curve.
    let span = (most - least).max(0.2);
    let above = if run.is_some() { 0.12 } else { 0.08 };
    let (mut low, mut high) = view.y.unwrap_or((least - 0.05 * span, most + above * span));
    if view.log {
        // Room below, as on the other scale, yet never down to nothing.
        low = match view.y {
            Some(_) => low.max(1e-6),
            None => low.max(least.max(1e-6) * 0.9),
        };
        high = high.max(low * 1.01);
    }
    if view.dressed && view.y.is_none() {
        // A band for the legend, which would cover curves otherwise.
        let lines = picture.lines.len().min(NAMED + 1) as f64;
        let room = if run.is_some() {
            0.3
        } else {
            (0.08 * lines).min(0.5)
        };
        high += room * (high - low);
    }
    let (left, right) = view.x.unwrap_or_else(|| match (run, picture.axis()) {
        // Room for the dots at both ends.
        (Some(_), CurveAxis::Prompts) => (-0.5, last.max(1.0) * 1.02 + 0.5),
        _ => {
            let last = if last > 0.0 { last } else { 1.0 };
            (-0.01 * last, 1.02 * last)
        }
    });
    let sound = |a: f64, b: f64| a.is_finite() && b.is_finite() && b - a > 1e-12;
    if !sound(left, right) || !sound(low, high) {
        return Err(PlotError::EmptyRange);
    }
    let axis = |low, high, log| Axis { low, high, log };
    Ok((axis(left, right, false), axis(low, high, view.log)))
}
