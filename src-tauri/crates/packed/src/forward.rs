//! The forward pass over the blocks of a prefix tree.
//!
//! In every layer, a block's rows are shared out among the threads in chunks. A
//! chunk goes from its attention to the next layer's queries, keys and values in
//! one piece of work, so the threads meet once a layer, when the keys and values
//! of the whole block are known.

use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;

use crate::attention::{self, Attention};
use crate::cache::{KeyValues, Layout};
use crate::config::Config;
use crate::error::PackedError;
use crate::items::TokenScore;
use crate::kernels::{rms_norm, rms_norm_head, swiglu};
use crate::load::{Layer, Model};
use crate::output::log_probabilities;
use crate::product::{panel_width, tile_rows};
use crate::rope::Rope;
use crate::tree::{Block, Tree};

/// Most rows of a chunk: its activations stay near the core that works on it.
const CHUNK_ROWS: usize = 72;

pub(crate) struct Forward<'a> {
    model: &'a Model,
    tree: &'a Tree,
    blocks: Vec<Block>,
    rope: Rope,
    /// Keys and values, per layer, of the path that leads to the next block.
    cached: Vec<KeyValues>,
    /// Residual stream of the block: (rows, hidden).
    residual: Vec<f32>,
    /// Queries, keys and values of the block: (rows, qkv width).
    qkv: Vec<f32>,
    pool: Pool,
}

/// Buffers of one chunk.
#[derive(Default)]
struct Scratch {
    normed: Vec<f32>,
    mixed: Vec<f32>,
    gate_up: Vec<f32>,
    activated: Vec<f32>,
    pack: Vec<f32>,
    attention: attention::Scratch,
}

/// Scratch that is handed from chunk to chunk.
#[derive(Default)]
struct Pool(Mutex<Vec<Scratch>>);

impl Pool {
    fn with(&self, work: impl FnOnce(&mut Scratch)) {
        let lock = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut scratch = lock().pop().unwrap_or_default();
        work(&mut scratch);
        lock().push(scratch);
    }
}

