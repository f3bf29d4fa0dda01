//! The table of runs, and their curves laid over each other.

use std::collections::hash_map::Entry;
use std::collections::HashMap;
use std::sync::Arc;

use pmpo_core::device::NumericClass;
use pmpo_core::random::text_hash;
use pmpo_store::{
    CurvePoint, DatasetId, DatasetRow, ModelId, ProjectId, RunId, RunRow, RunState, Store,
    VersionId,
};

use super::chart::{first_words, theme, LARGEST, SMALLEST};
use super::projects::{keep_preference, kept_preference};
use super::versions::noted;
use super::{held, Studio};
use crate::curves::{csv, curves, picture, Curve, Source};
use crate::error::unexpected;
use crate::plot::{overlay_png, overlay_svg, ChartSize, View, PALETTE};
use crate::wire::{
    AxisRange, CurveGroups, CurveStyle, Ground, GroundDifference, LossRange, Overlay, OverlayCurve,
    OverlayFormat, OverlayReading, OverlayRequest, RunLine, RunsPage,
};
use crate::{fault, AppError};

/// Where the way of the page of runs is kept.
const PAGE: &str = "runs";
/// How long a deleted run can be brought back, in milliseconds.
pub(super) const BIN: i64 = 60 * 60 * 1000;
/// Runs of one picture.
const MOST_CURVES: usize = 500;
const LONGEST_NAME: usize = 200;

/// What losses depend on besides the prompt.
struct GroundOf {
    key: String,
    data: String,
    model: (String, NumericClass, u32),
    settings: Vec<(String, String)>,
}

impl GroundOf {
    fn new(row: &RunRow, fingerprint: &str) -> Self {
        let train = row.split.as_ref().map(|split| &split.train);
        let data = text_hash(&format!("{fingerprint} {train:?}"));
        let mut key = text_hash(&format!("{data} {}", row.context.id()));
        key.truncate(16);
        Self {
            key,
            data,
            model: (
                row.context.model.clone(),
                row.context.device.clone(),
                row.context.revision,
            ),
            settings: row.context.settings.named(),
        }
    }
}

/// Rows that many runs share, read once.
#[derive(Default)]
struct Shared {
    datasets: HashMap<DatasetId, DatasetRow>,
    models: HashMap<ModelId, String>,
    versions: HashMap<VersionId, (i64, String)>,
}

impl Shared {
    fn dataset(&mut self, store: &Store, id: DatasetId) -> Result<&DatasetRow, AppError> {
        Ok(match self.datasets.entry(id) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => place.insert(store.dataset(id)?),
        })
    }

    fn model(&mut self, store: &Store, id: ModelId) -> Result<&str, AppError> {
        Ok(match self.models.entry(id) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => place.insert(store.model(id)?.description.name),
        })
    }

    /// Number of a version and its first words.
    fn version(&mut self, store: &Store, id: VersionId) -> Result<&(i64, String), AppError> {
        Ok(match self.versions.entry(id) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => {
                let version = store.version(id)?;
                place.insert((version.number, first_words(&version.text)))
            }
        })
    }
}

/// The colour of a run that the person gave none: the same wherever it is drawn.
fn usual_colour(run: RunId) -> [u8; 3] {
    let nth = run.0.unsigned_abs() as usize;
    let own = PALETTE[nth % PALETTE.len()];
    // Neighbours differ in hue, the next eight in lightness.
    match nth / PALETTE.len() % 3 {
        0 => own,
        1 => own.map(|part| (f64::from(part) * 0.68) as u8),
        _ => own.map(|part| (f64::from(part) * 0.6 + 102.0) as u8),
    }
}

fn colour_of(row: &RunRow) -> [u8; 3] {
    let own = row.colour.as_deref().and_then(colour);
    own.unwrap_or_else(|| usual_colour(row.id))
}

/// Red, green and blue of `#rrggbb`.
fn colour(text: &str) -> Option<[u8; 3]> {
    let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6)?;
    let whole = u32::from_str_radix(digits, 16).ok()?;
    let [_, red, green, blue] = whole.to_be_bytes();
    Some([red, green, blue])
}

fn colour_text([red, green, blue]: [u8; 3]) -> String {
    format!("#{red:02x}{green:02x}{blue:02x}")
}

impl Studio {
    /// Runs of a project, or of all, newest first.
    pub fn runs(&self, project: Option<i64>) -> Result<Vec<RunLine>, AppError> {
        let store = self.store();
        let rows = match project {
            Some(project) => store.runs_of(ProjectId(project))?,
            None => store.runs()?,
        };
        let mut shared = Shared::default();
        rows.iter()
            .map(|row| self.line(&store, &mut shared, row))
            .collect()
    }

