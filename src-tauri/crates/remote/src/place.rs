//! Where the tokens of a server's answer are in the text that was sent.
//!
//! Servers name tokens by their text, and the texts do not always add up: special
//! tokens are empty or left out, a character that several tokens make up is empty or
//! U+FFFD, a blank before a word may be missing. Offsets that servers give have the
//! same faults (llama-cpp-python counts without special tokens). So all ways in which
//! the tokens may cover the text are followed at once; where one comes to its end, it
//! tells which token ends where. Ways can differ only inside a run of characters
//! beyond ASCII that the server could not name.

use std::collections::HashMap;
use std::ops::Range;

/// More ways at once than texts give cause for: some 800 tokens without one that the
/// server could name.
const MOST_WAYS: usize = 4096;
/// Bytes of a first token whose text is unknown, at most.
const LONGEST_UNKNOWN: usize = 256;

/// The tokens so far, read up to a place of the text.
#[derive(Clone, Copy)]
struct State {
    end: usize,
    /// The state before it.
    from: usize,
    /// Whether the last token covers no text because it has none to show.
    mute: bool,
    /// Tokens without text and special tokens left out, on the way here.
    odd: usize,
}

/// All places that the tokens so far may end at, each by the least odd way.
#[derive(Default)]
struct Layer {
    states: Vec<State>,
    by_end: HashMap<usize, usize>,
}

impl Layer {
    fn add(&mut self, state: State) {
        match self.by_end.get(&state.end) {
            Some(&known) => {
                if state.odd < self.states[known].odd {
                    self.states[known] = state;
                }
            }
            None => {
                self.by_end.insert(state.end, self.states.len());
                self.states.push(state);
            }
        }
    }
}

/// A text in which tokens are looked for.
pub(crate) struct Ground<'a> {
    pub(crate) text: &'a str,
    /// Texts of special tokens.
    pub(crate) markers: &'a [String],
    /// Up to here a special token may be left out; all bytes after it need a token.
    pub(crate) loose: usize,
}

impl Ground<'_> {
    /// Bytes of the text that each token covers, without those at the end that the
    /// server wrote itself: as many as `written` says, likeliest first. A token without a text of its own ends where the next one does. The text of the
    /// first token may be unknown.
    pub(crate) fn place(
        &self,
        pieces: &[Option<&str>],
        written: &[usize],
    ) -> Result<Vec<Range<usize>>, &'static str> {
        let mut first = Layer::default();
        first.add(State {
            end: 0,
            from: 0,
            mute: false,
            odd: 0,
        });
        self.add_skips(&mut first);
        let mut layers = vec![first];
        for (at, piece) in pieces.iter().enumerate() {
            let next = self.after(&layers[at], *piece, at == 0);
            if next.states.is_empty() {
                break;
            }
            if next.states.len() > MOST_WAYS {
                return Err("its tokens can be laid over the text in too many ways");
            }
            layers.push(next);
        }
        written
            .iter()
            .filter_map(|own| pieces.len().checked_sub(*own))
            .find_map(|count| self.way_back(layers.get(..=count)?))
            .ok_or("its tokens do not make up the text that was sent")
    }

    /// The places after one more token.
    fn after(&self, layer: &Layer, piece: Option<&str>, first: bool) -> Layer {
        let mut next = Layer::default();
        let silent = piece.is_some_and(|piece| bare(piece).is_empty());
        for (from, state) in layer.states.iter().enumerate() {
            let ends = match piece {
                Some(piece) => self.steps(state.end, piece, first),
                None if first => self.unknown(state.end),
                None => Vec::new(),
            };
            for end in ends {
                let mute = silent && end == state.end;
                let odd = state.odd + usize::from(mute);
                next.add(State {
                    end,
                    from,
                    mute,
                    odd,
                });
            }
        }
        self.add_skips(&mut next);
        next
    }

    /// The way to the end of the text, if the last layer comes there.
    fn way_back(&self, layers: &[Layer]) -> Option<Vec<Range<usize>>> {
        let mut end = self.text.len();
        let mut at = *layers.last()?.by_end.get(&end)?;
        let mut ranges = Vec::with_capacity(layers.len());
        for (this, before) in layers.iter().skip(1).zip(layers).rev() {
            let state = this.states[at];
            if !state.mute {
                end = state.end;
            }
            ranges.push(before.states[state.from].end..end);
            at = state.from;
        }
        ranges.reverse();
        Some(ranges)
    }

    /// Adds the places after special tokens that the server may have left out.
    fn add_skips(&self, layer: &mut Layer) {
        let mut at = 0;
        while at < layer.states.len() {
            let state = layer.states[at];
            for marker in self.markers_at(state.end) {
                let end = state.end + marker;
                if end <= self.loose {
                    let odd = state.odd + 1;
                    layer.add(State { end, odd, ..state });
                }
            }
            at += 1;
        }
    }

    /// Lengths of the special tokens' texts that stand at a place.
    fn markers_at(&self, at: usize) -> impl Iterator<Item = usize> + '_ {
        let rest = &self.text.as_bytes()[at..];
        let here = move |marker: &&String| rest.starts_with(marker.as_bytes());
        self.markers.iter().filter(here).map(String::len)
    }

    /// Where a token may end of which nothing is known.
    fn unknown(&self, from: usize) -> Vec<usize> {
        (from..=self.text.len().min(from + LONGEST_UNKNOWN)).collect()
    }

    /// Where a token that begins at `from` may end, likeliest first.
    fn steps(&self, from: usize, piece: &str, first: bool) -> Vec<usize> {
        let mut ends = Vec::new();
        let bytes = self.text.as_bytes();
        // The rest of a character that an earlier token began.
        let rest = (from..bytes.len())
            .take_while(|&at| !self.text.is_char_boundary(at))
            .count();
        let begin = from + rest;
        let literal = bare(piece);
        if literal.is_empty() {
            if rest == 0 {
                ends.extend(self.markers_at(from).map(|length| from + length));
            }
            ends.extend((1..=rest).rev().map(|taken| from + taken));
            ends.extend(self.beginnings(begin));
            if bytes.get(from) == Some(&b' ') {
                ends.push(from + 1);
            }
            ends.push(from);
            return ends;
        }
        let mut take = |at: usize, part: &str| {
            if at <= bytes.len() && bytes[at..].starts_with(part.as_bytes()) {
                let end = at + part.len();
                ends.push(end);
                ends.extend(self.beginnings(end));
            }
        };
        take(begin, literal);
        if let Some(part) = literal.strip_prefix(' ') {
            // Some tokenisers put a blank before the text, and after special tokens.
            if begin == 0 || matches!(bytes[begin - 1], b'>' | b']') {
                take(begin, part);
            }
        } else if bytes.get(begin) == Some(&b' ') {
            // Others take it off where a token is shown alone.
            take(begin + 1, literal);
        }
        if let Some(named) = named_bytes(piece) {
            if bytes[from..].starts_with(&named) {
                ends.push(from + named.len());
            }
        }
        // A token that begins every text and stands in none.
        if first && from == 0 && piece.starts_with(['<', '[']) {
            ends.push(0);
        }
        ends
    }

    /// Places inside the character that begins at `at`, if it has several bytes.
    fn beginnings(&self, at: usize) -> impl Iterator<Item = usize> {
        let length = self.text[at..].chars().next().map_or(1, char::len_utf8);
        (1..length).map(move |taken| at + taken)
    }
}

