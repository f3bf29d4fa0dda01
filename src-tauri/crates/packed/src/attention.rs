//! Attention of packed rows over the keys and values of their paths.
//!
//! A row's path is a cached part (earlier blocks), spans of the same block, and
//! the rows before it in its own span. Scores and mixtures are computed for a
//! tile of a span's rows and all query heads of one key head at a time, with the
//! same matrix kernel as the linear layers.

use pulp::Arch;

use crate::cache::{KeyValues, Layout};
use crate::config::Config;
use crate::kernels::{softmax, Stretch};
use crate::product::{pack_rows, panel_width, Product};
use crate::tree::{Block, Span};

/// Floats of scores in one tile: they stay in the second-level cache.
const TILE_SCORES: usize = 32 * 1024;
/// Longest stretch of values in one product.
const DEPTH: usize = 512;

/// What the attention of one layer reads besides the queries.
pub(crate) struct Attention<'a> {
    pub config: &'a Config,
    pub block: &'a Block,
    pub layout: &'a Layout,
    /// The block's own keys and values.
    pub own: &'a KeyValues,
    /// Those of the path before it.
    pub cached: &'a KeyValues,
}

/// Buffers of one tile.
#[derive(Default)]
pub(crate) struct Scratch {
    queries: Vec<f32>,
    left: Vec<f32>,
    scores: Vec<f32>,
    mixed: Vec<f32>,
    factors: Vec<f32>,
}

/// Consecutive keys and values that a tile sees.
struct Piece<'a> {
    source: &'a KeyValues,
    panel: usize,
    row: usize,
    count: usize,
    /// Place of its scores in a row of scores.
    start: usize,
}

impl Attention<'_> {
    /// Attention of the block's rows `first ..`, as many as `qkv`
    /// (rows, qkv width) holds, into `out` (rows, query width).
    pub(crate) fn rows(&self, first: usize, qkv: &[f32], out: &mut [f32], scratch: &mut Scratch) {
        let last = first + qkv.len() / self.config.qkv_width();
        let spans = &self.block.spans;
        let from = spans.partition_point(|span| span.rows.end <= first);
        for (index, span) in spans.iter().enumerate().skip(from) {
            let (mut start, end) = (span.rows.start.max(first), span.rows.end.min(last));
            if start >= end {
                break;
            }
            let most = self.tile_rows(span);
            while start < end {
                let rows = start..end.min(start + most);
                start = rows.end;
                let pieces = self.pieces(index, rows.end);
                for head in 0..self.config.kv_heads {
                    self.tile(span, rows.clone(), head, &pieces, first, qkv, out, scratch);
                }
            }
        }
    }

    /// Rows of a tile, so that its scores stay in the cache.
    fn tile_rows(&self, span: &Span) -> usize {
        let group = self.config.heads / self.config.kv_heads;
        let seen = span.position + span.rows.len() + panel_width();
        let rows = (TILE_SCORES / seen / group).max(1);
        // A multiple of four fills the register tiles of most groups.
        if rows > 4 {
            rows / 4 * 4
        } else {
            rows.max(4)
        }
    }

    /// What the rows of span `index` up to row `end` see, in order.
    fn pieces(&self, index: usize, end: usize) -> Vec<Piece<'_>> {
        let spans = &self.block.spans;
        let mut path = vec![index];
        while let Some(parent) = spans[path[path.len() - 1]].parent {
            path.push(parent);
        }
        let mut pieces: Vec<Piece> = Vec::with_capacity(path.len() + 1);
        let mut start = 0;
        let mut add = |source, panel, row, count: usize| {
            pieces.push(Piece {
                source,
                panel,
                row,
                count,
                start,
            });
            start += count.next_multiple_of(panel_width());
        };
        if spans[index].cached > 0 {
            add(self.cached, 0, 0, spans[index].cached);
        }
        for i in path.into_iter().rev() {
            let rows = &spans[i].rows;
            let count = if i == index {
                end - rows.start
            } else {
                rows.len()
            };
            add(self.own, self.layout.starts[i], rows.start, count);
        }
        pieces
    }

    #[allow(clippy::too_many_arguments)]
    fn tile(
        &self,
        span: &Span,
        rows: std::ops::Range<usize>,
        head: usize,
        pieces: &[Piece],
        first: usize,
        qkv: &[f32],
        out: &mut [f32],
        scratch: &mut Scratch,
    ) {
        let Config {
            heads,
            kv_heads,
            head_dim,
            ..
        } = *self.config;
        let (width, stride, query_width) = (
            panel_width(),
            self.config.qkv_width(),
            self.config.query_width(),
        );
        let group = heads / kv_heads;
        let count = rows.len() * group;
        let Scratch {
            queries,
            left,
            scores,
            mixed,
            factors,
        } = scratch;

        queries.clear();
        for row in rows.clone() {
            let start = (row - first) * stride + head * group * head_dim;
            queries.extend_from_slice(&qkv[start..start + group * head_dim]);
        }
        let scale = 1.0 / (head_dim as f32).sqrt();
        left.resize(count * head_dim, 0.0);
        pack_rows(queries, head_dim, count, head_dim, scale, left);
        let score_width = pieces
            .iter()
            .map(|p| p.count.next_multiple_of(width))
            .sum::<usize>();
        scores.resize(count * score_width, 0.0);
        for piece in pieces {
            Product {
                left,
                rows: count,
                depth: head_dim,
                right: &piece.source.keys.as_slice()
                    [(piece.panel * kv_heads + head) * head_dim * width..],
                panel_stride: kv_heads * head_dim * width,
                columns: piece.count.next_multiple_of(width),
                out: &mut scores[piece.start..],
                stride: score_width,
                accumulate: false,
            }
            .run();
        }

        factors.clear();
        let mut stretches: Vec<Stretch> = pieces
            .iter()
            .map(|p| Stretch {
                start: p.start,
                seen: p.count,
                count: p.count,
            })
            .collect();
        Arch::new().dispatch(|| {
            for (i, row_scores) in scores.chunks_exact_mut(score_width).enumerate() {
                if let Some(own) = stretches.last_mut() {
                    own.seen = rows.start + i / group - span.rows.start + 1;
                }
                factors.push(softmax(row_scores, &stretches));
            }
        });

        mixed.resize(count * head_dim, 0.0);
        let mut accumulate = false;
        let panels = head_dim.div_ceil(width);
        for piece in pieces {
            for start in (0..piece.count).step_by(DEPTH) {
                let depth = DEPTH.min(piece.count - start);
                left.resize(count * depth, 0.0);
                pack_rows(
                    &scores[piece.start + start..],
                    score_width,
                    count,
                    depth,
                    1.0,
                    left,
                );
                let row = head * panels * piece.source.rows + piece.row + start;
                Product {
                    left,
                    rows: count,
                    depth,
                    right: &piece.source.values.as_slice()[row * width..],
                    panel_stride: piece.source.rows * width,
                    columns: head_dim,
                    out: &mut *mixed,
                    stride: head_dim,
                    accumulate,
                }
                .run();
                accumulate = true;
            }
        }

        for (i, (mixed, factor)) in mixed.chunks_exact(head_dim).zip(factors.iter()).enumerate() {
            let row = rows.start + i / group - first;
            let start = row * query_width + (head * group + i % group) * head_dim;
            for (slot, x) in out[start..start + head_dim].iter_mut().zip(mixed) {
                *slot = x * factor;
            }
        }
    }
}
