//! Keys and values of rows, laid out for the products of attention.

use rayon::prelude::*;

use crate::config::Config;
use crate::matrix::Aligned;
use crate::product::panel_width;
use crate::tree::Block;

/// Keys and values of one layer, laid out for products. With `w` the panel
/// width: keys are (panels, key heads, head_dim, w), a panel being `w`
/// positions; values are (key heads, head_dim / w rounded up, rows, w).
#[derive(Default)]
pub(crate) struct KeyValues {
    pub keys: Aligned,
    pub values: Aligned,
    pub rows: usize,
}

impl KeyValues {
    pub(crate) fn new(config: &Config, panels: usize, rows: usize) -> KeyValues {
        let width = panel_width();
        KeyValues {
            keys: Aligned::zeros(panels * config.key_width() * width),
            values: Aligned::zeros(
                config.kv_heads * config.head_dim.next_multiple_of(width) * rows,
            ),
            rows,
        }
    }

    /// Takes the keys and values of a block's rows out of `qkv` (rows, qkv
    /// width).
    pub(crate) fn fill(&mut self, config: &Config, layout: &Layout, qkv: &[f32]) {
        let (width, head, stride) = (panel_width(), config.head_dim, config.qkv_width());
        let first_key = config.query_width();
        let panels = self
            .keys
            .as_mut_slice()
            .par_chunks_mut(config.key_width() * width);
        panels.zip(&layout.panels).for_each(|(panel, rows)| {
            for (column, row) in rows.clone().enumerate() {
                let keys = &qkv[row * stride + first_key..][..config.key_width()];
                let slots = panel[column..].iter_mut().step_by(width);
                slots.zip(keys).for_each(|(slot, key)| *slot = *key);
            }
        });
        let first_value = first_key + config.key_width();
        let per_head = head.div_ceil(width);
        let groups = self.values.as_mut_slice().par_chunks_mut(self.rows * width);
        groups.enumerate().for_each(|(group, out)| {
            let column = group % per_head * width;
            let count = width.min(head - column);
            let start = first_value + group / per_head * head + column;
            for (slots, row) in out.chunks_exact_mut(width).zip(qkv.chunks_exact(stride)) {
                slots[..count].copy_from_slice(&row[start..start + count]);
            }
        });
    }

    /// Copies those rows of a block that later blocks need to their positions.
    pub(crate) fn keep(&mut self, from: &KeyValues, layout: &Layout, block: &Block) {
        if block.kept.is_empty() {
            return;
        }
        let width = panel_width();
        let heads = from.keys.as_slice().len() / (layout.panels.len() * width).max(1);
        let (target, source) = (self.keys.as_mut_slice(), from.keys.as_slice());
        let keys = || {
            for (rows, position) in &block.kept {
                for (row, position) in rows.clone().zip(*position..) {
                    let (panel, column) = layout.slots[row];
                    let source = source[panel * heads * width + column..]
                        .iter()
                        .step_by(width);
                    let start = position / width * heads * width + position % width;
                    let target = target[start..].iter_mut().step_by(width);
                    target
                        .zip(source)
                        .take(heads)
                        .for_each(|(slot, key)| *slot = *key);
                }
            }
        };
        let groups = self
            .values
            .as_mut_slice()
            .chunks_exact_mut(self.rows * width);
        let values = || {
            for (target, source) in
                groups.zip(from.values.as_slice().chunks_exact(from.rows * width))
            {
                for (rows, position) in &block.kept {
                    let source = &source[rows.start * width..rows.end * width];
                    target[position * width..][..source.len()].copy_from_slice(source);
                }
            }
        };
        rayon::join(keys, values);
    }
}

/// Where a block's rows lie in its key panels. Every span starts a new panel, so
/// that a span's keys are read without its neighbours'.
pub(crate) struct Layout {
    /// Rows of every panel.
    pub panels: Vec<std::ops::Range<usize>>,
    /// First panel of every span.
    pub starts: Vec<usize>,
    /// Panel and column of every row.
    slots: Vec<(usize, usize)>,
}

impl Layout {
    pub(crate) fn new(block: &Block) -> Layout {
        let width = panel_width();
        let mut layout = Layout {
            panels: Vec::new(),
            starts: Vec::new(),
            slots: Vec::new(),
        };
        for span in &block.spans {
            layout.starts.push(layout.panels.len());
            for start in span.rows.clone().step_by(width) {
                let rows = start..span.rows.end.min(start + width);
                let panel = layout.panels.len();
                layout
                    .slots
                    .extend((0..rows.len()).map(|column| (panel, column)));
                layout.panels.push(rows);
            }
        }
        layout
    }
}
