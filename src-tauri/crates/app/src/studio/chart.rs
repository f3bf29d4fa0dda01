//! Runs in a picture for the window: one, or several laid over each other.

use std::collections::HashMap;
use std::sync::Arc;

use pmpo_plot::{
    csv, lines, picture_png, picture_svg, ChartSize, Curve, CurveAxis, CurveGroups, CurvePoint,
    CurveStyle, Line, Picture, PictureWords, Source, Theme, View,
};
use pmpo_store::{CurveCursor, RunId, RunRow, RunState, Store};

use super::runs::{colour_of, colour_text, fault, grounds, GroundOf, Shared};
use super::{held, Studio};
use crate::error::unexpected;
use crate::results::point;
use crate::wire::{
    ExportFormat, Ground, Overlay, OverlayCurve, OverlayFormat, OverlayReading, OverlayRequest,
};
use crate::{export, AppError};

/// Pixels beyond which nobody looks.
pub(super) const LARGEST: u32 = 8192;
pub(super) const SMALLEST: u32 = 64;
/// Words of a prompt shown beside a point.
const SHOWN_WORDS: usize = 16;
/// Runs of one picture.
const MOST_CURVES: usize = 500;

impl Studio {
    /// Runs in one picture.
    ///
    /// # Errors
    /// `plot` where nothing was measured or a range is empty, `run` where there are more
    /// than 500 runs, `store` where they cannot be read.
    pub fn overlay(&self, request: &OverlayRequest) -> Result<Overlay, AppError> {
        let laid = self.lay(request)?;
        let view = View {
            x: request.x_range,
            y: request.y_range,
            log: request.style.log,
            dressed: false,
            ..View::whole(size_of(request), theme(request.dark))
        };
        // Whoever shows this picture says the words beside it.
        let words = PictureWords::english(CurveAxis::default());
        let (svg, geometry) = picture_svg(&laid.picture(request, &words), &view)?;
        let curve = |(key, line): (usize, &Line)| OverlayCurve {
            key,
            name: line.name.clone(),
            runs: line.runs.clone(),
            colour: colour_text(line.colour),
            start: line.curve.start(),
            best: line.curve.best(),
            end: line.curve.end(),
            ground: line.ground.clone(),
        };
        Ok(Overlay {
            svg,
            frame: geometry.into(),
            curves: laid.lines.iter().enumerate().map(curve).collect(),
            empty: laid.empty.clone(),
            grounds: laid.grounds.clone(),
        })
    }

    /// What the curves are at a place of the axis.
    ///
    /// # Errors
    /// As [`Studio::overlay`], but for `plot`.
    pub fn overlay_at(
        &self,
        request: &OverlayRequest,
        x: f64,
    ) -> Result<Vec<OverlayReading>, AppError> {
        let laid = self.lay(request)?;
        let reading = |(key, line): (usize, &Line)| {
            let place = line.curve.at(x);
            OverlayReading {
                key,
                x: place.map_or(x, |place| place.x),
                ordinal: place.and_then(|place| Some(place.prompt?.0)),
                step: place.and_then(|place| Some(place.prompt?.1)),
                value: place.map(|place| place.value),
                raw: place.and_then(|place| place.raw),
                band: place.and_then(|place| place.band),
                estimate: place.is_some_and(|place| place.estimate),
            }
        };
        Ok(laid.lines.iter().enumerate().map(reading).collect())
    }

    /// Exactly what a picture shows, as a file in the words given.
    ///
    /// # Errors
    /// As [`Studio::overlay`].
    pub fn export_overlay(
        &self,
        request: &OverlayRequest,
        format: OverlayFormat,
        large: bool,
        words: &PictureWords,
    ) -> Result<Vec<u8>, AppError> {
        let laid = self.lay(request)?;
        let (style, x, y) = (&request.style, request.x_range, request.y_range);
        let view = View {
            x,
            y,
            log: style.log,
            ..View::of_size(large, theme(request.dark))
        };
        let picture = laid.picture(request, words);
        match format {
            OverlayFormat::Csv => csv(&picture, x, y).map_err(unexpected),
            OverlayFormat::Svg => Ok(picture_svg(&picture, &view)?.0.into_bytes()),
            OverlayFormat::Png => Ok(picture_png(&picture, &view)?),
        }
    }

