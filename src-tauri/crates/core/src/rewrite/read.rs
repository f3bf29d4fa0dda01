/// The prompt between `<prompt>` and `</prompt>` in an answer; the last pair
/// counts, and a missing closing tag means the rest.
pub fn read_prompt(answer: &str) -> Option<String> {
    let from = answer.rfind("<prompt>")? + "<prompt>".len();
    let rest = &answer[from..];
    let text = rest.split("</prompt>").next().unwrap_or(rest);
    let text = clean(text);
    (!text.is_empty()).then_some(text)
}

/// The instruction at the start of a completion: its first line, without quotes.
pub fn read_completion(answer: &str) -> Option<String> {
    let line = answer.trim_start().lines().next()?;
    let text = clean(line);
    (!text.is_empty()).then_some(text)
}

/// The prompt with `<mask>` tags in an answer, code fences and quotes taken off.
pub fn read_marked_prompt(answer: &str) -> String {
    let text = read_prompt(answer).unwrap_or_else(|| answer.to_owned());
    clean(&text)
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
    for (open, close) in [('"', '"'), ('\u{201c}', '\u{201d}'), ('\'', '\'')] {
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

    #[test]
    fn finds_the_prompt_in_an_answer() {
        assert_eq!(
            read_prompt(
                "Diagnosis: <prompt>old</prompt> so\n<prompt>\n\"Be brief.\"\n</prompt> done"
            )
            .unwrap(),
            "Be brief."
        );
        assert_eq!(read_prompt("<prompt>Be brief.").unwrap(), "Be brief.");
        assert_eq!(read_prompt("no tags"), None);
        assert_eq!(read_prompt("<prompt> </prompt>"), None);
        assert_eq!(
            read_completion(" Be brief.\nTask: next").unwrap(),
            "Be brief."
        );
        assert_eq!(read_completion("  \n "), None);
        assert_eq!(
            read_marked_prompt("```text\n<mask>A b.</mask>\n```"),
            "<mask>A b.</mask>"
        );
    }
}
