//! The forward pass over the blocks of a prefix tree, in candle's operations.

use candle_core::quantized::QMatMul;
use candle_core::{IndexOp, Module, Result, Tensor, D};

use super::model::{KeyValues, Layer, PackedOnDevice};
use crate::config::{Config, RopePairs};
use crate::error::PackedError;
use crate::items::TokenScore;
use crate::rope::Rope;
use crate::tree::{Block, Tree};

/// Rows of logits at a time.
const LOGIT_ROWS: usize = 256;

/// A pass, and how far it is.
pub(super) struct Pass<'a> {
    model: &'a PackedOnDevice,
    tree: &'a Tree,
    /// Cosines and sines of the rotary angles: (positions, half the turned part).
    turns: (Tensor, Tensor),
    /// Keys and values, per layer, of the path that leads to the next block.
    path: Vec<Option<KeyValues>>,
    /// Positions of that path.
    length: usize,
}

/// What all layers need to know of one block.
struct Stage {
    rows: usize,
    /// (rows, half the turned part) each.
    cosines: Tensor,
    sines: Tensor,
    /// (rows, positions of the path and then the block's own rows).
    mask: Tensor,
    /// Where the keys of the path to the next block are among those.
    kept: Tensor,
}

impl<'a> Pass<'a> {
    pub(super) fn new(model: &'a PackedOnDevice, tree: &'a Tree) -> Result<Self> {
        let config = &model.config;
        let rope = Rope::new(config, tree.longest_path());
        let (cosines, sines) = rope.tables();
        let width = config.rope_dims / 2;
        let table = |values: &[f32]| {
            Tensor::from_slice(values, (values.len() / width, width), &model.device)
        };
        Ok(Self {
            model,
            tree,
            turns: (table(cosines)?, table(sines)?),
            path: vec![None; model.weights.layers.len()],
            length: 0,
        })
    }

    /// Computes the next block and writes what is found of its targets. After an
    /// error the pass is where it was before.
    pub(super) fn block(
        &mut self,
        block: &Block,
        scores: &mut [Vec<TokenScore>],
        cancel: &(dyn Fn() -> bool + Sync),
    ) -> std::result::Result<(), PackedError> {
        let stage = self.stage(block)?;
        let device = &self.model.device;
        let tokens = &self.tree.tokens[block.rows.clone()];
        let tokens = Tensor::from_slice(tokens, stage.rows, device)?;
        let mut x = self.model.weights.embedding.index_select(&tokens, 0)?;
        let mut next = Vec::with_capacity(self.path.len());
        for (layer, path) in self.model.weights.layers.iter().zip(&self.path) {
            if cancel() {
                return Err(PackedError::Cancelled);
            }
            #[cfg(test)]
            if stage.rows > self.model.room && !next.is_empty() {
                let driver = std::io::Error::other("DriverError(CUDA_ERROR_OUT_OF_MEMORY)");
                return Err(candle_core::Error::Cuda(Box::new(driver)).into());
            }
            let (mixed, kept) = self.mix(layer, &x, path.as_ref(), &stage)?;
            next.push(kept);
            x = (x + mixed)?;
            x = (&x + self.feed_forward(layer, &x)?)?;
        }
        let weight = &self.model.weights.output_norm;
        let hidden = norm(&x, weight, self.model.config.norm_epsilon)?;
        self.read_off(&hidden, block, scores)?;
        self.path = next;
        self.length = block.path;
        Ok(())
    }

    fn stage(&self, block: &Block) -> Result<Stage> {
        let device = &self.model.device;
        let rows = block.rows.len();
        let positions: Vec<u32> = block
            .spans
            .iter()
            .flat_map(|span| span.position..span.position + span.rows.len())
            .map(|position| position as u32)
            .collect();
        let positions = Tensor::from_vec(positions, rows, device)?;
        let mask = mask(block, self.length);
        let kept = kept(block, self.length);
        Ok(Stage {
            rows,
            cosines: self.turns.0.index_select(&positions, 0)?,
            sines: self.turns.1.index_select(&positions, 0)?,
            mask: Tensor::from_vec(mask, (rows, self.length + rows), device)?,
            kept: Tensor::from_vec(kept, block.path, device)?,
        })
    }

