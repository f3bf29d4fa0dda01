//! Pictures for the window.

use pmpo_core::optimize::Origin;
use pmpo_store::RunId;

use super::Studio;
use crate::wire::{AxisRange, Chart, ChartPoint, ChartRequest, ExportFormat, LossRange, PointKind};
use crate::{export, run_chart, AppError};
use pmpo_plot::{png, svg, ChartSize, Theme, View};

/// Pixels beyond which nobody looks.
pub(super) const LARGEST: u32 = 8192;
pub(super) const SMALLEST: u32 = 64;
/// Words of a prompt shown beside a point.
const SHOWN_WORDS: usize = 16;

impl Studio {
    /// Draws runs, and says where their points are.
    pub fn chart(&self, request: &ChartRequest) -> Result<Chart, AppError> {
        let mut charts = Vec::with_capacity(request.runs.len());
        let mut points = Vec::new();
        for &run in &request.runs {
            let (chart, own) = {
                let store = self.store();
                (
                    run_chart(&store, RunId(run))?,
                    store.candidates(RunId(run))?,
                )
            };
            for row in own {
                let ordinal = row.candidate.ordinal;
                let masked = matches!(row.candidate.origin, Origin::Mask { .. });
                let kind = match chart.points.iter().find(|point| point.ordinal == ordinal) {
                    _ if ordinal == 0 => PointKind::Start,
                    Some(point) if point.best => PointKind::Best,
                    _ => PointKind::Candidate,
                };
                let point = |kind, y| ChartPoint {
                    run,
                    kind,
                    ordinal,
                    x: f64::from(ordinal),
                    y,
                    origin: row.candidate.origin.clone(),
                    text: first_words(&row.candidate.text),
                };
                if let Some(score) = row.train.filter(|_| !masked) {
                    points.push(point(kind, score.loss));
                }
                if let Some(score) = row.validation {
                    points.push(point(PointKind::Validation, score.loss));
                }
            }
            charts.push(chart);
        }
        let view = View {
            size: ChartSize {
                width: request.width.clamp(SMALLEST, LARGEST),
                height: request.height.clamp(SMALLEST, LARGEST),
            },
            theme: theme(request.dark),
            x: request.x_range,
            y: request.y_range,
            log: request.log,
            dressed: false,
        };
        let (svg, geometry) = svg(&charts, &view)?;
        Ok(Chart {
            svg,
            plot: geometry.plot.into(),
            x: AxisRange {
                min: geometry.x.0,
                max: geometry.x.1,
            },
            y: LossRange {
                min: geometry.y.0,
                max: geometry.y.1,
                log: request.log,
            },
            points,
        })
    }

    /// A run as a file.
    pub fn export(&self, run: i64, format: ExportFormat) -> Result<Vec<u8>, AppError> {
        let store = self.store();
        let id = RunId(run);
        let whole = View::whole(ChartSize::LARGE, Theme::Light);
        let text = |format| export(&store, id, format).map(String::into_bytes);
        match format {
            ExportFormat::Txt => text(crate::ExportFormat::Text),
            ExportFormat::Md => text(crate::ExportFormat::Markdown),
            ExportFormat::Json => text(crate::ExportFormat::Json),
            ExportFormat::Csv => text(crate::ExportFormat::Csv),
            ExportFormat::Svg => Ok(svg(&[run_chart(&store, id)?], &whole)?.0.into_bytes()),
            ExportFormat::Png => Ok(png(&[run_chart(&store, id)?], &whole)?),
        }
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
