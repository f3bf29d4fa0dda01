//! Runs in a picture for the window: one, or several laid over each other.

use std::sync::Arc;

use pmpo_plot::{
    csv, picture_png, picture_svg, ChartSize, CurveAxis, Line, PictureWords, Theme, View,
};
use pmpo_store::RunId;

use super::Studio;
use crate::error::unexpected;
use crate::export::export;
use crate::locks::held;
use crate::overlay::{KnownCurves, Laid};
use crate::run_rows::colour_text;
use crate::wire::{
    ExportFormat, Overlay, OverlayCurve, OverlayFormat, OverlayReading, OverlayRequest,
};
use crate::{fault, AppError};

/// Pixels beyond which nobody looks.
pub(super) const LARGEST: u32 = 8192;
pub(super) const SMALLEST: u32 = 64;
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
        crate::panics::point("the export");
        export(&*self.reader()?, RunId(run), format).map(String::into_bytes)
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
        let mut known = held(&self.curves);
        crate::panics::point("the curves");
        known.lay(&self.database, key)
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
