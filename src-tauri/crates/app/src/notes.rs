//! What a person notes: checked before it is kept.

use crate::AppError;

const MOST_TAGS: usize = 20;
const LONGEST_WORD: usize = 40;
const LONGEST_NOTE: usize = 20_000;

/// A note and tags as they are kept.
pub(crate) fn noted(note: &str, tags: &[String]) -> Result<Vec<String>, AppError> {
    if note.chars().count() > LONGEST_NOTE {
        return Err(fault(
            "The note is longer than 20,000 letters.",
            "Shorten it.",
        ));
    }
    if tags.len() > MOST_TAGS {
        return Err(fault(
            "There are more than 20 tags.",
            "Leave some out, or write them into the note.",
        ));
    }
    tags.iter().map(|tag| word(tag)).collect()
}

/// A fault of a version or what is noted of it.
pub(crate) fn fault(message: &str, hint: &str) -> AppError {
    AppError::new("version", message, hint)
}

/// A tag or the name of a label.
pub(crate) fn word(text: &str) -> Result<String, AppError> {
    let text = text.trim();
    match text.is_empty() || text.chars().count() > LONGEST_WORD {
        true => Err(fault(
            "Tags and labels have between 1 and 40 letters.",
            "Shorten it.",
        )),
        false => Ok(text.to_owned()),
    }
}
