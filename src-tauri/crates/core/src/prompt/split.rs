use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation;

use super::segment::{free_regions, Segment};

/// A unit with the paragraph and the free region that it stands in.
struct Piece {
    range: Range<usize>,
    paragraph: usize,
    region: usize,
}

/// Splits a prompt into at most `max_segments` units without asking a model.
///
/// Placeholders and frozen text divide the prompt; what lies between is cut at
/// blank lines, list items and sentence ends (Unicode Annex 29). While there
/// are too many units, the two shortest neighbours of one paragraph are
/// joined, then neighbours across paragraphs; if placeholders keep too many
/// apart, the longest stay.
pub fn split_into_segments(
    prompt: &str,
    frozen: &[Range<usize>],
    max_segments: usize,
) -> Vec<Segment> {
    let mut pieces = Vec::new();
    let mut paragraph = 0;
    for (region, range) in free_regions(prompt, frozen).into_iter().enumerate() {
        cut_region(prompt, range, region, &mut paragraph, &mut pieces);
        paragraph += 1;
    }
    join_shortest(&mut pieces, max_segments);
    if pieces.len() > max_segments {
        let mut longest: Vec<usize> = (0..pieces.len()).collect();
        longest.sort_by_key(|&at| std::cmp::Reverse(pieces[at].range.len()));
        longest.truncate(max_segments);
        let mut at = 0;
        pieces.retain(|_| {
            at += 1;
            longest.contains(&(at - 1))
        });
    }
    pieces
        .into_iter()
        .filter_map(|piece| Segment::trimmed(prompt, piece.range))
        .collect()
}

fn cut_region(
    prompt: &str,
    range: Range<usize>,
    region: usize,
    paragraph: &mut usize,
    pieces: &mut Vec<Piece>,
) {
    let mut prose: Option<Range<usize>> = None;
    let mut at = range.start;
    for line in prompt[range].split_inclusive('\n') {
        let span = at..at + line.len();
        at = span.end;
        let blank = line.trim().is_empty();
        let item = is_list_item(line);
        if blank || item {
            if let Some(text) = prose.take() {
                cut_sentences(prompt, text, region, *paragraph, pieces);
            }
            if blank {
                *paragraph += 1;
            }
        }
        if item {
            push(prompt, span, region, *paragraph, pieces);
        } else if !blank {
            let start = prose.map_or(span.start, |text| text.start);
            prose = Some(start..span.end);
        }
    }
    if let Some(text) = prose {
        cut_sentences(prompt, text, region, *paragraph, pieces);
    }
}

fn cut_sentences(
    prompt: &str,
    range: Range<usize>,
    region: usize,
    paragraph: usize,
    pieces: &mut Vec<Piece>,
) {
    for (at, sentence) in prompt[range.clone()].split_sentence_bound_indices() {
        let start = range.start + at;
        push(
            prompt,
            start..start + sentence.len(),
            region,
            paragraph,
            pieces,
        );
    }
}

fn push(
    prompt: &str,
    range: Range<usize>,
    region: usize,
    paragraph: usize,
    pieces: &mut Vec<Piece>,
) {
    if let Some(segment) = Segment::trimmed(prompt, range) {
        pieces.push(Piece {
            range: segment.range,
            paragraph,
            region,
        });
    }
}

/// A line that begins with a bullet, a number or a letter of a list.
fn is_list_item(line: &str) -> bool {
    let line = line.trim_start();
    let Some(first) = line.chars().next() else {
        return false;
    };
    if matches!(first, '-' | '*' | '•' | '–' | '+') {
        return line[first.len_utf8()..].starts_with([' ', '\t']);
    }
    let label = line.trim_start_matches('(');
    let end = label
        .find(|c: char| !c.is_ascii_alphanumeric())
        .unwrap_or(label.len());
    let numbered = label[..end].chars().all(|c| c.is_ascii_digit()) && end <= 3;
    (1..=3).contains(&end)
        && (numbered || end == 1)
        && label[end..].starts_with(['.', ')', ':'])
        && label[end + 1..].starts_with([' ', '\t'])
}

fn join_shortest(pieces: &mut Vec<Piece>, max_segments: usize) {
    for same_paragraph in [true, false] {
        while pieces.len() > max_segments.max(1) {
            let pair = (1..pieces.len())
                .filter(|&at| pieces[at - 1].region == pieces[at].region)
                .filter(|&at| !same_paragraph || pieces[at - 1].paragraph == pieces[at].paragraph)
                .min_by_key(|&at| pieces[at].range.end - pieces[at - 1].range.start);
            let Some(at) = pair else { break };
            let right = pieces.remove(at);
            pieces[at - 1].range.end = right.range.end;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn texts(prompt: &str, max: usize) -> Vec<String> {
        split_into_segments(prompt, &[], max)
            .into_iter()
            .map(|segment| segment.text)
            .collect()
    }

    #[test]
    fn sentences_list_items_and_paragraphs() {
        assert_eq!(
            texts(
                "You are kind. Use e.g. plain words!\nGo on.\n\n1. First rule\n2) Second. Still.\n",
                9
            ),
            [
                "You are kind.",
                "Use e.g. plain words!",
                "Go on.",
                "1. First rule",
                "2) Second. Still."
            ]
        );
    }

    #[test]
    fn placeholders_are_never_inside() {
        assert_eq!(
            texts("Message: {{input}}\nAnswer:", 5),
            ["Message:", "Answer:"]
        );
        assert!(texts("{{input}}", 5).is_empty());
        assert!(texts("", 5).is_empty());
    }

    #[test]
    fn too_many_units_join_within_a_paragraph_first() {
        let prompt = "Aa aa. Bb. Cc.\n\nA second paragraph here.";
        assert_eq!(
            texts(prompt, 3),
            ["Aa aa.", "Bb. Cc.", "A second paragraph here."]
        );
        assert_eq!(
            texts(prompt, 2),
            ["Aa aa. Bb. Cc.", "A second paragraph here."]
        );
        assert_eq!(texts(prompt, 1), [prompt]);
        assert_eq!(texts("a {{x}} bb {{x}} ccc", 2), ["bb", "ccc"]);
    }

    proptest! {
        #[test]
        fn units_are_disjoint_ordered_and_free(prompt in "\\PC{0,120}", max in 1_usize..7, lock in "\\PC{1,3}") {
            let frozen = super::super::locate_frozen(&prompt, &[lock]).unwrap_or_default();
            let segments = split_into_segments(&prompt, &frozen, max);
            prop_assert!(segments.len() <= max);
            let mut from = 0;
            for segment in &segments {
                prop_assert!(segment.range.start >= from);
                from = segment.range.end;
                prop_assert_eq!(&prompt[segment.range.clone()], segment.text.as_str());
                prop_assert_eq!(segment.text.trim(), segment.text.as_str());
                for range in &frozen {
                    prop_assert!(range.end <= segment.range.start || segment.range.end <= range.start);
                }
            }
        }
    }
}