    fn line(&self, store: &Store, shared: &mut Shared, row: &RunRow) -> Result<RunLine, AppError> {
        let best_version = match row.best_version {
            Some(id) => Some(shared.version(store, id)?.0),
            None => None,
        };
        let (start_version, prompt) = shared.version(store, row.start_version)?.clone();
        let model = shared.model(store, row.model)?.to_owned();
        let dataset = shared.dataset(store, row.dataset)?;
        let check = row.outcome.as_ref().and_then(|end| end.validation.as_ref());
        Ok(RunLine {
            prompt,
            start_version,
            best_version,
            data: dataset.name.clone(),
            examples: dataset.examples,
            model,
            device: row.device.clone(),
            writer: row.writer.clone().map(Into::into),
            settings: row.settings.clone(),
            validation: check.map(|check| (check.start_loss, check.best_loss)),
            pairs: row.pairs,
            tokens: row.tokens.computed,
            steps: store.steps(row.id)?.len(),
            note: row.note.clone(),
            tags: row.tags.clone(),
            archived: row.archived,
            colour: colour_text(colour_of(row)),
            own_colour: row.colour.is_some(),
            ground: GroundOf::new(row, &dataset.fingerprint).key,
            run: self.summarise(store, row)?,
        })
    }

    /// Gives a run a name, a note and tags.
    pub fn describe_run(
        &self,
        run: i64,
        name: &str,
        note: &str,
        tags: &[String],
    ) -> Result<(), AppError> {
        let name = name.trim();
        if name.is_empty() || name.chars().count() > LONGEST_NAME {
            return Err(fault!("run.name"));
        }
        let tags = noted(note, tags)?;
        Ok(self.store().describe_run(RunId(run), name, note, &tags)?)
    }

    /// Puts a run aside, or takes it back.
    pub fn archive_run(&self, run: i64, archived: bool) -> Result<(), AppError> {
        Ok(self.store().archive_run(RunId(run), archived)?)
    }

    /// Gives the curve of a run a colour (`#rrggbb`), or its usual one back.
    pub fn colour_run(&self, run: i64, wanted: Option<&str>) -> Result<(), AppError> {
        if wanted.is_some_and(|text| colour(text).is_none()) {
            return Err(fault!("run.colour"));
        }
        Ok(self.store().colour_run(RunId(run), wanted)?)
    }

    /// Puts a run that is not going on into the bin.
    pub fn delete_run(&self, run: i64) -> Result<(), AppError> {
        if self.active_run() == Some(run) {
            return Err(fault!("busy.this_run"));
        }
        Ok(self.store().bin_run(RunId(run))?)
    }

    /// Brings a run back from the bin.
    pub fn undelete_run(&self, run: i64) -> Result<(), AppError> {
        Ok(self.store().unbin_run(RunId(run))?)
    }

    /// How the page of runs was left.
    pub fn runs_page(&self) -> Result<RunsPage, AppError> {
        kept_preference(&self.store(), PAGE)
    }

    /// Keeps how the page of runs was left.
    pub fn save_runs_page(&self, page: &RunsPage) -> Result<(), AppError> {
        keep_preference(&mut self.store(), PAGE, page)
    }

    /// Several runs in one picture.
    pub fn overlay(&self, request: &OverlayRequest) -> Result<Overlay, AppError> {
        let laid = self.lay(request)?;
        let view = View {
            x: request.x_range,
            y: request.y_range,
            log: request.style.log,
            dressed: false,
            ..View::whole(size_of(request), theme(request.dark))
        };
        let (svg, geometry) = overlay_svg(&picture(&laid.curves, &request.style), &view)?;
        let curve = |(key, curve): (usize, &Curve)| OverlayCurve {
            key,
            name: curve.name.clone(),
            runs: curve.runs.clone(),
            colour: colour_text(curve.colour),
            start: curve.start,
            best: curve.best,
            end: curve.places.last().map_or(0.0, |place| place.x),
            ground: curve.ground.clone(),
        };
        Ok(Overlay {
            svg,
            plot: geometry.plot.into(),
            x: AxisRange {
                min: geometry.x.0,
                max: geometry.x.1,
            },
            y: LossRange {
                min: geometry.y.0,
                max: geometry.y.1,
                log: request.style.log,
            },
            curves: laid.curves.iter().enumerate().map(curve).collect(),
            empty: laid.empty.clone(),
            grounds: laid.grounds.clone(),
        })
    }

