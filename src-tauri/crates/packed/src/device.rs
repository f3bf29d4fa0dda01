//! The same scoring on any of candle's devices, for GPUs: weights stay quantised
//! as in the file, everything else is float32.
//!
//! The prefix tree and its blocks are those of the processor's path. Attention
//! is dense here: a block's rows meet the cached path and the whole block, and a
//! mask hides what is not on a row's path.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::sync::Arc;

use candle_core::quantized::gguf_file::Content;
use candle_core::quantized::{GgmlDType, QMatMul};
use candle_core::{Device, IndexOp, Module, Result, Tensor, D};

use crate::config::{Config, RopePairs};
use crate::rope::Rope;
use crate::tree::{Block, Target, Tree};
use crate::{Count, Item, PackedError, DEFAULT_MEMORY};

/// Rows of a block where memory allows.
const BLOCK_ROWS: usize = 2048;
/// Fewest rows of a block.
const LEAST_ROWS: usize = 16;
/// Rows of logits at a time.
const LOGIT_ROWS: usize = 256;

struct Layer {
    attention_norm: Tensor,
    /// Queries, keys and values: one matrix, or three one below the other.
    qkv: Vec<QMatMul>,
    qkv_bias: Option<Tensor>,
    query_norm: Option<Tensor>,
    key_norm: Option<Tensor>,
    attention_output: QMatMul,
    feed_forward_norm: Tensor,
    /// Gate and up: one matrix or two.
    gate_up: Vec<QMatMul>,
    down: QMatMul,
}

/// A model on a device, ready to score.
pub struct PackedOnDevice {
    config: Config,
    device: Device,
    /// (vocabulary, hidden).
    embedding: Tensor,
    layers: Vec<Layer>,
    output_norm: Tensor,
    output: QMatMul,
    rope_factors: Option<Vec<f32>>,
    memory: u64,
}

impl PackedOnDevice {
    /// Reads a GGUF file onto a device.
    pub fn load(path: &Path, device: &Device) -> std::result::Result<Self, PackedError> {
        let mut file = BufReader::new(File::open(path)?);
        let content = Content::read(&mut file)?;
        let config = Config::read(&content)?;
        let mut tensors = Tensors {
            unread: content.tensor_infos.keys().cloned().collect(),
            file,
            content,
            device,
        };
        let embedding = tensors.dense("token_embd.weight")?;
        let head = match tensors.has("output.weight") {
            true => "output.weight",
            false => "token_embd.weight",
        };
        let output = tensors.matrix(head)?;
        let output_norm = tensors.dense("output_norm.weight")?;
        let layers = (0..config.layers)
            .map(|index| tensors.layer(index))
            .collect::<Result<Vec<_>>>()?;
        // Sequences that would need the long ones are refused.
        tensors.unread.remove("rope_factors_long.weight");
        let factors = match tensors.optional("rope_factors_short.weight")? {
            Some(short) => Some(short),
            None => tensors.optional("rope_freqs.weight")?,
        };
        let rope_factors = factors.map(|factors| factors.to_vec1()).transpose()?;
        if let Some(name) = tensors.unread.first() {
            return Err(PackedError::Unsupported(format!("the tensor {name}")));
        }
        Ok(Self {
            config,
            device: device.clone(),
            embedding,
            layers,
            output_norm,
            output,
            rope_factors,
            memory: DEFAULT_MEMORY,
        })
    }

    /// Sets the bound on the memory of attention scores in bytes; the floor is a
    /// block of a few rows.
    pub fn with_memory(mut self, bytes: u64) -> Self {
        self.memory = bytes;
        self
    }

    /// As [`crate::Packed::score`]. Where the device fails, which it does for
    /// want of memory, blocks are halved down to a few rows.
    ///
    /// # Errors
    /// A device that fails even then is [`PackedError::Unsupported`]: another
    /// engine may do it.
    pub fn score(
        &self,
        items: &[Item],
        cancel: &(dyn Fn() -> bool + Sync),
    ) -> std::result::Result<(Vec<Vec<f64>>, Count), PackedError> {
        self.config.check(items)?;
        let tree = Tree::build(items);
        let mut rows = self.block_rows(&tree);
        loop {
            match self.run(&tree, items, rows, cancel) {
                Err(PackedError::Read(_)) if rows > LEAST_ROWS => rows = (rows / 2).max(LEAST_ROWS),
                Err(PackedError::Read(why)) => {
                    return Err(PackedError::Unsupported(format!("this device: {why}")));
                }
                Err(other) => return Err(other),
                Ok(scores) => return Ok((scores, Count::of(items, &tree))),
            }
        }
    }

    /// Rows whose attention scores stay within the bound.
    fn block_rows(&self, tree: &Tree) -> usize {
        let path = tree.longest_path() as u64;
        // Scores, their masked copy and their softmax.
        let row = 3 * 4 * self.config.heads as u64 * (path + BLOCK_ROWS as u64);
        usize::try_from(self.memory / row)
            .unwrap_or(BLOCK_ROWS)
            .clamp(LEAST_ROWS, BLOCK_ROWS)
    }