    /// A run as a file.
    ///
    /// # Errors
    /// `store` where it cannot be read.
    pub fn export(&self, run: i64, format: ExportFormat) -> Result<Vec<u8>, AppError> {
        let format = match format {
            ExportFormat::Txt => crate::ExportFormat::Text,
            ExportFormat::Md => crate::ExportFormat::Markdown,
            ExportFormat::Json => crate::ExportFormat::Json,
            ExportFormat::Csv => crate::ExportFormat::Csv,
        };
        export(&self.store(), RunId(run), format).map(String::into_bytes)
    }

    /// Numbers of runs may come again, so that what was read of one goes.
    pub(super) fn forget_curves(&self) {
        *held(&self.curves) = KnownCurves::default();
    }

    fn lay(&self, request: &OverlayRequest) -> Result<Arc<Laid>, AppError> {
        if request.runs.len() > MOST_CURVES {
            return Err(fault(
                "More than 500 runs do not fit one picture.",
                "Show fewer.",
            ));
        }
        let key = (request.runs.clone(), request.style);
        let store = self.store();
        let mut known = held(&self.curves);
        // The last picture is asked about many times while the pointer moves.
        let revision = store.revision()?;
        if let Some(laid) = known.last.as_ref() {
            if laid.key == key && laid.revision == revision {
                return Ok(laid.clone());
            }
        }
        // It goes first: curves that nothing else holds grow where they are.
        known.last = None;
        let laid = Arc::new(Laid::new(&store, &mut known.runs, key, revision)?);
        known.last = Some(laid.clone());
        Ok(laid)
    }
}

fn size_of(request: &OverlayRequest) -> ChartSize {
    ChartSize {
        width: request.width.clamp(SMALLEST, LARGEST),
        height: request.height.clamp(SMALLEST, LARGEST),
    }
}

pub(super) fn theme(dark: bool) -> Theme {
    if dark {
        Theme::Dark
    } else {
        Theme::Light
    }
}

pub(super) fn first_words(text: &str) -> String {
    let mut words = text.split_whitespace();
    let mut out: String = words
        .by_ref()
        .take(SHOWN_WORDS)
        .collect::<Vec<_>>()
        .join(" ")
        .chars()
        .take(160)
        .collect();
    if words.next().is_some() {
        out.push('…');
    }
    out
}

/// Curves that need not be made again.
#[derive(Default)]
pub(super) struct KnownCurves {
    runs: HashMap<RunId, KnownRun>,
    last: Option<Arc<Laid>>,
}

/// What was read of a run. What came since is added to it; nothing is read twice but the
/// prompts of the step that goes on.
struct KnownRun {
    /// Prompts that stay as they are, in order of trial.
    settled: Vec<CurvePoint>,
    /// Prompts of the step that goes on.
    open: Vec<CurvePoint>,
    cursor: CurveCursor,
    /// Held-out losses: number of the prompt and loss in nats.
    checks: Vec<(u32, f64)>,
    /// Whether the run was at its end, so that nothing comes any more.
    ended: bool,
    /// What the curve was made for.
    style: CurveStyle,
    curve: Arc<Curve>,
}

impl KnownRun {
    fn new(style: &CurveStyle) -> Self {
        Self {
            settled: Vec::new(),
            open: Vec::new(),
            cursor: CurveCursor::default(),
            checks: Vec::new(),
            ended: false,
            style: *style,
            curve: Arc::new(Curve::new(style)),
        }
    }

