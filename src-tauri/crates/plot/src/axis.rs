//! The sides of a picture: values, places, marks.

use std::ops::Range;

use plotters::coord::ranged1d::{DefaultFormatting, KeyPointHint, Ranged};

/// The values along one side of a picture and where it has marks.
#[derive(Debug, Clone, PartialEq)]
pub struct Axis {
    /// Lowest value.
    pub low: f64,
    /// Highest value.
    pub high: f64,
    /// Whether distances are those of logarithms.
    pub log: bool,
}

impl Axis {
    /// The place of a value on a line, in the axis' own unit.
    pub fn place(&self, value: f64) -> f64 {
        if self.log {
            // A loss of nothing has no place on a logarithmic axis.
            value.max(f64::MIN_POSITIVE).log10()
        } else {
            value
        }
    }

    /// First and last place.
    pub fn ends(&self) -> Range<f64> {
        self.place(self.low)..self.place(self.high)
    }

    /// The value, no further out than the ends.
    pub fn clamp(&self, value: f64) -> f64 {
        value.clamp(self.low, self.high)
    }

    /// Whether a value is on the axis.
    pub fn shows(&self, value: f64) -> bool {
        (self.low..=self.high).contains(&value)
    }

    /// Round values to mark, about `count` of them.
    pub fn marks(&self, count: usize) -> Vec<f64> {
        if self.log {
            let round = self.round_by_factors();
            if round.len() >= 3 {
                return round;
            }
        }
        let step = self.step(count);
        let mut mark = (self.low / step).ceil() * step;
        let mut out = Vec::new();
        while mark <= self.high + step * 1e-9 {
            // Sums of steps drift; the nearest multiple does not. Adding nothing
            // takes the sign off a zero.
            out.push((mark / step).round() * step + 0.0);
            mark += step;
        }
        out
    }

    /// Whole values to mark, about `count` of them.
    pub fn whole_marks(&self, count: usize) -> Vec<f64> {
        let mut marks = self.marks(count);
        marks.retain(|mark| mark.fract() == 0.0);
        marks
    }

    /// Digits after the point that tell the marks apart.
    pub fn decimals(&self, count: usize) -> usize {
        let step = if self.log {
            self.low.min(self.step(count))
        } else {
            self.step(count)
        };
        (-step.log10().floor()).clamp(0.0, 6.0) as usize
    }

    /// 1, 2 or 5 times a power of ten.
    fn step(&self, count: usize) -> f64 {
        let rough = (self.high - self.low) / count.max(1) as f64;
        let power = 10_f64.powf(rough.log10().floor());
        let round = [1.0, 2.0, 5.0, 10.0];
        // A hair less is enough: ranges are sums that drift.
        let nearest = round.iter().find(|r| *r * power >= rough * 0.999);
        nearest.unwrap_or(&10.0) * power
    }

    fn round_by_factors(&self) -> Vec<f64> {
        let first = self.low.log10().floor() as i32;
        let last = self.high.log10().ceil() as i32;
        (first..=last)
            .flat_map(|power| [1.0, 2.0, 5.0].map(|r| r * 10_f64.powi(power)))
            .filter(|mark| self.shows(*mark))
            .collect()
    }
}

/// An axis with its marks, as plotters wants it.
pub(crate) struct Marked {
    pub(crate) axis: Axis,
    pub(crate) marks: Vec<f64>,
}

impl Ranged for Marked {
    type FormatOption = DefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, limit: (i32, i32)) -> i32 {
        let ends = self.axis.ends();
        let share = (self.axis.place(*value) - ends.start) / (ends.end - ends.start);
        limit.0 + (f64::from(limit.1 - limit.0) * share).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        // Fine marks are asked for as well; there are none.
        if hint.weight().allow_light_points() {
            Vec::new()
        } else {
            self.marks.clone()
        }
    }

    fn range(&self) -> Range<f64> {
        self.axis.low..self.axis.high
    }
}

#[cfg(test)]
mod tests {
    use super::Axis;

    #[test]
    fn marks_are_round_and_inside() {
        let axis = |low, high, log| Axis { low, high, log };
        assert_eq!(axis(0.3, 7.9, false).marks(6), [2.0, 4.0, 6.0]);
        assert_eq!(axis(0.3, 7.9, false).decimals(6), 0);
        assert_eq!(axis(-0.5, 1.5, false).whole_marks(8), [0.0, 1.0]);
        assert!(axis(-0.5, 1.5, false).whole_marks(8)[0].is_sign_positive());
        assert_eq!(axis(2.31, 2.39, false).marks(4).len(), 4);
        assert_eq!(axis(2.31, 2.39, false).decimals(4), 2);
        assert_eq!(axis(0.4, 12.0, true).marks(6), [0.5, 1.0, 2.0, 5.0, 10.0]);
        // Too narrow for powers of ten.
        assert!(axis(3.1, 3.9, true).marks(6).len() >= 3);
    }
}
