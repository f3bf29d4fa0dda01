//! Exact float32 scoring of language-model answers on the processor.
//!
//! Given pairs of token sequences (what stands before, the answer), [`Packed`]
//! returns the natural logarithm of the probability of every answer token, and whether
//! it is the likeliest in its place. Three things make it fast:
//!
//! - all sequences of a call form one prefix tree, and a token that several of
//!   them share is computed once (`tree`);
//! - the tree is walked in depth-first order in large blocks, so that every
//!   linear layer is one large matrix product whatever the sequences' lengths
//!   (`forward`, `attention`);
//! - the output layer runs only on rows that predict an answer token and is
//!   reduced to a log-sum-exp as it is computed (`output`).
//!
//! Weights come from a GGUF file, or from a Hugging Face folder (`config.json` and
//! safetensors), and are turned into float32, so results do not depend on how
//! activations are rounded. [`PackedOnDevice`] does the same on a GPU, with
//! quantised weights as in the file. Families: Llama (Llama 2 and 3, Mistral,
//! SmolLM), Qwen 2, Qwen 3, Phi-3. Anything else is answered with
//! [`PackedError::Unsupported`], never with a guess.

mod attention;
mod cache;
mod config;
mod count;
mod device;
mod error;
mod file;
mod folder;
mod forward;
mod items;
mod kernels;
mod load;
mod matrix;
mod names;
mod output;
mod product;
mod ready;
mod rope;
mod tensors;
mod tree;
mod weights;

use std::path::Path;

pub use count::Count;
pub use device::PackedOnDevice;
pub use error::{root_cause, PackedError};
use forward::Forward;
use items::unknown;
pub use items::{Item, TokenScore};
use load::Model;
use matrix::PackedMatrix;
pub use ready::Ready;
use tree::Tree;

/// Default bound on working memory (keys, values and activations), in bytes.
pub const DEFAULT_MEMORY: u64 = 1 << 30;

/// Default number of rows that go through the layers together. Measured: no
/// difference in rate between 512 and 2048.
pub const DEFAULT_BLOCK_ROWS: usize = 1024;

/// Fewest rows of a block, however small the memory bound.
const LEAST_BLOCK_ROWS: usize = 16;

/// A model in memory, ready to score. Calls may run side by side; each uses the
/// rayon pool it is called from.
pub struct Packed {
    model: Model,
    memory: u64,
    block_rows: usize,
}

impl Packed {
    /// Reads a GGUF file, or where `path` is a directory a Hugging Face folder, and
    /// turns its weights into float32.
    pub fn load(path: &Path) -> Result<Packed, PackedError> {
        Ok(Packed::new(Model::load(path)?))
    }

    /// As [`Packed::load`], with the matrices mapped from the file that
    /// [`Packed::keep`] wrote. `None` where it is missing, damaged, or another
    /// model's.
    pub fn load_ready(path: &Path, ready: &Ready) -> Option<Packed> {
        Model::load_ready(path, ready).map(Packed::new)
    }

    /// Writes the matrices for [`Packed::load_ready`]: whole, or not at all.
    pub fn keep(&self, ready: &Ready) -> std::io::Result<()> {
        ready::write(
            ready,
            self.model.matrices().map(PackedMatrix::floats_packed),
        )
    }

    fn new(model: Model) -> Packed {
        Packed {
            model,
            memory: DEFAULT_MEMORY,
            block_rows: DEFAULT_BLOCK_ROWS,
        }
    }

    /// Bytes of weights that [`Packed::load`] would keep, from the files' headers
    /// alone: four for each parameter that is computed with, whatever its type.
    pub fn bytes_needed(path: &Path) -> Result<u64, PackedError> {
        load::bytes_needed(path)
    }

    /// Sets the bound on working memory in bytes. When it is tight, blocks become
    /// smaller; the floor is one path of keys and values and a block of a few
    /// rows, which is used even where the bound is below it.
    pub fn with_memory(mut self, bytes: u64) -> Packed {
        self.memory = bytes;
        self
    }

    /// Sets the number of rows that go through the layers together.
    pub fn with_block_rows(mut self, rows: usize) -> Packed {
        self.block_rows = rows.max(1);
        self
    }

    /// Bytes of weights in memory.
    pub fn weight_bytes(&self) -> u64 {
        self.model.bytes()
    }

    /// Longest sequence (tokens before and answer together) that can be scored.
    pub fn longest_sequence(&self) -> usize {
        self.model.config.exact_window
    }

    /// What the model says of every answer token of each item: the row before token
    /// `t` predicts token `t`, over the whole vocabulary.
    /// `cancel` is asked once per block and layer.
    pub fn score(
        &self,
        items: &[Item],
        cancel: &(dyn Fn() -> bool + Sync),
    ) -> Result<(Vec<Vec<TokenScore>>, Count), PackedError> {
        self.model.config.check(items)?;
        let tree = Tree::build(items);
        let mut scores = unknown(items);
        let rows = self.rows_per_block(&tree);
        if rows < self.block_rows {
            tracing::debug!(
                rows,
                "long sequences: smaller blocks keep memory under its bound"
            );
        }
        Forward::new(&self.model, &tree, rows).run(&mut scores, cancel)?;
        Ok((scores, Count::of(items, &tree)))
    }

    /// The block size that keeps the deepest path's keys and values and one
    /// block's activations under the bound.
    fn rows_per_block(&self, tree: &Tree) -> usize {
        let config = &self.model.config;
        let path = tree.longest_path() as u64 * config.cache_bytes_per_token();
        let row = config.activation_bytes_per_row();
        let fits = usize::try_from(self.memory.saturating_sub(path) / row).unwrap_or(usize::MAX);
        self.block_rows.min(fits.max(LEAST_BLOCK_ROWS))
    }

    /// Floating-point operations of one call's linear layers (two per weight and
    /// row, the output layer on predicting rows only): what a measured rate is
    /// held against.
    pub fn operations(&self, items: &[Item]) -> u64 {
        let tree = Tree::build(items);
        let rows = tree.tokens.len() as u64;
        2 * (rows * self.model.layer_weights()
            + tree.predicting_rows() as u64 * self.model.output_weights())
    }
}
