use crate::dataset::{Answer, Example, LabelSet};

/// Where a phrase goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Before the first unit.
    Front,
    /// After the last unit.
    End,
}

/// A phrase with its slots filled from the data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Phrase {
    /// The text.
    pub text: String,
    /// Where it goes.
    pub place: Place,
}

/// The phrases that fit the data, the most specific first.
///
/// Only `examples` (the training part) are looked at.
pub fn phrases(examples: &[&Example], labels: Option<&LabelSet>) -> Vec<Phrase> {
    let mut out = Vec::new();
    let mut push = |text: String, place: Place| out.push(Phrase { text, place });
    let preference = examples
        .iter()
        .any(|example| matches!(example.answer, Answer::Preference { .. }));
    let targets: Vec<&str> = examples
        .iter()
        .map(|example| example.answer.best())
        .collect();
    let words: Vec<usize> = targets
        .iter()
        .map(|t| t.split_whitespace().count())
        .collect();
    let most = words.iter().copied().max().unwrap_or(1);
    if let Some(set) = labels {
        let (last, rest) = match set.labels.split_last() {
            Some((last, rest)) => (last.as_str(), rest.join(", ")),
            None => ("", String::new()),
        };
        let list = format!("{rest} or {last}");
        push(format!("Answer with one word: {list}."), Place::End);
        push(format!("Choose exactly one of these: {list}."), Place::End);
        push(
            format!("The answer is always {list}, in these very letters."),
            Place::End,
        );
        push(
            "Reply with the label only and do not explain.".to_owned(),
            Place::End,
        );
        push(
            "Look at the whole text before you decide.".to_owned(),
            Place::End,
        );
        push(format!("Decide between {list}."), Place::Front);
        return out;
    }
    if let Some(format) = common_format(&targets) {
        push(format!("Use exactly this format: {format}"), Place::End);
        push(
            format!("Fill in this line and write nothing else: {format}"),
            Place::End,
        );
        push(
            format!("Your whole answer looks like this: {format}"),
            Place::End,
        );
    }
    if let Some(start) = common_start(&targets) {
        push(format!("Begin your answer with \"{start}\"."), Place::End);
    }
    if most <= 25 {
        push(format!("Use at most {most} words."), Place::End);
        push("Answer in one short sentence.".to_owned(), Place::End);
    }
    if preference {
        push(
            "Be friendly and take the message seriously.".to_owned(),
            Place::End,
        );
        push(
            "Name the problem, say what happens next, and stay brief.".to_owned(),
            Place::End,
        );
        push(
            "Thank the person and offer concrete help.".to_owned(),
            Place::End,
        );
        push(
            "You answer messages kindly and to the point.".to_owned(),
            Place::Front,
        );
    } else {
        push(
            "Give only the answer, without any comment.".to_owned(),
            Place::End,
        );
        push("Use plain, everyday words.".to_owned(), Place::End);
        push("Keep every fact and add none.".to_owned(), Place::End);
        push("Read the text carefully.".to_owned(), Place::Front);
    }
    if most > 40 {
        push(
            "Think step by step and give the result last.".to_owned(),
            Place::End,
        );
    }
    out
}

/// The format that nearly all answers share, such as `name: ...; town: ...`,
/// with the parts that vary left open.
fn common_format(targets: &[&str]) -> Option<String> {
    let keys = |text: &str| -> Option<Vec<String>> {
        let parts: Vec<&str> = text.split([';', '\n']).map(str::trim).collect();
        parts
            .iter()
            .map(|part| {
                let (key, value) = part.split_once(':')?;
                let short = key.split_whitespace().count() <= 3 && !key.trim().is_empty();
                (short && !value.trim().is_empty()).then(|| key.trim().to_owned())
            })
            .collect()
    };
    let first = keys(targets.first()?)?;
    let same = targets
        .iter()
        .filter(|target| keys(target).as_ref() == Some(&first))
        .count();
    if same * 10 < targets.len() * 9 {
        return None;
    }
    let mark = if targets[0].contains(';') { "; " } else { "\n" };
    Some(
        first
            .iter()
            .map(|key| format!("{key}: ..."))
            .collect::<Vec<_>>()
            .join(mark),
    )
}

/// Words with which every answer begins.
fn common_start(targets: &[&str]) -> Option<String> {
    let first: Vec<&str> = targets.first()?.split_whitespace().collect();
    let shared = targets
        .iter()
        .map(|target| {
            target
                .split_whitespace()
                .zip(&first)
                .take_while(|(a, b)| a == *b)
                .count()
        })
        .min()?;
    (shared >= 1 && targets.len() >= 3).then(|| first[..shared].join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn examples(targets: &[&str]) -> Vec<Example> {
        targets
            .iter()
            .enumerate()
            .map(|(row, target)| Example {
                input: format!("input {row}"),
                columns: Default::default(),
                answer: Answer::Supervised {
                    targets: vec![(*target).to_owned()],
                },
                row,
                id: None,
                part: None,
                weight: None,
            })
            .collect()
    }

    #[test]
    fn slots_are_filled_from_the_data() {
        let data = examples(&[
            "yes", "no", "no", "yes", "maybe", "maybe", "no", "yes", "no",
        ]);
        let set = LabelSet::detect(&data);
        let refs: Vec<_> = data.iter().collect();
        let texts: Vec<_> = phrases(&refs, set.as_ref())
            .into_iter()
            .map(|p| p.text)
            .collect();
        assert_eq!(texts[0], "Answer with one word: maybe, no or yes.");

        let data = examples(&["item: tea; town: Ulm", "item: ink; town: Bonn"]);
        let refs: Vec<_> = data.iter().collect();
        let texts: Vec<_> = phrases(&refs, None).into_iter().map(|p| p.text).collect();
        assert_eq!(texts[0], "Use exactly this format: item: ...; town: ...");
        assert!(texts.contains(&"Use at most 4 words.".to_owned()));

        let data = examples(&["Dear Sir, no", "Dear Sir, yes", "Dear Sir, so"]);
        let refs: Vec<_> = data.iter().collect();
        let texts: Vec<_> = phrases(&refs, None).into_iter().map(|p| p.text).collect();
        assert_eq!(texts[0], "Begin your answer with \"Dear Sir,\".");
    }
}
