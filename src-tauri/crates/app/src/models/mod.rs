//! Models: how one is named, what brings it into memory, who uses it there.
//!
//! [`ModelHost`] is the only owner of models. Everybody else asks it for one, says what
//! for, and gives it back by dropping what was given.

mod host;
mod in_turn;
mod leases;
mod loader;
mod reference;

pub(crate) use host::{ModelHost, Remote};
pub(crate) use in_turn::LoadingSink;
pub(crate) use leases::{Lease, Purpose};
pub use loader::{EngineLoader, Foreseen, ModelLoader};
pub use reference::ModelRef;
