//! Weight matrices, packed for products when the model is loaded: they never
//! change, so no product has to do it again.

use crate::product::{pack_rows, panel_width, Product};
use crate::ready::Piece;

/// Longest stretch of the inner dimension in one pass: a column panel of this
/// depth stays in the first-level cache while the row tiles go over it.
const DEPTH: usize = 320;

/// Panels that go through all stretches of the inner dimension before the next:
/// their part of the result stays in the second-level cache.
const COLUMN_PANELS: usize = 4;

/// Zeroed floats whose first element starts a cache line, so that vector loads
/// of whole panels never straddle two lines.
#[derive(Default)]
pub(crate) struct Aligned {
    data: Vec<f32>,
    start: usize,
    len: usize,
}

impl Aligned {
    pub(crate) fn zeros(len: usize) -> Aligned {
        const LINE: usize = 64;
        let data = vec![0.0f32; len + LINE / size_of::<f32>()];
        let start = match data.as_ptr().align_offset(LINE) {
            // The standard library may decline to answer: slower, still right.
            offset if offset < LINE / size_of::<f32>() => offset,
            _ => 0,
        };
        Aligned { data, start, len }
    }

    pub(crate) fn as_slice(&self) -> &[f32] {
        &self.data[self.start..self.start + self.len]
    }

    pub(crate) fn as_mut_slice(&mut self) -> &mut [f32] {
        &mut self.data[self.start..self.start + self.len]
    }
}

/// Where a matrix's floats are.
enum Floats {
    Own(Aligned),
    Mapped(Piece),
}

/// A weight matrix of shape (outputs, inputs), packed for products with rows of
/// activations. Panel `p` holds the outputs `p * width ..`, as `inputs` rows of
/// `width` floats; the last panel is filled up with zeros.
pub(crate) struct PackedMatrix {
    data: Floats,
    outputs: usize,
    inputs: usize,
}

impl PackedMatrix {
    /// A matrix of zeros, to be filled part by part.
    pub(crate) fn zeros(outputs: usize, inputs: usize) -> PackedMatrix {
        let width = panel_width();
        PackedMatrix {
            data: Floats::Own(Aligned::zeros(outputs.div_ceil(width) * width * inputs)),
            outputs,
            inputs,
        }
    }

    /// A matrix of this shape whose packed floats are in a file.
    pub(crate) fn mapped(piece: Piece, outputs: usize, inputs: usize) -> PackedMatrix {
        PackedMatrix {
            data: Floats::Mapped(piece),
            outputs,
            inputs,
        }
    }

    /// The packed floats.
    pub(crate) fn floats_packed(&self) -> &[f32] {
        match &self.data {
            Floats::Own(own) => own.as_slice(),
            Floats::Mapped(piece) => piece.as_slice(),
        }
    }

    /// Floats that a matrix of this shape takes once packed.
    pub(crate) fn floats(outputs: usize, inputs: usize) -> usize {
        outputs.next_multiple_of(panel_width()) * inputs
    }

    /// Writes `rows` (row-major, `inputs` floats each) as outputs `first ..`.
    pub(crate) fn fill(&mut self, first: usize, rows: &[f32]) {
        let (width, inputs) = (panel_width(), self.inputs);
        let Floats::Own(data) = &mut self.data else {
            return;
        };
        let data = data.as_mut_slice();
        for (i, row) in rows.chunks_exact(inputs).enumerate() {
            let (panel, column) = ((first + i) / width, (first + i) % width);
            let panel = &mut data[panel * inputs * width..][..inputs * width];
            for (slot, value) in panel.iter_mut().skip(column).step_by(width).zip(row) {
                *slot = *value;
            }
        }
    }

    /// Reads output row `index` back (token embeddings that are also the output
    /// layer are kept once, in packed form).
    pub(crate) fn copy_row(&self, index: usize, out: &mut [f32]) {
        let width = panel_width();
        let start = index / width * self.inputs * width + index % width;
        let column = self.floats_packed()[start..].iter().step_by(width);
        for (slot, value) in out.iter_mut().zip(column) {
            *slot = *value;
        }
    }

    pub(crate) fn outputs(&self) -> usize {
        self.outputs
    }

    pub(crate) fn inputs(&self) -> usize {
        self.inputs
    }

    pub(crate) fn bytes(&self) -> u64 {
        size_of_val(self.floats_packed()) as u64
    }

    /// `out = x W^T`, or `out += x W^T`, for the outputs `first .. first + count`
    /// (`first` at a panel's start). `x` is (rows, inputs), `out` is
    /// (rows, stride) of which the first `count` columns are written. `pack` is
    /// scratch.
    #[allow(clippy::too_many_arguments)]
    pub(crate) fn apply(
        &self,
        x: &[f32],
        first: usize,
        count: usize,
        out: &mut [f32],
        stride: usize,
        accumulate: bool,
        pack: &mut Vec<f32>,
    ) {
        let (width, inputs) = (panel_width(), self.inputs);
        let rows = x.len() / inputs;
        if rows == 0 {
            return;
        }
        let panels = &self.floats_packed()[first / width * inputs * width..];
        let depth = inputs.div_ceil(inputs.div_ceil(DEPTH));
        pack.resize(rows * inputs, 0.0);
        for start in (0..inputs).step_by(depth) {
            let depth = depth.min(inputs - start);
            let part = &mut pack[rows * start..];
            pack_rows(&x[start..], inputs, rows, depth, 1.0, part);
        }
        for column in (0..count).step_by(COLUMN_PANELS * width) {
            for start in (0..inputs).step_by(depth) {
                Product {
                    left: &pack[rows * start..],
                    rows,
                    depth: depth.min(inputs - start),
                    right: &panels[column * inputs + start * width..],
                    panel_stride: inputs * width,
                    columns: (COLUMN_PANELS * width).min(count - column),
                    out: &mut out[column..],
                    stride,
                    accumulate: accumulate || start > 0,
                }
                .run();
            }
        }
    }
}