    /// Attention of one layer: what it adds to the rows, and the keys and values of
    /// the path to the next block.
    fn mix(
        &self,
        layer: &Layer,
        x: &Tensor,
        path: Option<&KeyValues>,
        stage: &Stage,
    ) -> Result<(Tensor, Option<KeyValues>)> {
        let config = &self.model.config;
        let h = norm(x, &layer.attention_norm, config.norm_epsilon)?;
        let mut qkv = together(&layer.qkv, &h)?;
        if let Some(bias) = &layer.qkv_bias {
            qkv = qkv.broadcast_add(bias)?;
        }
        let heads = |first: usize, count: usize| -> Result<Tensor> {
            qkv.narrow(1, first * config.head_dim, count * config.head_dim)?
                .reshape((stage.rows, count, config.head_dim))?
                .transpose(0, 1)?
                .contiguous()
        };
        let turned = |x: Tensor, weight: &Option<Tensor>| -> Result<Tensor> {
            let x = match weight {
                Some(weight) => norm(&x, weight, config.norm_epsilon)?,
                None => x,
            };
            self.turn(&x, &stage.cosines, &stage.sines)
        };
        let queries = turned(heads(0, config.heads)?, &layer.query_norm)?;
        let own_keys = turned(heads(config.heads, config.kv_heads)?, &layer.key_norm)?;
        let own_values = heads(config.heads + config.kv_heads, config.kv_heads)?;
        let (keys, values) = match path {
            Some((keys, values)) => (
                Tensor::cat(&[keys, &own_keys], 1)?.contiguous()?,
                Tensor::cat(&[values, &own_values], 1)?.contiguous()?,
            ),
            None => (own_keys, own_values),
        };
        let mixed = self.attend(&queries, &keys, &values, &stage.mask)?;
        let kept = match stage.kept.dim(0)? {
            0 => None,
            _ => Some((
                keys.index_select(&stage.kept, 1)?,
                values.index_select(&stage.kept, 1)?,
            )),
        };
        Ok((together(&layer.attention_output, &mixed)?, kept))
    }

    fn feed_forward(&self, layer: &Layer, x: &Tensor) -> Result<Tensor> {
        let config = &self.model.config;
        let h = norm(x, &layer.feed_forward_norm, config.norm_epsilon)?;
        let gate_up = together(&layer.gate_up, &h)?;
        let gate = gate_up.narrow(1, 0, config.feed_forward)?.contiguous()?;
        let up = gate_up.narrow(1, config.feed_forward, config.feed_forward)?;
        together(&layer.down, &(gate.silu()? * up)?)
    }

    /// Attention of (heads, rows, head) over (key heads, seen, head), to (rows,
    /// query width).
    fn attend(
        &self,
        queries: &Tensor,
        keys: &Tensor,
        values: &Tensor,
        mask: &Tensor,
    ) -> Result<Tensor> {
        let Config {
            heads,
            kv_heads,
            head_dim,
            ..
        } = self.model.config;
        let (rows, seen) = mask.dims2()?;
        let group = heads / kv_heads;
        let queries = queries.reshape((kv_heads, group * rows, head_dim))?;
        let scale = 1.0 / (head_dim as f64).sqrt();
        let scores = (queries.matmul(&keys.t()?.contiguous()?)? * scale)?
            .reshape((heads, rows, seen))?
            .broadcast_add(mask)?;
        let scores = scores
            .broadcast_sub(&scores.max_keepdim(D::Minus1)?)?
            .exp()?;
        let shares = scores.broadcast_div(&scores.sum_keepdim(D::Minus1)?)?;
        shares
            .reshape((kv_heads, group * rows, seen))?
            .matmul(values)?
            .reshape((heads, rows, head_dim))?
            .transpose(0, 1)?
            .reshape((rows, heads * head_dim))
    }

