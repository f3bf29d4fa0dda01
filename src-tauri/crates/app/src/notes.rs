//! What a person notes: checked before it is kept.

use crate::{fault, AppError};

const MOST_TAGS: usize = 20;
const LONGEST_WORD: usize = 40;
const LONGEST_NOTE: usize = 20_000;

/// A note and tags as they are kept.
pub(crate) fn noted(note: &str, tags: &[String]) -> Result<Vec<String>, AppError> {
    if note.chars().count() > LONGEST_NOTE {
        return Err(fault!("version.note"));
    }
    if tags.len() > MOST_TAGS {
        return Err(fault!("version.tags"));
    }
    tags.iter().map(|tag| word(tag)).collect()
}

/// A tag or the name of a label.
pub(crate) fn word(text: &str) -> Result<String, AppError> {
    let text = text.trim();
    match text.is_empty() || text.chars().count() > LONGEST_WORD {
        true => Err(fault!("version.word")),
        false => Ok(text.to_owned()),
    }
}
