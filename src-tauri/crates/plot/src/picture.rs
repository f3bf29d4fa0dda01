//! What is drawn: lines, and how.

use crate::kinds::CurveAxis;
use crate::lines::Line;
use crate::words::PictureWords;

/// Curves named in the legend of a picture that stands by itself.
pub(crate) const NAMED: usize = 12;
/// What is drawn.
#[derive(Debug, Clone, Copy)]
pub struct Picture<'a> {
    /// The lines; later ones lie above.
    pub lines: &'a [Line],
    /// Whether each start is drawn as a level line.
    pub starts: bool,
    /// Whether the prompts tried and the held-out losses are drawn as marks, in the
    /// colours of the page. Only where there is a single run.
    pub prompts: bool,
    /// In the language of whoever looks at it.
    pub words: &'a PictureWords,
}

impl Picture<'_> {
    /// The run whose prompts are drawn.
    pub(crate) fn run(&self) -> Option<&Line> {
        match self.lines {
            [line] if self.prompts && line.curve.band().is_empty() => Some(line),
            _ => None,
        }
    }

    /// What it is drawn over.
    pub(crate) fn axis(&self) -> CurveAxis {
        let first = self.lines.first();
        first.map_or(CurveAxis::default(), |line| line.curve.axis())
    }
}
