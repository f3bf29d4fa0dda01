//! The same scoring on any of candle's devices, for GPUs: quantised weights stay as
//! in the file, everything else is float32.
//!
//! The prefix tree and its blocks are those of the processor's path. Attention
//! is dense here: a block's rows meet the cached path and the whole block, and a
//! mask hides what is not on a row's path.

mod model;
mod pass;
mod score;

pub use model::PackedOnDevice;
