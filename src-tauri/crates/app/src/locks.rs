//! Locks of what threads share, and the order in which they are taken.
//!
//! Whoever holds several takes them in this order, so that no two wait for each other:
//! the model in memory (`models::host`), a service's own state (the run that goes on, who
//! watches it, what is measured, tables, curves, downloads, sources that are watched), the
//! database's writing connection, who uses a model (`models::leases`), who listens
//! (`events`). Readers of the database have connections of their own and wait for nobody.
//! No lock is held while a file is parsed, examples are split, or the database is compacted,
//! but for the table's own, whose state is exactly that work.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// A lock that outlives a panic of another holder: what it guards is changed in single
/// steps.
pub(crate) fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
