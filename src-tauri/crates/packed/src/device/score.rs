use super::model::PackedOnDevice;
use super::pass::Pass;
use crate::count::Count;
use crate::error::PackedError;
use crate::items::{unknown, Item, TokenScore};
use crate::tree::Tree;

/// Rows of a block where memory allows.
const BLOCK_ROWS: usize = 2048;
/// Fewest rows of a block.
const LEAST_ROWS: usize = 16;

impl PackedOnDevice {
    /// As [`crate::Packed::score`]. Where the device's memory is too small, blocks are
    /// halved down to a few rows.
    ///
    /// # Errors
    /// [`PackedError::OutOfMemory`] where even these do not fit, and
    /// [`PackedError::Device`] where the device fails otherwise: it must not be gone on
    /// with. All else is as there.
    pub fn score(
        &self,
        items: &[Item],
        cancel: &(dyn Fn() -> bool + Sync),
    ) -> Result<(Vec<Vec<TokenScore>>, Count), PackedError> {
        self.config.check(items)?;
        let tree = Tree::build(items);
        let mut pass = Pass::new(self, &tree)?;
        let mut scores = unknown(items);
        let (mut rows, mut done) = (self.block_rows(&tree), 0);
        // What is done stays done when a block has to be made smaller.
        'smaller: loop {
            for block in tree.blocks(done, rows) {
                match pass.block(&block, &mut scores, cancel) {
                    Ok(()) => done = block.rows.end,
                    Err(PackedError::OutOfMemory(_)) if rows > LEAST_ROWS => {
                        rows = (rows / 2).max(LEAST_ROWS);
                        tracing::warn!(rows, done, "the device is short of memory: smaller blocks");
                        continue 'smaller;
                    }
                    Err(other) => return Err(other),
                }
            }
            return Ok((scores, Count::of(items, &tree)));
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
}

#[cfg(test)]
#[path = "../../tests/common/mod.rs"]
#[allow(clippy::unwrap_used, unreachable_pub)]
mod common;

#[cfg(test)]
#[allow(clippy::unwrap_used)] // A test may stop at the first surprise.
mod tests {
    use candle_core::Device;

    use super::common::{Random, Tiny};
    use super::*;

    #[test]
    fn a_device_short_of_memory_goes_on_in_smaller_blocks_from_where_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let tiny = Tiny::llama();
        let path = tiny.write(&tiny.weights(), folder.path());
        let mut packed = PackedOnDevice::load(&path, &Device::Cpu).unwrap();
        let mut random = Random(5);
        let mut tokens = |count| random.tokens(count, tiny.vocabulary);
        let prompt = tokens(50);
        let items: Vec<Item> = (0..9)
            .map(|i| ([&prompt[..], &tokens(5 * i)].concat(), tokens(1 + i)))
            .collect();
        let (whole, _) = packed.score(&items, &|| false).unwrap();
        packed.room = 40;
        let (halved, _) = packed.score(&items, &|| false).unwrap();
        for (a, b) in halved.iter().flatten().zip(whole.iter().flatten()) {
            let (a, b) = (a.log_prob, b.log_prob);
            assert!((a - b).abs() < 1e-4 * b.abs().max(1.0), "{a} and {b}");
        }
        packed.room = LEAST_ROWS - 1;
        let refused = packed.score(&items, &|| false);
        assert!(matches!(refused, Err(PackedError::OutOfMemory(_))));
    }

    #[test]
    fn a_fault_of_the_computation_is_not_taken_for_want_of_memory() {
        let folder = tempfile::tempdir().unwrap();
        let tiny = Tiny::llama();
        let path = tiny.write(&tiny.weights(), folder.path());
        let mut packed = PackedOnDevice::load(&path, &Device::Cpu).unwrap();
        packed.weights.output_norm = packed.weights.output_norm.narrow(0, 0, 3).unwrap();
        let asked = std::sync::atomic::AtomicUsize::new(0);
        let counted = || {
            asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            false
        };
        let refused = packed.score(&[(vec![1, 2, 3], vec![4, 5])], &counted);
        assert!(matches!(refused, Err(PackedError::Computation(_))));
        // Each layer once: the block was not tried again in smaller ones.
        assert_eq!(asked.into_inner(), packed.config.layers);
    }
}
