use unicode_segmentation::UnicodeSegmentation;

/// Share of a phrase's words that a sentence must have to say the same.
const LEAST_SHARED: f64 = 0.7;
/// Words that hold a sentence together and say nothing by themselves.
const JOINTS: &[&str] = &[
    "a", "als", "an", "and", "are", "as", "at", "auf", "aus", "be", "bei", "by", "das", "dem",
    "den", "der", "des", "die", "du", "ein", "eine", "einem", "einen", "einer", "es", "for",
    "from", "im", "in", "is", "ist", "it", "its", "mit", "of", "oder", "on", "or", "so", "that",
    "the", "there", "these", "this", "to", "und", "von", "was", "what", "with", "you", "your",
    "zu", "zum", "zur",
];
/// Words that turn a sentence into its opposite.
const DENIALS: &[&str] = &[
    "don't", "kein", "keine", "keinen", "keiner", "never", "nicht", "nie", "niemals", "not",
    "ohne", "without",
];

/// Whether a prompt already says what a phrase says.
///
/// That is so where it holds what follows the phrase's colon word for word, such as a
/// format, or names the phrase's options ("a, b or c") together, in whatever order, or
/// has a sentence that is nearly equal: seven in ten of the phrase's content words.
pub fn says_again(prompt: &str, phrase: &str) -> bool {
    let all = words(prompt);
    if let Some((_, told)) = phrase.split_once(':') {
        let told = words(told);
        if told.len() >= 2 && all.windows(told.len()).any(|part| part == told) {
            return true;
        }
    }
    if options(phrase).is_some_and(|options| stand_together(&all, &options)) {
        return true;
    }
    let wanted = words(phrase);
    let denied = denies(&wanted);
    let wanted = content(wanted);
    prompt
        .lines()
        .flat_map(str::unicode_sentences)
        .map(words)
        .any(|sentence| {
            let same = denies(&sentence) == denied;
            let sentence = content(sentence);
            let shared = wanted
                .iter()
                .filter(|word| sentence.iter().any(|other| alike(word, other)));
            let shared = shared.count() as f64;
            same && !wanted.is_empty() && shared >= LEAST_SHARED * wanted.len() as f64
        })
}

fn words(text: &str) -> Vec<String> {
    text.unicode_words().map(str::to_lowercase).collect()
}

fn content(words: Vec<String>) -> Vec<String> {
    let says = |word: &String| !JOINTS.contains(&word.as_str());
    words.into_iter().filter(says).collect()
}

fn denies(words: &[String]) -> bool {
    words.iter().any(|word| DENIALS.contains(&word.as_str()))
}

/// Equal, or forms of one word: "letter" and "letters", "explain" and "explanation".
fn alike(a: &str, b: &str) -> bool {
    let shared = a.chars().zip(b.chars()).take_while(|(a, b)| a == b).count();
    let shorter = a.chars().count().min(b.chars().count());
    a == b || (shared >= 5 && shared * 10 >= shorter * 7)
}

/// The options that a phrase names at its end: "... : a, b or c.", the words of each.
fn options(phrase: &str) -> Option<Vec<Vec<String>>> {
    let told = phrase.rsplit_once(": ").map(|(_, told)| told);
    let list = told.unwrap_or(phrase);
    let mut joints = vec![" or ", " oder "];
    if told.is_some() {
        // Behind a colon they are a list; elsewhere they join whatever.
        joints.extend([" and ", " und "]);
    }
    let (at, joint) = joints
        .iter()
        .filter_map(|joint| list.rfind(joint).map(|at| (at, joint)))
        .max()?;
    let mut items: Vec<Vec<String>> = list[..at].split(", ").map(words).collect();
    if told.is_none() {
        // What leads to the first option cannot be told from it but by its last word.
        let first = items.first_mut()?;
        first.drain(..first.len().saturating_sub(1));
    }
    items.push(words(&list[at + joint.len()..]));
    items.iter().all(|item| !item.is_empty()).then_some(items)
}

/// Whether all options stand in a stretch with few other words: a list of them,
/// not sentences about each.
fn stand_together(words: &[String], options: &[Vec<String>]) -> bool {
    let own: usize = options.iter().map(Vec::len).sum();
    // Each but the first may have a joint before it, or the number of a list item.
    let room = (own + options.len() - 1).min(words.len());
    words.windows(room.max(1)).any(|part| {
        options
            .iter()
            .all(|option| part.windows(option.len()).any(|at| at == option))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_list_is_said_once() {
        let phrase = "Choose exactly one of these: taxes, roads or schools.";
        for prompt in [
            "Read the letter. Answer with one word: schools, roads or taxes.",
            "Decide between taxes, roads and schools. Be quick.",
            "Subjects:\n- taxes\n- roads\n- schools",
            "Ist es Taxes, Roads oder Schools?",
        ] {
            assert!(says_again(prompt, phrase), "{prompt}");
        }
        for prompt in [
            "Name the subject of the letter.",
            "Answer with one word: taxes or roads.",
            // Rules for each are no list.
            "Money to be paid means taxes. Holes in streets mean roads. Pupils and teachers mean schools.",
        ] {
            assert!(!says_again(prompt, phrase), "{prompt}");
        }
        let several = "Answer with one of these, word for word: bad, good or very good.";
        assert!(says_again("Is it very good, good or bad?", several));
        assert!(!says_again("Is it good or bad?", several));
        assert!(says_again("Say yes or no.", "Answer with yes or no."));
        assert!(says_again(
            "Antworte nur mit ja oder nein.",
            "Schreibe nichts anderes als ja oder nein."
        ));
        assert!(!says_again(
            "There is no rule. Say yes to all of it.",
            "Answer with yes or no."
        ));
    }

    #[test]
    fn the_same_format_is_said_once() {
        let phrase = "Use exactly this format: item: ...; town: ...";
        assert!(says_again("Fill this in:\nitem: ...; town: ...", phrase));
        assert!(!says_again("Name the item and the town.", phrase));
    }

    #[test]
    fn only_nearly_equal_sentences_say_the_same() {
        for (prompt, phrase) in [
            (
                "Be kind. Read the text very carefully.",
                "Read the text carefully.",
            ),
            ("Please use at most 12 words.", "Use at most 10 words."),
            ("Do not explain the answers!", "Do not explain your answer."),
            (
                "Verwende nur einfache, ganz alltägliche Wörter",
                "Verwende einfache, alltägliche Wörter.",
            ),
        ] {
            assert!(says_again(prompt, phrase), "{prompt}");
        }
        for (prompt, phrase) in [
            (
                "Read the letter. The text is long.",
                "Read the text carefully.",
            ),
            (
                "Verwende einfache Wörter.",
                "Verwende einfache, kurze, alltägliche Wörter.",
            ),
            ("Explain your answer.", "Do not explain your answer."),
            ("Answer the text.", "Answer with a number only."),
            ("", "Use plain words."),
        ] {
            assert!(!says_again(prompt, phrase), "{prompt}");
        }
    }
}
