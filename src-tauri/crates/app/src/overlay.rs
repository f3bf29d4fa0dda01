//! Runs laid over each other, as they were read last: what came since is added to them.

use std::collections::HashMap;
use std::sync::Arc;

use pmpo_plot::{
    lines, Curve, CurveGroups, CurvePoint, CurveStyle, Line, Picture, PictureWords, Source,
};
use pmpo_store::{CurveCursor, RunId, RunRow, RunState, Store};

use crate::database::Database;
use crate::grounds::{grounds, GroundOf};
use crate::results::point;
use crate::run_rows::{colour_of, Shared};
use crate::wire::{Ground, OverlayRequest};
use crate::AppError;

/// Curves that need not be made again.
#[derive(Default)]
pub(crate) struct KnownCurves {
    runs: HashMap<RunId, KnownRun>,
    last: Option<Arc<Laid>>,
}

impl KnownCurves {
    /// The curves of runs in a style, as the database has them now.
    ///
    /// # Errors
    ///
    /// The codes of the store.
    pub(crate) fn lay(
        &mut self,
        database: &Database,
        key: (Vec<i64>, CurveStyle),
    ) -> Result<Arc<Laid>, AppError> {
        // The last picture is asked about many times while the pointer moves.
        let revision = database.revision()?;
        if let Some(laid) = self.last.as_ref() {
            if laid.key == key && laid.revision == revision {
                return Ok(laid.clone());
            }
        }
        // It goes first: curves that nothing else holds grow where they are.
        self.last = None;
        let laid = Arc::new(Laid::new(
            &*database.read()?,
            &mut self.runs,
            key,
            revision,
        )?);
        self.last = Some(laid.clone());
        Ok(laid)
    }
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
    /// When the run came to its end, if it did, in milliseconds since 1970: then nothing
    /// comes any more, unless it goes on again.
    ended: Option<i64>,
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
            ended: None,
            style: *style,
            curve: Arc::new(Curve::new(style)),
        }
    }

    /// Adds what came since.
    fn read(&mut self, store: &Store, row: &RunRow, style: &CurveStyle) -> Result<(), AppError> {
        let mut anew = !alike(&self.style, style);
        let at_its_end = matches!(row.state, RunState::Completed | RunState::Cancelled);
        let ended = at_its_end.then(|| row.finished_at.unwrap_or(0));
        if self.ended.is_none() || self.ended != ended {
            if self.ended.is_some() || ended.is_some() {
                // Once from the beginning, whatever was read before.
                *self = Self::new(style);
                anew = true;
                self.ended = ended;
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
pub(crate) struct Laid {
    key: (Vec<i64>, CurveStyle),
    revision: (i64, i64),
    pub(crate) lines: Vec<Line>,
    /// Runs of which nothing was measured yet.
    pub(crate) empty: Vec<i64>,
    pub(crate) grounds: Vec<Ground>,
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

    pub(crate) fn picture<'a>(
        &'a self,
        request: &OverlayRequest,
        words: &'a PictureWords,
    ) -> Picture<'a> {
        Picture {
            lines: &self.lines,
            starts: request.style.starts,
            prompts: request.prompts,
            words,
        }
    }
}