    fn run(
        &self,
        tree: &Tree,
        items: &[Item],
        rows: usize,
        cancel: &(dyn Fn() -> bool + Sync),
    ) -> std::result::Result<Vec<Vec<f64>>, PackedError> {
        let mut scores: Vec<Vec<f64>> = items.iter().map(|(_, a)| vec![0.0; a.len()]).collect();
        let rope = Rope::new(
            &self.config,
            self.rope_factors.as_deref(),
            tree.longest_path(),
        );
        let (cosines, sines) = rope.tables();
        let table = |values: &[f32]| {
            let width = self.config.rope_dims / 2;
            Tensor::from_slice(values, (values.len() / width, width), &self.device)
        };
        let tables = (table(cosines)?, table(sines)?);
        // Keys and values, per layer, of the path that leads to the next block.
        let mut cached: Vec<Option<(Tensor, Tensor)>> = vec![None; self.layers.len()];
        let mut length = 0;
        for block in tree.blocks(rows) {
            let targets = tree.targets_in(&block.rows);
            let hidden = self.block(tree, &block, &tables, &mut cached, &mut length, cancel)?;
            self.read_off(&hidden, &block, targets, &mut scores)?;
        }
        Ok(scores)
    }

    /// The normed last hidden rows of a block: (rows, hidden).
    fn block(
        &self,
        tree: &Tree,
        block: &Block,
        tables: &(Tensor, Tensor),
        cached: &mut [Option<(Tensor, Tensor)>],
        length: &mut usize,
        cancel: &(dyn Fn() -> bool + Sync),
    ) -> std::result::Result<Tensor, PackedError> {
        let config = &self.config;
        let rows = block.rows.len();
        let tokens = Tensor::from_slice(&tree.tokens[block.rows.clone()], rows, &self.device)?;
        let positions: Vec<u32> = block
            .spans
            .iter()
            .flat_map(|span| span.position..span.position + span.rows.len())
            .map(|position| position as u32)
            .collect();
        let positions = Tensor::from_vec(positions, rows, &self.device)?;
        let cosines = tables.0.index_select(&positions, 0)?;
        let sines = tables.1.index_select(&positions, 0)?;
        let mask = Tensor::from_vec(mask(block, *length), (rows, *length + rows), &self.device)?;
        let kept = kept(block, *length);
        let next_length = kept.len();
        let kept = Tensor::from_vec(kept, next_length, &self.device)?;
        let mut x = self.embedding.index_select(&tokens, 0)?;
        for (layer, cached) in self.layers.iter().zip(cached) {
            if cancel() {
                return Err(PackedError::Cancelled);
            }
            let h = norm(&x, &layer.attention_norm, config.norm_epsilon)?;
            let mut qkv = together(&layer.qkv, &h)?;
            if let Some(bias) = &layer.qkv_bias {
                qkv = qkv.broadcast_add(bias)?;
            }
            let heads = |first: usize, count: usize| -> Result<Tensor> {
                qkv.narrow(1, first * config.head_dim, count * config.head_dim)?
                    .reshape((rows, count, config.head_dim))?
                    .transpose(0, 1)?
                    .contiguous()
            };
            let turned = |x: Tensor, weight: &Option<Tensor>| -> Result<Tensor> {
                let x = match weight {
                    Some(weight) => norm(&x, weight, config.norm_epsilon)?,
                    None => x,
                };
                self.turn(&x, &cosines, &sines)
            };
            let queries = turned(heads(0, config.heads)?, &layer.query_norm)?;
            let own_keys = turned(heads(config.heads, config.kv_heads)?, &layer.key_norm)?;
            let own_values = heads(config.heads + config.kv_heads, config.kv_heads)?;
            let (keys, values) = match cached.as_ref() {
                Some((keys, values)) => (
                    Tensor::cat(&[keys, &own_keys], 1)?.contiguous()?,
                    Tensor::cat(&[values, &own_values], 1)?.contiguous()?,
                ),
                None => (own_keys, own_values),
            };
            let mixed = self.attend(&queries, &keys, &values, &mask)?;
            *cached = match next_length {
                0 => None,
                _ => Some((keys.index_select(&kept, 1)?, values.index_select(&kept, 1)?)),
            };
            x = (x + layer.attention_output.forward(&mixed)?)?;
            let h = norm(&x, &layer.feed_forward_norm, config.norm_epsilon)?;
            let gate_up = together(&layer.gate_up, &h)?;
            let gate = gate_up.narrow(1, 0, config.feed_forward)?.contiguous()?;
            let up = gate_up.narrow(1, config.feed_forward, config.feed_forward)?;
            let activated = (gate.silu()? * up)?;
            x = (x + layer.down.forward(&activated)?)?;
        }
        *length = next_length;
        Ok(norm(&x, &self.output_norm, config.norm_epsilon)?)
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
        } = self.config;
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
        let (dims, half) = (self.config.rope_dims, self.config.rope_dims / 2);
        let first = x.narrow(2, 0, dims)?;
        let rotate = |a: Tensor, b: Tensor| -> Result<(Tensor, Tensor)> {
            let left = (a.broadcast_mul(cosines)? - b.broadcast_mul(sines)?)?;
            let right = (a.broadcast_mul(sines)? + b.broadcast_mul(cosines)?)?;
            Ok((left, right))
        };
        let turned = match self.config.rope_pairs {
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

    /// Writes the log-probabilities of a block's targets.
    fn read_off(
        &self,
        hidden: &Tensor,
        block: &Block,
        targets: &[Target],
        scores: &mut [Vec<f64>],
    ) -> std::result::Result<(), PackedError> {
        for targets in targets.chunks(LOGIT_ROWS) {
            let rows: Vec<u32> = targets
                .iter()
                .map(|target| (target.row - block.rows.start) as u32)
                .collect();
            let tokens: Vec<u32> = targets.iter().map(|target| target.token).collect();
            let rows = Tensor::from_vec(rows, targets.len(), &self.device)?;
            let tokens = Tensor::from_vec(tokens, (targets.len(), 1), &self.device)?;
            let logits = self.output.forward(&hidden.index_select(&rows, 0)?)?;
            let largest = logits.max_keepdim(D::Minus1)?;
            let mass = logits
                .broadcast_sub(&largest)?
                .exp()?
                .sum_keepdim(D::Minus1)?;
            let wanted = logits.gather(&tokens, 1)?;
            let found = (wanted - largest)?.sub(&mass.log()?)?.flatten_all()?;
            for (target, value) in targets.iter().zip(found.to_vec1::<f32>()?) {
                scores[target.item][target.index] = value.into();
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

/// The file, and which of its tensors nothing has asked for yet.
struct Tensors<'a> {
    file: BufReader<File>,
    content: Content,
    unread: BTreeSet<String>,
    device: &'a Device,
}

impl Tensors<'_> {
    fn has(&self, name: &str) -> bool {
        self.content.tensor_infos.contains_key(name)
    }

    fn dense(&mut self, name: &str) -> Result<Tensor> {
        self.unread.remove(name);
        let tensor = self.content.tensor(&mut self.file, name, self.device)?;
        tensor.dequantize(self.device)
    }

    fn optional(&mut self, name: &str) -> Result<Option<Tensor>> {
        match self.has(name) {
            true => self.dense(name).map(Some),
            false => Ok(None),
        }
    }

    /// As in the file; floats of any width as float32.
    fn matrix(&mut self, name: &str) -> Result<QMatMul> {
        self.unread.remove(name);
        let tensor = self.content.tensor(&mut self.file, name, self.device)?;
        Ok(match tensor.dtype() {
            GgmlDType::F32 | GgmlDType::F16 | GgmlDType::BF16 => {
                QMatMul::Tensor(tensor.dequantize(self.device)?)
            }
            _ => QMatMul::QTensor(Arc::new(tensor)),
        })
    }

    fn matrices(&mut self, names: &[String]) -> Result<Vec<QMatMul>> {
        names.iter().map(|name| self.matrix(name)).collect()
    }

    fn layer(&mut self, index: usize) -> Result<Layer> {
        let name = |part: &str| format!("blk.{index}.{part}");
        let qkv = match self.has(&name("attn_qkv.weight")) {
            true => vec![name("attn_qkv.weight")],
            false => ["q", "k", "v"]
                .map(|part| name(&format!("attn_{part}.weight")))
                .to_vec(),
        };
        let gate_up = match self.has(&name("ffn_gate.weight")) {
            true => vec![name("ffn_gate.weight"), name("ffn_up.weight")],
            false => vec![name("ffn_up.weight")],
        };
        let qkv_bias = match self.has(&name("attn_q.bias")) {
            true => {
                let parts = ["q", "k", "v"]
                    .map(|part| self.dense(&name(&format!("attn_{part}.bias"))))
                    .into_iter()
                    .collect::<Result<Vec<_>>>()?;
                Some(Tensor::cat(&parts, 0)?)
            }
            false => self.optional(&name("attn_qkv.bias"))?,
        };
        Ok(Layer {
            attention_norm: self.dense(&name("attn_norm.weight"))?,
            qkv: self.matrices(&qkv)?,
            qkv_bias,
            query_norm: self.optional(&name("attn_q_norm.weight"))?,
            key_norm: self.optional(&name("attn_k_norm.weight"))?,
            attention_output: self.matrix(&name("attn_output.weight"))?,
            feed_forward_norm: self.dense(&name("ffn_norm.weight"))?,
            gate_up: self.matrices(&gate_up)?,
            down: self.matrix(&name("ffn_down.weight"))?,
        })
    }
}