    /// Rotary embedding of (heads, rows, head); angles are (rows, half).
    fn turn(&self, x: &Tensor, cosines: &Tensor, sines: &Tensor) -> Result<Tensor> {
        let (heads, rows, head) = x.dims3()?;
        let (dims, half) = (self.model.config.rope_dims, self.model.config.rope_dims / 2);
        let first = x.narrow(2, 0, dims)?;
        let rotate = |a: Tensor, b: Tensor| -> Result<(Tensor, Tensor)> {
            let left = (a.broadcast_mul(cosines)? - b.broadcast_mul(sines)?)?;
            let right = (a.broadcast_mul(sines)? + b.broadcast_mul(cosines)?)?;
            Ok((left, right))
        };
        let turned = match self.model.config.rope_pairs {
            RopePairs::Interleaved => {
                let pairs = first.reshape((heads, rows, half, 2))?;
                let (a, b) = rotate(pairs.i((.., .., .., 0))?, pairs.i((.., .., .., 1))?)?;
                Tensor::stack(&[a, b], 3)?.reshape((heads, rows, dims))?
            }
            RopePairs::Halves => {
                let (a, b) = rotate(first.narrow(2, 0, half)?, first.narrow(2, half, half)?)?;
                Tensor::cat(&[a, b], 2)?
            }
        };
        match dims == head {
            true => turned.contiguous(),
            false => Tensor::cat(&[turned, x.narrow(2, dims, head - dims)?], 2)?.contiguous(),
        }
    }

    /// Writes the log-probabilities of a block's targets, and whether each is the
    /// likeliest in its row.
    fn read_off(
        &self,
        hidden: &Tensor,
        block: &Block,
        scores: &mut [Vec<TokenScore>],
    ) -> std::result::Result<(), PackedError> {
        let device = &self.model.device;
        let targets = self.tree.targets_in(&block.rows);
        for targets in targets.chunks(LOGIT_ROWS) {
            let rows: Vec<u32> = targets
                .iter()
                .map(|target| (target.row - block.rows.start) as u32)
                .collect();
            let tokens: Vec<u32> = targets.iter().map(|target| target.token).collect();
            let rows = Tensor::from_vec(rows, targets.len(), device)?;
            let tokens = Tensor::from_vec(tokens, (targets.len(), 1), device)?;
            let logits = together(&self.model.head, &hidden.index_select(&rows, 0)?)?;
            let largest = logits.max_keepdim(D::Minus1)?;
            let mass = logits
                .broadcast_sub(&largest)?
                .exp()?
                .sum_keepdim(D::Minus1)?;
            let wanted = logits.gather(&tokens, 1)?;
            let likeliest = wanted.eq(&largest)?.flatten_all()?.to_vec1::<u8>()?;
            let found = (wanted - largest)?.sub(&mass.log()?)?.flatten_all()?;
            let found = found.to_vec1::<f32>()?.into_iter().zip(likeliest);
            for (target, (value, likeliest)) in targets.iter().zip(found) {
                scores[target.item][target.index] = TokenScore {
                    log_prob: value.into(),
                    likeliest: likeliest != 0,
                };
            }
        }
        Ok(())
    }
}

/// RMS norm over the last dimension.
fn norm(x: &Tensor, weight: &Tensor, epsilon: f32) -> Result<Tensor> {
    let mean = x.sqr()?.mean_keepdim(D::Minus1)?;
    let factor = (mean + f64::from(epsilon))?.sqrt()?;
    x.broadcast_div(&factor)?.broadcast_mul(weight)
}

/// The outputs of several matrices side by side.
fn together(matrices: &[QMatMul], x: &Tensor) -> Result<Tensor> {
    let parts = matrices
        .iter()
        .map(|matrix| matrix.forward(x))
        .collect::<Result<Vec<_>>>()?;
    Tensor::cat(&parts, 1)?.contiguous()
}

/// 0 where a row of the block sees a key, minus infinity elsewhere: (rows, cached
/// keys and then the block's own).
fn mask(block: &Block, cached: usize) -> Vec<f32> {
    let (rows, seen) = (block.rows.len(), cached + block.rows.len());
    let mut mask = vec![f32::NEG_INFINITY; rows * seen];
    for span in &block.spans {
        for row in span.rows.clone() {
            let mask = &mut mask[row * seen..][..seen];
            mask[..span.cached].fill(0.0);
            mask[cached + span.rows.start..=cached + row].fill(0.0);
            let mut parent = span.parent;
            while let Some(span) = parent.map(|index| &block.spans[index]) {
                mask[cached + span.rows.start..cached + span.rows.end].fill(0.0);
                parent = span.parent;
            }
        }
    }
    mask
}

/// Where the keys of the path to the next block are, among the cached ones and
/// then the block's own, in the order of their positions.
fn kept(block: &Block, cached: usize) -> Vec<u32> {
    let mut places: Vec<u32> = (0..block.path as u32).collect();
    for (rows, position) in &block.kept {
        for (place, row) in places[*position..].iter_mut().zip(rows.clone()) {
            *place = (cached + row) as u32;
        }
    }
    places
}
