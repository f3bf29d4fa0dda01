/// Tags of the requests; a text that still has one is no prompt.
const TAGS: &[&str] = &[
    "<prompt>",
    "</prompt>",
    "<current>",
    "</current>",
    "<think>",
    "</think>",
];
const OPEN: &str = "<prompt>";
const CLOSE: &str = "</prompt>";

/// The prompt between `<prompt>` and `</prompt>` in an answer.
///
/// The last pair outside the model's thought counts. `cut` says that writing was
/// broken off before it ended: an opening tag without its closing one then begins
/// half a prompt, and there is `None`; else it begins what the model meant to
/// write, and the closing tag was the text that it stopped at.
pub fn read_prompt(answer: &str, cut: bool) -> Option<String> {
    let answer = without_thought(answer)?;
    let mut before = answer.len();
    while let Some(at) = find_last(&answer[..before], OPEN) {
        let rest = &answer[at + OPEN.len()..before];
        let text = match find(rest, CLOSE) {
            Some(end) => &rest[..end],
            None if before < answer.len() => "",
            None if cut => return None,
            None => rest,
        };
        // "Between <prompt> and </prompt>" names the tags, it does not use them.
        if !matches!(text.trim(), "" | "and" | "und" | "..." | "…") {
            return prompt(text);
        }
        before = at;
    }
    None
}

/// The instruction at the start of a completion: its first line, without quotes.
///
/// `cut` says that writing was broken off before it ended: then the line must
/// have an end to be whole.
pub fn read_completion(answer: &str, cut: bool) -> Option<String> {
    let answer = without_thought(answer)?.trim_start();
    let line = match answer.split_once('\n') {
        Some((line, _)) => line,
        None if cut => return None,
        None => answer,
    };
    prompt(line)
}

/// The prompt with `<mask>` tags in an answer, code fences and quotes taken off.
pub fn read_marked_prompt(answer: &str) -> String {
    let text = read_prompt(answer, false)
        .or_else(|| without_thought(answer).map(str::to_owned))
        .unwrap_or_default();
    clean(&text)
}

/// A text as a prompt, if it has letters or digits and no tags of the request.
fn prompt(text: &str) -> Option<String> {
    let text = clean(text);
    let tagged = TAGS.iter().any(|tag| find(&text, tag).is_some());
    (text.contains(char::is_alphanumeric) && !tagged).then_some(text)
}

/// What follows the model's thought, which a chat template may have begun
/// already; `None` where the thought has no end.
fn without_thought(answer: &str) -> Option<&str> {
    let from = find_last(answer, "</think>").map_or(0, |at| at + "</think>".len());
    let rest = &answer[from..];
    find(rest, "<think>").is_none().then_some(rest)
}

/// Where an ASCII tag stands first, whatever its case.
fn find(text: &str, tag: &str) -> Option<usize> {
    text.to_ascii_lowercase().find(tag)
}

/// Where an ASCII tag stands last, whatever its case.
fn find_last(text: &str, tag: &str) -> Option<usize> {
    text.to_ascii_lowercase().rfind(tag)
}

fn clean(text: &str) -> String {
    let mut text = text.trim();
    if let Some(inner) = text.strip_prefix("```") {
        let inner = inner.strip_suffix("```").unwrap_or(inner);
        // The first line of a fence may name a language.
        text = inner
            .split_once('\n')
            .map_or(inner, |(_, body)| body)
            .trim();
    }
    for (open, close) in [
        ('"', '"'),
        ('\u{201c}', '\u{201d}'),
        ('\u{201e}', '\u{201c}'),
        ('\'', '\''),
    ] {
        let inner = text.strip_prefix(open).and_then(|t| t.strip_suffix(close));
        if let Some(inner) = inner.filter(|inner| !inner.contains(open)) {
            text = inner.trim();
        }
    }
    text.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(answer: &str) -> Option<String> {
        read_prompt(answer, false)
    }

    #[test]
    fn finds_the_prompt_in_an_answer() {
        assert_eq!(
            read("Diagnosis: <prompt>old</prompt> so\n<prompt>\n\"Be brief.\"\n</prompt> done")
                .unwrap(),
            "Be brief."
        );
        assert_eq!(read("<PROMPT>Be brief.</Prompt>").unwrap(), "Be brief.");
        assert_eq!(read("no tags"), None);
        assert_eq!(read("<prompt> </prompt>"), None);
        assert_eq!(
            read_marked_prompt("```text\n<mask>A b.</mask>\n```"),
            "<mask>A b.</mask>"
        );
        assert_eq!(
            read_marked_prompt("<think>\nok\n</think>\n<mask>A.</mask>"),
            "<mask>A.</mask>"
        );
    }

    #[test]
    fn half_a_prompt_is_none() {
        let half = "It is vague. <prompt>Read the letter and";
        assert_eq!(read_prompt(half, true), None);
        assert_eq!(
            read_prompt("<prompt>old</prompt> <prompt>Read the", true),
            None
        );
        // Ended at the closing tag, which is the stop text and no part of the answer.
        assert_eq!(read_prompt(half, false).unwrap(), "Read the letter and");
        // Cut in what came after the prompt.
        assert_eq!(
            read_prompt("<prompt>Be brief.</prompt> I made", true).unwrap(),
            "Be brief."
        );

        assert_eq!(read_completion(" Be brief and", true), None);
        assert_eq!(read_completion(" Be brief.", false).unwrap(), "Be brief.");
        assert_eq!(
            read_completion(" Be brief.\nTask: ne", true).unwrap(),
            "Be brief."
        );
        assert_eq!(read_completion("  \n ", false), None);
    }

    #[test]
    fn a_thought_is_not_the_answer() {
        let named = "<think>I write between <prompt> and </prompt> tags.</think>";
        assert_eq!(read(named), None);
        let answer = format!("{named}\n<prompt>Be brief.</prompt>");
        assert_eq!(read(&answer).unwrap(), "Be brief.");
        assert_eq!(read("<think>Maybe <prompt>Be brief.</prompt> or"), None);
        // The template began the thought.
        assert_eq!(
            read("so <prompt>a b</prompt>?</think><prompt>C d.</prompt>").unwrap(),
            "C d."
        );
        assert_eq!(
            read_completion("<think>one\ntwo</think>\nBe brief.", false).unwrap(),
            "Be brief."
        );
        assert_eq!(read_completion("<think>Be brief.\nNow", false), None);
    }

    #[test]
    fn tags_that_are_only_named_or_left_over_give_no_prompt() {
        let after = "<prompt>Be brief.</prompt>\nIt stands between <prompt> and </prompt>.";
        assert_eq!(read(after).unwrap(), "Be brief.");
        assert_eq!(read("Between <prompt> and </prompt>:"), None);
        assert_eq!(read("<prompt>Be <current>brief.</current></prompt>"), None);
        assert_eq!(read_completion("Be brief.</prompt>", false), None);
        // A prompt may well have tags of its own.
        let own = "Read the text in <text> tags.";
        assert_eq!(read(&format!("<prompt>{own}</prompt>")).unwrap(), own);
    }
}