impl<'a> Forward<'a> {
    pub(crate) fn new(model: &'a Model, tree: &'a Tree, block_rows: usize) -> Forward<'a> {
        let blocks = tree.blocks(0, block_rows);
        let kept = blocks.iter().flat_map(|block| &block.kept);
        let capacity = kept
            .map(|(rows, position)| position + rows.len())
            .max()
            .unwrap_or(0);
        let panels = capacity.div_ceil(panel_width());
        let config = &model.config;
        Forward {
            model,
            tree,
            blocks,
            rope: Rope::new(config, tree.longest_path()),
            cached: (0..config.layers)
                .map(|_| KeyValues::new(config, panels, capacity))
                .collect(),
            residual: Vec::new(),
            qkv: Vec::new(),
            pool: Pool::default(),
        }
    }

    /// Computes all blocks and writes what is found of each target to
    /// `scores[item][index]`.
    pub(crate) fn run(
        mut self,
        scores: &mut [Vec<TokenScore>],
        cancel: &(dyn Fn() -> bool + Sync),
    ) -> Result<(), PackedError> {
        for block in std::mem::take(&mut self.blocks) {
            let hidden = self.block(&block, cancel)?;
            let targets = self.tree.targets_in(&block.rows);
            if cancel() {
                return Err(PackedError::Cancelled);
            }
            let found = log_probabilities(self.model.head(), &hidden, targets);
            for (target, value) in targets.iter().zip(found) {
                scores[target.item][target.index] = value;
            }
        }
        Ok(())
    }

    /// The normed last hidden rows of the block's predicting rows:
    /// (predicting rows, hidden).
    fn block(
        &mut self,
        block: &Block,
        cancel: &(dyn Fn() -> bool + Sync),
    ) -> Result<Vec<f32>, PackedError> {
        let (model, tree) = (self.model, self.tree);
        let config = &model.config;
        let rows = block.rows.len();
        let (hidden, width) = (config.hidden, config.qkv_width());
        let chunk = chunk_rows(rows);
        let layout = Layout::new(block);
        let mut own = KeyValues::new(config, layout.panels.len(), rows);
        let positions: Vec<usize> = block
            .spans
            .iter()
            .flat_map(|s| s.position..s.position + s.rows.len())
            .collect();
        let mut predicting: Vec<usize> = tree
            .targets_in(&block.rows)
            .iter()
            .map(|t| t.row - block.rows.start)
            .collect();
        predicting.dedup();

        let mut x = std::mem::take(&mut self.residual);
        let mut qkv = std::mem::take(&mut self.qkv);
        let mut cached = std::mem::take(&mut self.cached);
        x.resize(rows * hidden, 0.0);
        qkv.resize(rows * width, 0.0);
        let this = &*self;
        let chunks = |x: &mut [f32], qkv: &mut [f32], work: &(dyn Fn(Chunk) + Sync)| {
            let parts = x
                .par_chunks_mut(chunk * hidden)
                .zip(qkv.par_chunks_mut(chunk * width));
            parts.enumerate().with_max_len(1).for_each(|(i, (x, qkv))| {
                let rows = i * chunk..i * chunk + x.len() / hidden;
                this.pool.with(|scratch| {
                    work(Chunk {
                        rows,
                        x,
                        qkv,
                        scratch,
                    })
                });
            });
        };

        chunks(&mut x, &mut qkv, &|mut c| {
            let tokens = &tree.tokens[block.rows.start + c.rows.start..];
            for (row, token) in c.x.chunks_exact_mut(hidden).zip(tokens) {
                model.embedding.copy_row(*token as usize, row);
            }
            this.project(&model.layers[0], &positions, &mut c);
        });
        for (index, layer) in model.layers.iter().enumerate() {
            if cancel() {
                return Err(PackedError::Cancelled);
            }
            own.fill(config, &layout, &qkv);
            let attention = Attention {
                config,
                block,
                layout: &layout,
                own: &own,
                cached: &cached[index],
            };
            chunks(&mut x, &mut qkv, &|mut c| {
                c.scratch
                    .mixed
                    .resize(c.rows.len() * config.query_width(), 0.0);
                let Scratch {
                    mixed,
                    attention: scratch,
                    ..
                } = &mut *c.scratch;
                attention.rows(c.rows.start, c.qkv, mixed, scratch);
                match model.layers.get(index + 1) {
                    Some(next) => {
                        this.finish(layer, c.rows.len(), &mut c);
                        this.project(next, &positions, &mut c);
                    }
                    None => {
                        // Nothing reads the other rows any more.
                        let count = c.compact(within(&predicting, &c.rows), hidden);
                        this.finish(layer, count, &mut c);
                    }
                }
            });
            cached[index].keep(&own, &layout, block);
        }
        let mut last = Vec::with_capacity(predicting.len() * hidden);
        for (i, part) in x.chunks(chunk * hidden).enumerate() {
            let rows = i * chunk..i * chunk + part.len() / hidden;
            last.extend_from_slice(&part[..within(&predicting, &rows).len() * hidden]);
        }
        let mut normed = Vec::new();
        rms_norm(&last, &model.output_norm, config.norm_epsilon, &mut normed);
        (self.residual, self.qkv, self.cached) = (x, qkv, cached);
        Ok(normed)
    }
    /// From the residual stream to a layer's queries, keys and values, with
    /// bias, head norms and rotary embedding.
    fn project(&self, layer: &Layer, positions: &[usize], c: &mut Chunk) {
        let config = &self.model.config;
        let Scratch { normed, pack, .. } = &mut *c.scratch;
        let width = config.qkv_width();
        rms_norm(c.x, &layer.attention_norm, config.norm_epsilon, normed);
        layer.qkv.apply(normed, 0, width, c.qkv, width, false, pack);
        let turned = config.query_width() + config.key_width();
        for (row, position) in c
            .qkv
            .chunks_exact_mut(width)
            .zip(&positions[c.rows.clone()])
        {
            if let Some(bias) = &layer.qkv_bias {
                row.iter_mut().zip(bias).for_each(|(x, b)| *x += b);
            }
            let heads = row[..turned].chunks_exact_mut(config.head_dim).enumerate();
            for (i, head) in heads {
                let norm = if i < config.heads {
                    &layer.query_norm
                } else {
                    &layer.key_norm
                };
                if let Some(weight) = norm {
                    rms_norm_head(head, weight, config.norm_epsilon);
                }
                self.rope.turn(head, *position);
            }
        }
    }

    /// From attention's mixed values through the rest of the layer, for the
    /// chunk's first `rows` rows.
    fn finish(&self, layer: &Layer, rows: usize, c: &mut Chunk) {
        let Config {
            hidden,
            feed_forward,
            norm_epsilon,
            ..
        } = self.model.config;
        let Scratch {
            normed,
            mixed,
            gate_up,
            activated,
            pack,
            ..
        } = &mut *c.scratch;
        let x = &mut c.x[..rows * hidden];
        let mixed = &mixed[..rows * self.model.config.query_width()];
        layer
            .attention_output
            .apply(mixed, 0, hidden, x, hidden, true, pack);
        rms_norm(x, &layer.feed_forward_norm, norm_epsilon, normed);
        gate_up.resize(rows * 2 * feed_forward, 0.0);
        layer.gate_up.apply(
            normed,
            0,
            2 * feed_forward,
            gate_up,
            2 * feed_forward,
            false,
            pack,
        );
        swiglu(gate_up, feed_forward, activated);
        layer
            .down
            .apply(activated, 0, hidden, x, hidden, true, pack);
    }
}

/// A part of a block's rows in the hands of one thread.
struct Chunk<'a> {
    /// Rows, counted from the block's first.
    rows: Range<usize>,
    x: &'a mut [f32],
    qkv: &'a mut [f32],
    scratch: &'a mut Scratch,
}

impl Chunk<'_> {
    /// Moves the residual and mixed values of `wanted` rows to the front, in
    /// order, and returns how many they are.
    fn compact(&mut self, wanted: &[usize], hidden: usize) -> usize {
        let width = self.scratch.mixed.len() / self.rows.len();
        for (to, row) in wanted.iter().enumerate() {
            let from = row - self.rows.start;
            self.x
                .copy_within(from * hidden..(from + 1) * hidden, to * hidden);
            self.scratch
                .mixed
                .copy_within(from * width..(from + 1) * width, to * width);
        }
        wanted.len()
    }
}

/// The part of the sorted `rows` that lies in `range`.
fn within<'r>(rows: &'r [usize], range: &Range<usize>) -> &'r [usize] {
    let start = rows.partition_point(|row| *row < range.start);
    let end = rows.partition_point(|row| *row < range.end);
    &rows[start..end]
}

/// Rows per chunk: an equal number of chunks for every thread, in whole tiles
/// where there are many rows.
fn chunk_rows(rows: usize) -> usize {
    let threads = rayon::current_num_threads();
    let rounds = rows.div_ceil(threads * CHUNK_ROWS);
    let chunk = rows.div_ceil(threads * rounds.max(1));
    if chunk > 4 * tile_rows() {
        chunk.next_multiple_of(tile_rows())
    } else {
        chunk.max(1)
    }
}
