//! What pages say of many runs: rows that they share, words, colours.

use std::collections::hash_map::Entry;
use std::collections::HashMap;

use pmpo_plot::PALETTE;
use pmpo_store::{DatasetId, DatasetRow, ModelId, RunId, RunRow, Store, VersionId};

use crate::AppError;

/// Words of a prompt shown beside a point.
const SHOWN_WORDS: usize = 16;

/// Rows that many runs share, read once.
#[derive(Default)]
pub(crate) struct Shared {
    datasets: HashMap<DatasetId, DatasetRow>,
    models: HashMap<ModelId, String>,
    versions: HashMap<VersionId, (i64, String)>,
}

impl Shared {
    pub(crate) fn dataset(
        &mut self,
        store: &Store,
        id: DatasetId,
    ) -> Result<&DatasetRow, AppError> {
        Ok(match self.datasets.entry(id) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => place.insert(store.dataset(id)?),
        })
    }

    pub(crate) fn model(&mut self, store: &Store, id: ModelId) -> Result<&str, AppError> {
        Ok(match self.models.entry(id) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => place.insert(store.model(id)?.description.name),
        })
    }

    /// Number of a version and its first words.
    pub(crate) fn version(
        &mut self,
        store: &Store,
        id: VersionId,
    ) -> Result<&(i64, String), AppError> {
        Ok(match self.versions.entry(id) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => {
                let version = store.version(id)?;
                place.insert((version.number, first_words(&version.text)))
            }
        })
    }
}

/// The colour of a run that the person gave none: the same wherever it is drawn.
fn usual_colour(run: RunId) -> [u8; 3] {
    let nth = run.0.unsigned_abs() as usize;
    let own = PALETTE[nth % PALETTE.len()];
    // Neighbours differ in hue, the next eight in lightness.
    match nth / PALETTE.len() % 3 {
        0 => own,
        1 => own.map(|part| (f64::from(part) * 0.68) as u8),
        _ => own.map(|part| (f64::from(part) * 0.6 + 102.0) as u8),
    }
}

pub(crate) fn colour_of(row: &RunRow) -> [u8; 3] {
    let own = row.colour.as_deref().and_then(colour);
    own.unwrap_or_else(|| usual_colour(row.id))
}

/// Red, green and blue of `#rrggbb`.
pub(crate) fn colour(text: &str) -> Option<[u8; 3]> {
    let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6)?;
    let whole = u32::from_str_radix(digits, 16).ok()?;
    let [_, red, green, blue] = whole.to_be_bytes();
    Some([red, green, blue])
}

pub(crate) fn colour_text([red, green, blue]: [u8; 3]) -> String {
    format!("#{red:02x}{green:02x}{blue:02x}")
}

/// The first words of a prompt.
pub(crate) fn first_words(text: &str) -> String {
    let mut words = text.split_whitespace();
    let mut out: String = words
        .by_ref()
        .take(SHOWN_WORDS)
        .collect::<Vec<_>>()
        .join(" ")
        .chars()
        .take(160)
        .collect();
    if words.next().is_some() {
        out.push('…');
    }
    out
}
