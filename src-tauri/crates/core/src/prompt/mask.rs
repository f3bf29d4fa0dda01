use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::Segment;

/// The text that stands in for a masked unit (paper, section on mask-guided evaluation).
pub const MASK: &str = "<MASK>";

/// How a unit is taken out to measure what it does. The paper says both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum MaskMode {
    /// The unit becomes `<MASK>`.
    #[default]
    Replace,
    /// The unit's characters are taken out and nothing else is.
    Remove,
}

/// The prompt with one unit masked; every other byte is as before.
pub fn mask_segment(prompt: &str, segment: &Segment, mode: MaskMode) -> String {
    let stand_in = match mode {
        MaskMode::Replace => MASK,
        MaskMode::Remove => "",
    };
    let mut out = prompt.to_owned();
    out.replace_range(segment.range.clone(), stand_in);
    out
}

/// The prompt without one unit and without the white space that set it apart.
///
/// White space on both sides shrinks to the larger of the two gaps (more line
/// breaks, then more characters); at either end of the prompt it goes.
pub fn drop_segment(prompt: &str, segment: &Segment) -> String {
    let before = &prompt[..segment.range.start];
    let after = &prompt[segment.range.end..];
    let head = before.trim_end();
    let tail = after.trim_start();
    let left = &before[head.len()..];
    let right = &after[..after.len() - tail.len()];
    let gap = if head.is_empty() {
        left
    } else if tail.is_empty() {
        right
    } else {
        let size = |gap: &str| (gap.matches('\n').count(), gap.len());
        if size(left) >= size(right) {
            left
        } else {
            right
        }
    };
    format!("{head}{gap}{tail}")
}

/// The prompt with two units in each other's place; all text between them stays.
///
/// `first` must end before `second` begins.
pub fn swap_segments(prompt: &str, first: &Segment, second: &Segment) -> String {
    let mut out = String::with_capacity(prompt.len());
    out.push_str(&prompt[..first.range.start]);
    out.push_str(&second.text);
    out.push_str(&prompt[first.range.end..second.range.start]);
    out.push_str(&first.text);
    out.push_str(&prompt[second.range.end..]);
    out
}

/// The prompt with the unit at `index` moved before all others; the gaps between units stay.
pub fn move_segment_to_front(prompt: &str, segments: &[Segment], index: usize) -> String {
    let mut order: Vec<usize> = (0..segments.len()).collect();
    let moved = order.remove(index);
    order.insert(0, moved);
    let mut out = String::with_capacity(prompt.len());
    let mut from = 0;
    for (place, source) in segments.iter().zip(order) {
        out.push_str(&prompt[from..place.range.start]);
        out.push_str(&segments[source].text);
        from = place.range.end;
    }
    out.push_str(&prompt[from..]);
    out
}

#[cfg(test)]
mod tests {
    use super::super::split_into_segments;
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn masks_drops_swaps_and_moves() {
        let prompt = "Be kind. Be short.\n\n- One\n- Two\n";
        let segments = split_into_segments(prompt, &[], 5);
        assert_eq!(segments.len(), 4);
        assert_eq!(
            mask_segment(prompt, &segments[1], MaskMode::Replace),
            "Be kind. <MASK>\n\n- One\n- Two\n"
        );
        assert_eq!(
            mask_segment(prompt, &segments[1], MaskMode::Remove),
            "Be kind. \n\n- One\n- Two\n"
        );
        assert_eq!(
            drop_segment(prompt, &segments[0]),
            "Be short.\n\n- One\n- Two\n"
        );
        assert_eq!(
            drop_segment(prompt, &segments[1]),
            "Be kind.\n\n- One\n- Two\n"
        );
        assert_eq!(
            drop_segment(prompt, &segments[3]),
            "Be kind. Be short.\n\n- One\n"
        );
        assert_eq!(
            swap_segments(prompt, &segments[0], &segments[3]),
            "- Two Be short.\n\n- One\nBe kind.\n"
        );
        assert_eq!(
            move_segment_to_front(prompt, &segments, 2),
            "- One Be kind.\n\nBe short.\n- Two\n"
        );
    }

    proptest! {
        #[test]
        fn masking_never_changes_other_text(prompt in "[ a-zA-Z.!?\n{}-]{0,200}", max in 1_usize..8) {
            for segment in split_into_segments(&prompt, &[], max) {
                for (mode, stand_in) in [(MaskMode::Replace, MASK), (MaskMode::Remove, "")] {
                    let masked = mask_segment(&prompt, &segment, mode);
                    let tail = prompt.len() - segment.range.end;
                    prop_assert_eq!(&masked[..segment.range.start], &prompt[..segment.range.start]);
                    prop_assert_eq!(&masked[masked.len() - tail..], &prompt[segment.range.end..]);
                    prop_assert_eq!(masked.len(), segment.range.start + stand_in.len() + tail);
                }
            }
        }

        #[test]
        fn reordering_keeps_every_unit(prompt in "[ a-zA-Z.!?\n-]{0,200}") {
            let segments = split_into_segments(&prompt, &[], 5);
            let sorted = |text: &str| { let mut all: Vec<char> = text.chars().collect(); all.sort_unstable(); all };
            for index in 0..segments.len() {
                let moved = move_segment_to_front(&prompt, &segments, index);
                prop_assert_eq!(sorted(&moved), sorted(&prompt));
                prop_assert!(moved.contains(&segments[index].text));
            }
        }
    }
}