    /// Adds what came since.
    fn read(&mut self, store: &Store, row: &RunRow, style: &CurveStyle) -> Result<(), AppError> {
        let mut anew = !alike(&self.style, style);
        if !self.ended {
            let ended = matches!(row.state, RunState::Completed | RunState::Cancelled);
            if ended {
                // Once from the beginning, whatever was read before.
                *self = Self::new(style);
                self.ended = true;
            }
            let part = store.curve_since(row.id, self.cursor)?;
            self.cursor = part.cursor;
            self.open = part.open.into_iter().map(point).collect();
            let before = self.settled.len();
            self.settled.extend(part.settled.into_iter().map(point));
            for ordinal in part.incumbents {
                let place = self.settled[..before].binary_search_by_key(&ordinal, |p| p.ordinal);
                if let Some(one) = place.ok().map(|at| &mut self.settled[at]) {
                    anew |= !one.best;
                    one.best = true;
                }
            }
            self.checks = store.held_out_losses(row.id)?;
            if !anew {
                let curve = Arc::make_mut(&mut self.curve);
                curve.grow(&self.settled[before..], &self.open);
                curve.check(&self.checks);
            }
        }
        if anew {
            self.style = *style;
            let mut curve = Curve::new(style);
            curve.grow(&self.settled, &self.open);
            curve.check(&self.checks);
            self.curve = Arc::new(curve);
        }
        Ok(())
    }
}

/// Whether two styles make the same curve of a run.
fn alike(a: &CurveStyle, b: &CurveStyle) -> bool {
    a.axis == b.axis && a.kind == b.kind && a.smoothing.to_bits() == b.smoothing.to_bits()
}

/// Runs laid over each other.
struct Laid {
    key: (Vec<i64>, CurveStyle),
    revision: (i64, i64),
    lines: Vec<Line>,
    empty: Vec<i64>,
    grounds: Vec<Ground>,
}

impl Laid {
    fn new(
        store: &Store,
        known: &mut HashMap<RunId, KnownRun>,
        key: (Vec<i64>, CurveStyle),
        revision: (i64, i64),
    ) -> Result<Self, AppError> {
        let (wanted, style) = &key;
        let mut shared = Shared::default();
        let mut rows = Vec::with_capacity(wanted.len());
        for &run in wanted {
            // One that was deleted elsewhere meanwhile is left out.
            let Ok(row) = store.run(RunId(run)) else {
                continue;
            };
            let own = known.entry(row.id).or_insert_with(|| KnownRun::new(style));
            own.read(store, &row, style)?;
            let curve = own.curve.clone();
            let data = shared.dataset(store, row.dataset)?.clone();
            let ground = GroundOf::new(&row, &data.fingerprint);
            let model = shared.model(store, row.model)?.to_owned();
            let version = shared.version(store, row.start_version)?.clone();
            rows.push((row, curve, data, ground, model, version));
        }
        let grounds = grounds(
            rows.iter()
                .map(|(row, _, data, ground, model, _)| (row.id.0, data, ground, model.as_str())),
        );
        let mut empty = Vec::new();
        let mut sources = Vec::with_capacity(rows.len());
        for (row, curve, data, ground, model, (number, words)) in rows {
            if curve.is_empty() {
                empty.push(row.id.0);
                continue;
            }
            let group = match style.groups {
                CurveGroups::None => None,
                CurveGroups::Prompt => Some((
                    format!("prompt {}", row.start_version.0),
                    format!("#{number} {words}"),
                )),
                CurveGroups::Model => Some((format!("model {}", row.model.0), model)),
                CurveGroups::Data => Some((format!("data {}", data.fingerprint), data.name)),
            };
            // Where the same stands on several grounds, its name says on which.
            let group = group.map(|(what, name)| {
                let name = match grounds.iter().position(|one| one.key == ground.key) {
                    Some(nth) if grounds.len() > 1 => format!("{name} ({})", nth + 1),
                    _ => name,
                };
                (format!("{what} {}", ground.key), name)
            });
            sources.push(Source {
                run: row.id.0,
                colour: colour_of(&row),
                name: row.name,
                curve,
                group,
                ground: ground.key,
            });
        }
        Ok(Self {
            lines: lines(sources),
            empty,
            revision,
            grounds,
            key,
        })
    }

    fn picture<'a>(&'a self, request: &OverlayRequest, words: &'a PictureWords) -> Picture<'a> {
        Picture {
            lines: &self.lines,
            starts: request.style.starts,
            prompts: request.prompts,
            words,
        }
    }
}
