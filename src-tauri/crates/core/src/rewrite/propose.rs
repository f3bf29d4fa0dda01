use std::ops::Range;

use super::bank::{Phrase, Place};
use crate::prompt::{free_regions, Segment, Template};

/// The prompt with a phrase before the first unit or after the last one.
///
/// A phrase goes on the line of its neighbour, or on a line of its own where
/// the neighbour is a list item or ends without a full stop.
pub fn insert_phrase(prompt: &str, segments: &[Segment], phrase: &Phrase) -> String {
    match phrase.place {
        Place::Front => match segments.first() {
            Some(first) => {
                let at = first.range.start;
                let own_line = prompt[at..].starts_with(['-', '*', '•', '#']);
                let gap = if own_line { "\n" } else { " " };
                format!("{}{}{gap}{}", &prompt[..at], phrase.text, &prompt[at..])
            }
            None => format!("{}\n{prompt}", phrase.text),
        },
        Place::End => match segments.last() {
            Some(last) => {
                let at = last.range.end;
                let sentence = last.text.ends_with(['.', '!', '?']) && !last.text.contains('\n');
                let gap = if sentence { " " } else { "\n" };
                // A label such as "Answer:" introduces what follows it, so the phrase goes before it.
                if last.text.ends_with(':') {
                    let at = last.range.start;
                    return format!("{}{}\n{}", &prompt[..at], phrase.text, &prompt[at..]);
                }
                format!("{}{gap}{}{}", &prompt[..at], phrase.text, &prompt[at..])
            }
            None if Template::parse(prompt).placeholders().is_empty() => {
                format!("{}\n{}", prompt.trim_end(), phrase.text)
                    .trim_start()
                    .to_owned()
            }
            None => format!("{}\n{prompt}", phrase.text),
        },
    }
}

/// The longest stretch of a prompt that may be rewritten, white space at its ends left out.
///
/// Without placeholders and locked text that is the whole prompt. What a
/// rewrite of it cannot touch then stays word for word and in its place.
pub fn with_region(prompt: &str, frozen: &[Range<usize>]) -> Option<Segment> {
    free_regions(prompt, frozen)
        .into_iter()
        .filter_map(|range| {
            let text = &prompt[range.clone()];
            let start = range.start + (text.len() - text.trim_start().len());
            let text = text.trim();
            text.contains(char::is_alphanumeric).then(|| Segment {
                range: start..start + text.len(),
                text: text.to_owned(),
            })
        })
        .max_by_key(|region| region.text.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prompt::split_into_segments;

    fn insert(prompt: &str, place: Place) -> String {
        let phrase = Phrase {
            text: "New.".into(),
            place,
        };
        insert_phrase(prompt, &split_into_segments(prompt, &[], 5), &phrase)
    }

    #[test]
    fn phrases_find_their_place() {
        assert_eq!(insert("Be kind.", Place::End), "Be kind. New.");
        assert_eq!(insert("Be kind.", Place::Front), "New. Be kind.");
        assert_eq!(insert("- One\n- Two\n", Place::End), "- One\n- Two\nNew.\n");
        assert_eq!(insert("- One", Place::Front), "New.\n- One");
        assert_eq!(
            insert("Message: {{input}}\nAnswer:", Place::End),
            "Message: {{input}}\nNew.\nAnswer:"
        );
        assert_eq!(insert("{{input}}", Place::End), "New.\n{{input}}");
        assert_eq!(insert("", Place::End), "New.");
    }

    #[test]
    fn the_longest_free_stretch_is_rewritten() {
        let prompt = "Sort this mail: {{input}}\nOk?";
        assert_eq!(with_region(prompt, &[]).unwrap().text, "Sort this mail:");
        assert!(with_region("{{input}}", &[]).is_none());
    }
}
