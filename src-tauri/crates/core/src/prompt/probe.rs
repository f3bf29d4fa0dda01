//! Texts by which is found what a chat template puts around the turns of a conversation,
//! whoever shows what it makes of them.

/// Texts that no template contains, to find what it puts around others.
pub const PROBES: [&str; 6] = ["zqxj", "jxqz", "qzjx", "xjzq", "jqzx", "zxqj"];

/// What templates do to text shows at blanks, line ends and braces.
pub const HARD: &str = "  {{ a }} \n\n <b> {% if %} \n";

/// What stands before, between and after texts that follow each other, one part more than
/// there are texts; `None` where one of them is not there in its turn.
pub fn around<'a>(whole: &'a str, texts: &[&str]) -> Option<Vec<&'a str>> {
    let mut parts = Vec::with_capacity(texts.len() + 1);
    let mut rest = whole;
    for text in texts {
        let (before, after) = rest.split_once(text)?;
        parts.push(before);
        rest = after;
    }
    parts.push(rest);
    Some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_around_texts_is_found_in_their_order() {
        let [a, b, ..] = PROBES;
        let whole = format!("<s>{a}</s>\n<u>{b}");
        assert_eq!(around(&whole, &[a, b]), Some(vec!["<s>", "</s>\n<u>", ""]));
        assert_eq!(around(&whole, &[b, a]), None);
        assert_eq!(around(&whole, &[]), Some(vec![whole.as_str()]));
    }

    #[test]
    fn no_probe_is_part_of_another_or_of_two_that_meet() {
        for (at, probe) in PROBES.iter().enumerate() {
            let others = PROBES.iter().enumerate().filter(|(other, _)| *other != at);
            assert!(others.clone().all(|(_, other)| !other.contains(probe)));
            assert!(!HARD.contains(probe));
        }
    }
}
