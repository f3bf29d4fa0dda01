//! The words of inputs, as they are compared.

use super::hash::hash_bytes;

/// The words of a text in small letters, without the punctuation around them.
/// Signs that can carry the meaning stay: brackets, operators, those within
/// numbers.
pub(super) fn words(text: &str) -> Vec<String> {
    let bare: Vec<String> = text
        .split_whitespace()
        .map(|word| bare(word).to_lowercase().replace('’', "'"))
        .filter(|word| !word.is_empty())
        .collect();
    if bare.is_empty() {
        // Of "?" and "!" nothing would be left to tell them apart.
        return text.split_whitespace().map(str::to_owned).collect();
    }
    bare
}

/// A word without the punctuation at its ends.
fn bare(word: &str) -> &str {
    let is_mark = |c: char| ".,;:!?…\"'“”„‘’«»¿¡".contains(c);
    let bare = word.trim_matches(is_mark);
    // ".5" is another number than "5".
    let before = word.len() - word.trim_start_matches(is_mark).len();
    match bare.starts_with(|c: char| c.is_ascii_digit()) && word[..before].ends_with(['.', ',']) {
        true => &word[before - 1..before + bare.len()],
        false => bare,
    }
}

/// Hashes of a text's words.
pub(super) fn hashed_words(text: &str) -> Vec<u64> {
    let hashed = |word: &String| hash_bytes(word.as_bytes());
    words(text).iter().map(hashed).collect()
}
