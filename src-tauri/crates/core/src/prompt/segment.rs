use std::ops::Range;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::template::Template;

/// One removable unit of a prompt: a rule, an example, a format note.
///
/// A segment never contains a placeholder or frozen text, and never begins or
/// ends with white space.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    /// Bytes of the prompt.
    pub range: Range<usize>,
    /// The prompt's text at `range`.
    pub text: String,
}

impl Segment {
    /// The segment of `prompt` at `range`, white space at both ends left out;
    /// `None` where no letter or digit is left.
    pub(super) fn trimmed(prompt: &str, range: Range<usize>) -> Option<Self> {
        let text = &prompt[range.clone()];
        let start = range.start + (text.len() - text.trim_start().len());
        let text = text.trim();
        text.contains(char::is_alphanumeric).then(|| Self {
            range: start..start + text.len(),
            text: text.to_owned(),
        })
    }
}

/// Frozen text that a prompt does not contain.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the locked text {text:?} does not occur in the prompt")]
pub struct FreezeError {
    /// The text that was to be frozen.
    pub text: String,
}

/// Finds the frozen texts in a prompt, in their order, none overlapping.
///
/// The order of `frozen` is the order in which they must occur.
pub fn locate_frozen(prompt: &str, frozen: &[String]) -> Result<Vec<Range<usize>>, FreezeError> {
    let mut from = 0;
    let mut ranges = Vec::with_capacity(frozen.len());
    for text in frozen.iter().filter(|text| !text.is_empty()) {
        let Some(at) = prompt[from..].find(text.as_str()) else {
            return Err(FreezeError { text: text.clone() });
        };
        let start = from + at;
        from = start + text.len();
        ranges.push(start..from);
    }
    Ok(ranges)
}

/// The stretches of a prompt that may be changed: all but placeholders and frozen text.
pub fn free_regions(prompt: &str, frozen: &[Range<usize>]) -> Vec<Range<usize>> {
    let mut fixed: Vec<Range<usize>> = Template::parse(prompt)
        .placeholders()
        .iter()
        .map(|placeholder| placeholder.range.clone())
        .chain(frozen.iter().cloned())
        .collect();
    fixed.sort_by_key(|range| range.start);
    let mut regions = Vec::with_capacity(fixed.len() + 1);
    let mut from = 0;
    for range in fixed {
        // A placeholder may lie inside frozen text.
        if range.start > from {
            regions.push(from..range.start);
        }
        from = from.max(range.end);
    }
    if from < prompt.len() {
        regions.push(from..prompt.len());
    }
    regions
}

/// Why a prompt marked by the model cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum MarkError {
    /// Without its tags the answer is another text.
    #[error("the marked text is not the prompt")]
    TextChanged,
    /// A tag without its partner, or one inside another.
    #[error("the <mask> tags are not balanced")]
    Unbalanced,
    /// No unit, or more than allowed.
    #[error("{0} units are marked")]
    Count(usize),
    /// A unit covers a placeholder, frozen text, or nothing that can be read.
    #[error("a marked unit covers text that must stay")]
    Fixed,
}

const OPEN: &str = "<mask>";
const CLOSE: &str = "</mask>";

/// Reads the units that a model marked with `<mask>` and `</mask>`.
///
/// `marked` must equal `prompt` once the tags are gone; white space around both
/// does not count.
pub fn parse_marked(
    prompt: &str,
    marked: &str,
    frozen: &[Range<usize>],
    max_segments: usize,
) -> Result<Vec<Segment>, MarkError> {
    let lead = prompt.len() - prompt.trim_start().len();
    let mut plain = String::with_capacity(prompt.len());
    let mut ranges = Vec::new();
    let mut open = None;
    let mut rest = marked.trim();
    while let Some(at) = rest.find('<') {
        plain.push_str(&rest[..at]);
        rest = &rest[at..];
        if let Some(after) = rest.strip_prefix(OPEN) {
            if open.replace(plain.len()).is_some() {
                return Err(MarkError::Unbalanced);
            }
            rest = after;
        } else if let Some(after) = rest.strip_prefix(CLOSE) {
            let start = open.take().ok_or(MarkError::Unbalanced)?;
            ranges.push(lead + start..lead + plain.len());
            rest = after;
        } else {
            plain.push('<');
            rest = &rest[1..];
        }
    }
    plain.push_str(rest);
    if open.is_some() {
        return Err(MarkError::Unbalanced);
    }
    if plain.trim() != prompt.trim() || plain.starts_with(char::is_whitespace) {
        return Err(MarkError::TextChanged);
    }
    if ranges.is_empty() || ranges.len() > max_segments {
        return Err(MarkError::Count(ranges.len()));
    }
    let regions = free_regions(prompt, frozen);
    ranges
        .into_iter()
        .map(|range| {
            let inside = regions
                .iter()
                .any(|region| region.start <= range.start && range.end <= region.end);
            Segment::trimmed(prompt, range)
                .filter(|_| inside)
                .ok_or(MarkError::Fixed)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marked(prompt: &str, text: &str) -> Result<Vec<String>, MarkError> {
        parse_marked(prompt, text, &[], 5)
            .map(|segments| segments.into_iter().map(|s| s.text).collect())
    }

    #[test]
    fn reads_marked_units() {
        let prompt = " Be kind. Be short, a<b.\n";
        let units = marked(prompt, "<mask>Be kind. </mask><mask>Be short, a<b.</mask>").unwrap();
        assert_eq!(units, ["Be kind.", "Be short, a<b."]);
        let segments = parse_marked(prompt, "Be kind. <mask>Be short, a<b.</mask>", &[], 5);
        assert_eq!(
            &prompt[segments.unwrap()[0].range.clone()],
            "Be short, a<b."
        );
    }

    #[test]
    fn refuses_what_is_not_the_prompt() {
        assert_eq!(
            marked("A b.", "<mask>A c.</mask>"),
            Err(MarkError::TextChanged)
        );
        assert_eq!(marked("A b.", "<mask>A b."), Err(MarkError::Unbalanced));
        assert_eq!(marked("A b.", "A b.</mask>"), Err(MarkError::Unbalanced));
        assert_eq!(
            marked("A b.", "<mask>A <mask>b.</mask></mask>"),
            Err(MarkError::Unbalanced)
        );
        assert_eq!(marked("A b.", "A b."), Err(MarkError::Count(0)));
        assert_eq!(
            marked("A {{x}} b.", "<mask>A {{x}}</mask> b."),
            Err(MarkError::Fixed)
        );
        assert_eq!(marked("A b.", "A<mask> </mask>b."), Err(MarkError::Fixed));
    }

    #[test]
    fn frozen_text_is_found_in_order_and_never_free() {
        let prompt = "One. Two. One.";
        let frozen = locate_frozen(prompt, &["Two.".into(), "One.".into()]).unwrap();
        assert_eq!(frozen, [5..9, 10..14]);
        assert_eq!(free_regions(prompt, &frozen), [0..5, 9..10]);
        assert!(locate_frozen(prompt, &["Three.".into()]).is_err());
        assert!(locate_frozen(prompt, &["Two.".into(), "Two.".into()]).is_err());
    }
}
