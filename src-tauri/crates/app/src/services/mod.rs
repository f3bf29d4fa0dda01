//! Services: each owns a state and its lock, and takes the database, the host of models and
//! whom it tells. None knows `crate::studio`, which joins them.

pub(crate) mod downloads;
pub(crate) mod measuring;
mod run_views;
pub(crate) mod runs;
pub(crate) mod servers;
pub(crate) mod sources;
pub(crate) mod tables;
pub(crate) mod tries;
