//! Short inputs that differ in one word.

use super::hash::hash_numbers;
use super::words::words;
use super::Example;

/// Longer inputs are found by what they share, wherever they differ.
const MOST_WORDS: usize = 20;
/// In fewer words each one counts.
const LEAST_WORDS: usize = 3;
/// From this many words on another word is a detail, where the answer is the same.
const MANY_WORDS: usize = 8;
/// More inputs than this that differ in the same word are a form with a gap.
const MOST_FILLED: usize = 4;
/// More inputs than this are not compared with each other.
const MOST_COMPARED: usize = 64;
/// A shorter word with another letter is another word.
const LEAST_LETTERS: usize = 6;

/// Pairs of examples with the same answer whose short inputs differ in one word:
/// in a letter of it, or in the whole word where there are many. Words with digits
/// are never taken for the same. `words` are the hashed words of each input,
/// `among` the examples that are looked at.
pub(super) fn pairs(
    examples: &[&Example],
    hashed: &[Vec<u64>],
    among: &[usize],
) -> Vec<(usize, usize)> {
    // One entry for each input and place: the hash of all that is around it.
    let mut around: Vec<(u64, usize, usize)> = Vec::new();
    for &at in among {
        let words = &hashed[at];
        if !(LEAST_WORDS..=MOST_WORDS).contains(&words.len()) {
            continue;
        }
        let mut numbers = vec![words.len() as u64];
        numbers.extend(words);
        for place in 0..words.len() {
            let word = std::mem::replace(&mut numbers[place + 1], 0);
            around.push((hash_numbers(&numbers), at, place));
            numbers[place + 1] = word;
        }
    }
    around.sort_unstable();
    let mut found = Vec::new();
    for near in around.chunk_by(|a, b| a.0 == b.0) {
        if near.len() < 2 || near.len() > MOST_COMPARED {
            continue;
        }
        let read: Vec<(usize, String, usize)> = near
            .iter()
            .map(|&(_, at, place)| {
                let mut words = words(&examples[at].input);
                let count = words.len();
                (at, words.swap_remove(place), count)
            })
            .collect();
        for (one, (a, word, count)) in read.iter().enumerate() {
            for (b, other, _) in &read[..one] {
                let detail = *count >= MANY_WORDS && near.len() <= MOST_FILLED;
                let digits = [word, other].iter().any(|word| has_digit(word));
                if examples[*a].answer == examples[*b].answer
                    && !digits
                    && (detail || is_slip(word, other))
                {
                    found.push((*a, *b));
                }
            }
        }
    }
    found
}

fn has_digit(word: &str) -> bool {
    word.contains(|c: char| c.is_numeric())
}

/// Whether two longer words are the same but for one letter, or two neighbours
/// changed about.
fn is_slip(a: &str, b: &str) -> bool {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    if a.len().min(b.len()) < LEAST_LETTERS {
        return false;
    }
    let before = a.iter().zip(&b).take_while(|(a, b)| a == b).count();
    let behind =
        |skip_a: usize, skip_b: usize| a[before..].get(skip_a..) == b[before..].get(skip_b..);
    match a.len().abs_diff(b.len()) {
        0 => {
            let swapped = a.len() >= before + 2
                && a[before] == b[before + 1]
                && a[before + 1] == b[before]
                && behind(2, 2);
            before == a.len() || behind(1, 1) || swapped
        }
        1 if a.len() > b.len() => behind(1, 0),
        1 => behind(0, 1),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_letter_is_a_slip() {
        for (a, b) in [
            ("receive", "recieve"),
            ("parcel", "parcels"),
            ("weather", "wether"),
            ("weather", "weathor"),
            ("orders", "oredrs"),
        ] {
            assert!(is_slip(a, b) && is_slip(b, a), "{a} {b}");
        }
        for (a, b) in [
            ("on", "off"),
            ("light", "night"),
            ("form", "from"),
            ("legal", "illegal"),
        ] {
            assert!(!is_slip(a, b) && !is_slip(b, a), "{a} {b}");
        }
    }
}