    /// What the curves are at a place of the axis.
    pub fn overlay_at(
        &self,
        request: &OverlayRequest,
        x: f64,
    ) -> Result<Vec<OverlayReading>, AppError> {
        let laid = self.lay(request)?;
        let reading = |(key, curve): (usize, &Curve)| {
            let place = curve.at(x);
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
        Ok(laid.curves.iter().enumerate().map(reading).collect())
    }

    /// Exactly what a picture shows, as a file.
    pub fn export_overlay(
        &self,
        request: &OverlayRequest,
        format: OverlayFormat,
        large: bool,
    ) -> Result<Vec<u8>, AppError> {
        let laid = self.lay(request)?;
        let (style, x, y) = (&request.style, request.x_range, request.y_range);
        let view = View {
            x,
            y,
            log: style.log,
            ..View::of_size(large, theme(request.dark))
        };
        let picture = picture(&laid.curves, style);
        match format {
            OverlayFormat::Csv => csv(&laid.curves, style, x, y).map_err(unexpected),
            OverlayFormat::Svg => Ok(overlay_svg(&picture, &view)?.0.into_bytes()),
            OverlayFormat::Png => Ok(overlay_png(&picture, &view)?),
        }
    }

    /// Numbers of runs may come again, so that what was read of one goes.
    pub(super) fn forget_curves(&self) {
        *held(&self.curves) = KnownCurves::default();
    }

    fn lay(&self, request: &OverlayRequest) -> Result<Arc<Laid>, AppError> {
        if request.runs.len() > MOST_CURVES {
            return Err(fault!("run.many"));
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

/// Curves that need not be made again.
#[derive(Default)]
pub(super) struct KnownCurves {
    /// Of runs that do not go on any more.
    runs: HashMap<RunId, Arc<Vec<CurvePoint>>>,
    last: Option<Arc<Laid>>,
}

/// Runs laid over each other.
struct Laid {
    key: (Vec<i64>, CurveStyle),
    revision: (i64, i64),
    curves: Vec<Curve>,
    empty: Vec<i64>,
    grounds: Vec<Ground>,
}

impl Laid {
    fn new(
        store: &Store,
        known: &mut HashMap<RunId, Arc<Vec<CurvePoint>>>,
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
            let points = match known.get(&row.id) {
                Some(points) => points.clone(),
                None => {
                    let points = Arc::new(store.curve(row.id)?);
                    if matches!(row.state, RunState::Completed | RunState::Cancelled) {
                        known.insert(row.id, points.clone());
                    }
                    points
                }
            };
            let data = shared.dataset(store, row.dataset)?.clone();
            let ground = GroundOf::new(&row, &data.fingerprint);
            let model = shared.model(store, row.model)?.to_owned();
            let version = shared.version(store, row.start_version)?.clone();
            rows.push((row, points, data, ground, model, version));
        }
        let grounds = grounds(
            rows.iter()
                .map(|(row, _, data, ground, model, _)| (row.id.0, data, ground, model.as_str())),
        );
        let groups: Vec<Option<(String, String)>> = rows
            .iter()
            .map(|(row, _, data, ground, model, (number, words))| {
                let (what, name) = match style.groups {
                    CurveGroups::None => return None,
                    CurveGroups::Prompt => (
                        format!("prompt {}", row.start_version.0),
                        format!("#{number} {words}"),
                    ),
                    CurveGroups::Model => (format!("model {}", row.model.0), model.clone()),
                    CurveGroups::Data => (format!("data {}", data.fingerprint), data.name.clone()),
                };
                // Where the same stands on several grounds, its name says on which.
                let name = match grounds.iter().position(|one| one.key == ground.key) {
                    Some(nth) if grounds.len() > 1 => format!("{name} ({})", nth + 1),
                    _ => name,
                };
                Some((format!("{what} {}", ground.key), name))
            })
            .collect();
        let sources: Vec<Source<'_>> = rows
            .iter()
            .zip(&groups)
            .map(|((row, points, _, ground, _, _), group)| Source {
                run: row.id.0,
                name: &row.name,
                colour: colour_of(row),
                points,
                group: group.as_ref().map(|group| group.0.as_str()),
                group_name: group.as_ref().map_or("", |group| group.1.as_str()),
                ground: &ground.key,
            })
            .collect();
        let none = sources.iter().filter(|source| source.points.is_empty());
        Ok(Self {
            curves: curves(&sources, style),
            empty: none.map(|source| source.run).collect(),
            revision,
            grounds,
            key,
        })
    }
}

/// What runs were measured on, and what differs.
fn grounds<'a>(
    runs: impl Iterator<Item = (i64, &'a DatasetRow, &'a GroundOf, &'a str)>,
) -> Vec<Ground> {
    let mut out: Vec<(Ground, &GroundOf)> = Vec::new();
    for (run, data, ground, model) in runs {
        if let Some((known, _)) = out.iter_mut().find(|(known, _)| known.key == ground.key) {
            known.runs.push(run);
            continue;
        }
        let differs = match out.first() {
            None => GroundDifference::default(),
            Some((_, first)) => GroundDifference {
                data: first.data != ground.data,
                model: first.model != ground.model,
                settings: first.settings != ground.settings,
            },
        };
        let new = Ground {
            key: ground.key.clone(),
            runs: vec![run],
            data: data.name.clone(),
            examples: data.examples,
            model: model.to_owned(),
            settings: Vec::new(),
            differs,
        };
        out.push((new, ground));
    }
    let varies = |name: &str| {
        let mut values = out.iter().map(|(_, ground)| {
            let mut own = ground.settings.iter();
            own.find(|(known, _)| *known == name).map(|one| &one.1)
        });
        let first = values.next();
        values.any(|value| Some(value) != first)
    };
    let all = out.first().map(|(_, ground)| &ground.settings[..]);
    let all = all.unwrap_or_default().iter().map(|(name, _)| name.clone());
    let shown: Vec<String> = all.filter(|name| varies(name)).collect();
    out.into_iter()
        .map(|(mut known, ground)| {
            let own = ground.settings.iter();
            known.settings = own
                .filter(|(name, _)| shown.contains(name))
                .cloned()
                .collect();
            known
        })
        .collect()
}
