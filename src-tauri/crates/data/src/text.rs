//! Bytes as text, whatever program wrote them.

use std::borrow::Cow;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_16BE, UTF_16LE, UTF_8};

/// Bytes that are looked at for a guess.
const SAMPLE: usize = 1 << 16;

/// A file's text, and the encoding it was read by where that is not UTF-8.
pub(crate) fn decode(bytes: &[u8]) -> (Cow<'_, str>, Option<&'static str>) {
    let (encoding, bytes) = match Encoding::for_bom(bytes) {
        Some((marked, length)) => (marked, &bytes[length..]),
        None => (unmarked(bytes), bytes),
    };
    // What does not fit becomes U+FFFD, which the checks find and tell.
    let (text, _) = encoding.decode_without_bom_handling(bytes);
    let name = (encoding != UTF_8).then_some(encoding.name());
    (text, name)
}

fn unmarked(bytes: &[u8]) -> &'static Encoding {
    if let Some(wide) = without_mark_but_wide(bytes) {
        return wide;
    }
    match std::str::from_utf8(bytes) {
        Ok(_) => UTF_8,
        // One damaged place does not make a long UTF-8 file another one.
        Err(error) if mostly_utf8(bytes, error.valid_up_to()) => UTF_8,
        Err(_) => {
            let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
            detector.feed(bytes, true);
            detector.guess(None, Utf8Detection::Deny)
        }
    }
}

/// UTF-16 without its mark: every other byte of text in most languages is zero,
/// which no other encoding has.
fn without_mark_but_wide(bytes: &[u8]) -> Option<&'static Encoding> {
    let sample = &bytes[..bytes.len().min(SAMPLE)];
    let zeros = |first: usize| sample.iter().skip(first).step_by(2).filter(|b| **b == 0);
    let (even, odd, pairs) = (zeros(0).count(), zeros(1).count(), sample.len() / 2);
    match () {
        () if pairs == 0 => None,
        () if odd * 2 > pairs && even * 20 < pairs => Some(UTF_16LE),
        () if even * 2 > pairs && odd * 20 < pairs => Some(UTF_16BE),
        () => None,
    }
}

/// Whether far more sequences of several bytes are right than wrong.
fn mostly_utf8(bytes: &[u8], first_fault: usize) -> bool {
    let wide = |text: &str| text.chars().filter(|c| !c.is_ascii()).count();
    let start = std::str::from_utf8(&bytes[..first_fault]).unwrap_or_default();
    let (mut right, mut wrong) = (wide(start), 0);
    for chunk in bytes[first_fault..].utf8_chunks() {
        right += wide(chunk.valid());
        wrong += usize::from(!chunk.invalid().is_empty());
    }
    right > 10 * wrong
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // A test may stop at the first surprise.
mod tests {
    use super::*;
    use encoding_rs::{WINDOWS_1251, WINDOWS_1252};

    const GERMAN: &str = "Eingabe;Antwort\nDie Grüße kamen spät, „schön“ war's für 5 €;größer\n";

    #[test]
    fn encodings_are_found_with_and_without_a_mark() {
        let (plain, name) = decode(GERMAN.as_bytes());
        assert_eq!((&*plain, name), (GERMAN, None));
        let marked = format!("\u{feff}{GERMAN}");
        assert_eq!(decode(marked.as_bytes()), (GERMAN.into(), None));
        let (western, _, _) = WINDOWS_1252.encode(GERMAN);
        assert_eq!(decode(&western), (GERMAN.into(), Some("windows-1252")));
        for (mark, big) in [(true, true), (true, false), (false, true), (false, false)] {
            let text = format!("{}{GERMAN}", if mark { "\u{feff}" } else { "" });
            let bytes: Vec<u8> = text
                .encode_utf16()
                .flat_map(|unit| {
                    if big {
                        unit.to_be_bytes()
                    } else {
                        unit.to_le_bytes()
                    }
                })
                .collect();
            let (found, name) = decode(&bytes);
            assert_eq!(found, GERMAN);
            assert_eq!(name, Some(if big { "UTF-16BE" } else { "UTF-16LE" }));
        }
        let russian = "вопрос,ответ\nКакой сегодня день недели,вторник\n";
        let (bytes, _, _) = WINDOWS_1251.encode(russian);
        assert_eq!(decode(&bytes), (russian.into(), Some("windows-1251")));
    }

    #[test]
    fn one_damaged_place_does_not_change_the_encoding() {
        let mut bytes = "schöne Grüße für Jürgen aus München, größer, später"
            .as_bytes()
            .to_vec();
        bytes.extend(" über ".repeat(10).as_bytes());
        bytes.push(0xff);
        let (text, name) = decode(&bytes);
        assert_eq!(name, None);
        assert!(text.starts_with("schöne Grüße") && text.ends_with('\u{fffd}'));
        assert_eq!(decode(b""), ("".into(), None));
    }
}
