//! A model that is a formula: its tokens are words, its probabilities hashes.

use pmpo_core::random::derived_seed;

/// Texts that are one token each.
pub(crate) const SPECIAL: [&str; 8] = [
    "<s>",
    "</s>",
    "<|im_start|>",
    "<|im_end|>",
    "[INST]",
    "[/INST]",
    "<start_of_turn>",
    "<end_of_turn>",
];

/// Ends of the tokens of a text, in bytes: special ones, words with the blank before
/// them, single signs. A character beyond ASCII is two tokens, its first byte and the rest.
pub(crate) fn ends(text: &str) -> Vec<usize> {
    let mut ends = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        let special = SPECIAL.iter().find(|special| rest.starts_with(**special));
        let blank = usize::from(rest.starts_with(' '));
        let word = rest[blank..]
            .bytes()
            .take_while(u8::is_ascii_alphanumeric)
            .count();
        let first = rest.chars().next().map_or(1, char::len_utf8);
        if first > 1 {
            ends.push(at + 1);
        }
        at += match special {
            Some(special) => special.len(),
            None if word > 0 => blank + word,
            None => first,
        };
        ends.push(at);
    }
    ends
}

/// `ln p` of the bytes `text[from..to]` after all bytes before them. "brief" before
/// them halves what they cost; nobody expects a xylophone.
pub(crate) fn log_prob(text: &str, from: usize, to: usize) -> f64 {
    let bytes = text.as_bytes();
    let before = String::from_utf8_lossy(&bytes[..from]);
    let token = String::from_utf8_lossy(&bytes[from..to]);
    if token.contains("xylophone") {
        return -9.0;
    }
    if is_likeliest(&before, &token) {
        return likeliest(text, from).1;
    }
    let cost = 0.6 + (derived_seed(1, &[&before, &token]) % 1000) as f64 / 500.0;
    let helped = before.contains("brief");
    -cost * if helped { 0.5 } else { 1.0 }
}

/// Whether nothing is likelier in its place: "surely", and the end after it.
pub(crate) fn is_likeliest(before: &str, token: &str) -> bool {
    token.trim_start() == "surely" || (token == "<|im_end|>" && before.ends_with("surely"))
}

/// The likeliest token after a beginning, and its `ln p`.
pub(crate) fn likeliest(text: &str, from: usize) -> (String, f64) {
    let before = String::from_utf8_lossy(&text.as_bytes()[..from]).into_owned();
    let seed = derived_seed(2, &[&before]) % 1000;
    // Likelier than any other one.
    (format!("top {seed}"), -(seed as f64) / 4000.0)
}

/// Sum of `ln p` and number of the tokens that reach beyond `before`: what a scorer
/// must find.
pub(crate) fn expected(text: &str, before: usize) -> (f64, usize) {
    let ends = ends(text);
    let starts = std::iter::once(0).chain(ends.iter().copied());
    let own: Vec<f64> = starts
        .zip(&ends)
        .filter(|(_, end)| **end > before)
        .map(|(start, end)| log_prob(text, start, *end))
        .collect();
    (own.iter().sum(), own.len())
}
