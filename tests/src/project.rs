//! Projects that the window finds when it starts.

#![allow(clippy::unwrap_used)] // A test may stop at the first surprise.

use std::path::Path;

use pmpo_app::wire::Draft;
use pmpo_app::{EngineLoader, Studio};

/// Opens a sample's project in a data folder, changed before any window sees it, and
/// returns its number.
pub fn prepare(data: &Path, sample: &str, change: impl FnOnce(&mut Draft)) -> i64 {
    let studio = Studio::open(data, Box::new(EngineLoader)).unwrap();
    let project = studio.open_sample(sample).unwrap();
    let mut draft = project.draft;
    change(&mut draft);
    studio.save_draft(project.id, &draft).unwrap();
    project.id
}
