//! What tests and benches that cross crates share.

pub mod clipboard;
pub mod drop;
pub mod project;
pub mod window;