/// What of a token's text is certain.
fn bare(piece: &str) -> &str {
    piece.trim_matches(char::REPLACEMENT_CHARACTER)
}

/// The bytes of a token that is named by them: `<0xE2>` or `bytes:\xe2\x80`.
fn named_bytes(piece: &str) -> Option<Vec<u8>> {
    let byte = |digits: &str| u8::from_str_radix(digits, 16).ok();
    if let Some(digits) = piece.strip_prefix("<0x") {
        return Some(vec![byte(digits.strip_suffix('>')?)?]);
    }
    let named = piece.strip_prefix("bytes:\\x")?;
    named.split("\\x").map(byte).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ends(text: &str, loose: usize, pieces: &[&str], likely: usize) -> Option<Vec<usize>> {
        let markers = ["<|im_start|>", "<|im_end|>", "<s>"].map(str::to_owned);
        let ground = Ground {
            text,
            markers: &markers,
            loose,
        };
        let pieces: Vec<Option<&str>> = pieces.iter().map(|piece| Some(*piece)).collect();
        let placed = ground.place(&pieces, &[likely, 0, 1]).ok()?;
        Some(placed.iter().map(|range| range.end).collect())
    }

    #[test]
    fn tokens_that_add_up() {
        assert_eq!(ends("ab cd", 2, &["a", "b", " cd"], 0).unwrap(), [1, 2, 5]);
        // One more that the server wrote, announced or not.
        for likely in [0, 1] {
            assert_eq!(ends("ab", 1, &["ab", "!"], likely).unwrap(), [2]);
        }
        assert_eq!(ends("ab", 1, &["ab", "!", "!"], 1), None);
        assert_eq!(ends("ab cd", 2, &["ab", " c"], 0), None);
        assert_eq!(ends("ab cd", 2, &["ab", " x"], 0), None);
        assert_eq!(ends("ab", 1, &[], 0), None);
    }

    #[test]
    fn llama_cpp_python_shows_special_tokens_as_nothing_or_not_at_all() {
        let before = "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n";
        let text = format!("{before}Yes<|im_end|>");
        let pieces = [
            "user", "\n", "Hi", "", "\n", "ass", "istant", "\n", "Yes", "", "\n",
        ];
        let found = ends(&text, before.len(), &pieces, 1).unwrap();
        assert_eq!(found.len(), 10);
        assert_eq!(found[7], before.len());
        assert_eq!(found[8..], [before.len() + 3, text.len()]);
        // A marker of the answer must have its token.
        assert_eq!(ends(&text, before.len(), &pieces[..9], 0), None);
        // vLLM shows all of them.
        let shown = [
            "<|im_start|>",
            "user",
            "\n",
            "Hi",
            "<|im_end|>",
            "\n",
            "<|im_start|>",
            "assistant",
            "\n",
            "Yes",
            "<|im_end|>",
        ];
        assert_eq!(ends(&text, before.len(), &shown, 0).unwrap().len(), 11);
    }

    #[test]
    fn characters_that_several_tokens_make_up() {
        // As llama-cpp-python shows it: bytes that are no text are left out.
        let text = "日本語の ok";
        let pieces = ["", "", "本", "", "", "", "の", " ok", "r"];
        let found = ends(text, 0, &pieces, 1).unwrap();
        assert_eq!((found[1], found[2], found[5]), (3, 6, 9));
        assert_eq!(found[6..], [12, 15]);
        // As others do.
        let marks = ["\u{fffd}", "\u{fffd}", "本", "\u{fffd}", "語", "の", " ok"];
        let found = ends(text, 0, &marks, 0).unwrap();
        assert_eq!(found[2..], [6, 9, 9, 12, 15]);
        let named = [
            "<0xE6>",
            "<0x97>",
            "<0xA5>",
            "本",
            "bytes:\\xe8\\xaa",
            "bytes:\\x9e",
            "の",
            " ok",
        ];
        assert_eq!(
            ends(text, 0, &named, 0).unwrap(),
            [1, 2, 3, 6, 8, 9, 12, 15]
        );
        // A token that ends one character and begins the next.
        assert_eq!(ends("日本", 0, &["", "", ""], 0).unwrap().last(), Some(&6));
        assert_eq!(
            ends("日本a", 0, &["日\u{fffd}", "\u{fffd}a"], 0).unwrap()[1],
            7
        );
    }

    #[test]
    fn beginnings_and_blanks() {
        assert_eq!(ends("ab", 0, &["<s>", "ab"], 0).unwrap(), [0, 2]);
        assert_eq!(ends("<s>ab", 0, &["<s>", "ab"], 0).unwrap(), [3, 5]);
        assert_eq!(ends("ab", 0, &["<s>", "<s>", "ab"], 0), None);
        assert_eq!(ends("ab cd", 0, &[" ab", "cd"], 0).unwrap(), [2, 5]);
        assert_eq!(ends("<s>ab", 0, &["<s>", " ab"], 0).unwrap(), [3, 5]);
        assert_eq!(
            ends("a\nb", 0, &["a", "<0x0A>", "b"], 0).unwrap(),
            [1, 2, 3]
        );
        assert_eq!(ends("<0x0A>", 0, &["<0x0A>"], 0).unwrap(), [6]);
    }

    #[test]
    fn a_long_text_without_readable_tokens_is_quick() {
        let text = "ไทย".repeat(100);
        let pieces: Vec<&str> = std::iter::repeat_n("", text.len() / 2).collect();
        assert!(ends(&text, 0, &pieces, 0).is_some_and(|found| found.last() == Some(&text.len())));
    }

    proptest! {
        #[test]
        fn any_cut_of_any_text_is_found_again(
            words in prop::collection::vec("[a-z ]{1,4}|[é日🙂]{1,2}", 1..20),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
            lossy in any::<bool>(),
        ) {
            let text = words.concat();
            let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(text.len())).collect();
            places.push(text.len());
            places.sort_unstable();
            places.dedup();
            places.retain(|&at| at > 0 && (lossy || text.is_char_boundary(at)));
            let mut from = 0;
            let pieces: Vec<String> = places.iter().map(|&to| {
                let bytes = &text.as_bytes()[from..to];
                from = to;
                String::from_utf8_lossy(bytes).chars().filter(|c| *c != '\u{fffd}').collect()
            }).collect();
            let pieces: Vec<&str> = pieces.iter().map(String::as_str).collect();
            let found = ends(&text, 0, &pieces, 0).unwrap();
            for (found, meant) in found.iter().zip(&places) {
                // Inside a run that was not named, ways may differ.
                let named = text.as_bytes()[..*meant].is_ascii();
                if !lossy || (named && text.is_char_boundary(*meant)) {
                    prop_assert_eq!(found, meant);
                }
            }
            prop_assert_eq!(found.last(), Some(&text.len()));
        }
    }
}
