use super::language::Language;
use super::shape::{joined, listed, Answers, Kind, Preferred, Shape};
use crate::dataset::{Example, LabelSet};

/// Answers shown in a description.
const SHOWN: usize = 3;
/// Longest answer shown, in characters.
const LONGEST: usize = 60;

/// The task in a sentence or two, from the data alone: what answers are, how they
/// are written, and what some look like.
///
/// Only `examples` (the training part) are looked at.
pub fn task_description(
    examples: &[&Example],
    labels: Option<&LabelSet>,
    language: Language,
) -> String {
    let say = |english: String, german: String| language.pick(english, german);
    let answers = Answers::of(examples, labels);
    if let Shape::Labels(kind, labels) = &answers.shape {
        let list = listed(labels, language);
        return match kind {
            Kind::YesNo => say(
                format!("Read the text and answer with {list}."),
                format!("Lies den Text und antworte mit {list}."),
            ),
            Kind::Letters => say(
                format!("Find the right option and answer with its letter: {list}."),
                format!(
                    "Finde die richtige Möglichkeit und antworte mit ihrem Buchstaben: {list}."
                ),
            ),
            Kind::Numbers => say(
                format!("Read the text and answer with one of these numbers: {list}."),
                format!("Lies den Text und antworte mit einer dieser Zahlen: {list}."),
            ),
            Kind::Word | Kind::Words => say(
                format!("Read the text and answer with one of these: {list}."),
                format!("Lies den Text und antworte mit einem davon: {list}."),
            ),
        };
    }
    if let Some(preferred) = answers.preferred {
        let which = match preferred {
            Preferred::Shorter => say(
                " The preferred ones are shorter.".into(),
                " Bevorzugt werden kürzere.".into(),
            ),
            Preferred::Longer => say(
                " The preferred ones go into more detail.".into(),
                " Bevorzugt werden ausführlichere.".into(),
            ),
            Preferred::AsLong => String::new(),
        };
        return say(
            format!("Write the answer to the text that people prefer to others.{which}"),
            format!("Schreibe die Antwort auf den Text, die Menschen anderen vorziehen.{which}"),
        );
    }
    let what = match &answers.shape {
        Shape::Json(keys) if !keys.is_empty() => {
            let keys = joined(keys, language.pick(" and ", " und "));
            say(
                format!("Turn the text into JSON with these keys: {keys}."),
                format!("Mache aus dem Text JSON mit diesen Schlüsseln: {keys}."),
            )
        }
        Shape::Json(_) => say(
            "Turn the text into JSON.".into(),
            "Mache aus dem Text JSON.".into(),
        ),
        Shape::Numbers(_) => say(
            "Find or work out the number that the text asks for.".into(),
            "Finde oder berechne die Zahl, nach der im Text gefragt ist.".into(),
        ),
        Shape::Form(form) => {
            let form = form.replace('\n', " / ");
            say(
                format!("Take the details from the text and write them in this form: {form}"),
                format!("Nimm die Angaben aus dem Text und schreibe sie in dieser Form: {form}"),
            )
        }
        Shape::Short if answers.from_text => say(
            "Find the short answer in the text and copy it word for word.".into(),
            "Finde die kurze Antwort im Text und übernimm sie Wort für Wort.".into(),
        ),
        Shape::Short => say(
            format!(
                "Give the answer to the text in at most {} words.",
                answers.most.max(2)
            ),
            format!(
                "Gib die Antwort auf den Text in höchstens {} Wörtern.",
                answers.most.max(2)
            ),
        ),
        _ if answers.steps => say(
            "Solve the task in the text step by step and give the result last.".into(),
            "Löse die Aufgabe im Text Schritt für Schritt und nenne das Ergebnis am Schluss."
                .into(),
        ),
        _ if answers.list => say(
            "Answer the text with a list.".into(),
            "Antworte auf den Text mit einer Liste.".into(),
        ),
        Shape::Sentence => say(
            "Write one sentence that is the right answer to the text.".into(),
            "Schreibe einen Satz, der die richtige Antwort auf den Text ist.".into(),
        ),
        _ => match answers.about {
            Some(about) => say(
                format!("Write the right answer to the text in about {about} words."),
                format!("Schreibe die richtige Antwort auf den Text in etwa {about} Wörtern."),
            ),
            None => say(
                "Write the right answer to the text.".into(),
                "Schreibe die richtige Antwort auf den Text.".into(),
            ),
        },
    };
    match looks(examples) {
        None => what,
        Some(looks) => say(
            format!("{what} Answers look like this: {looks}"),
            format!("{what} Antworten sehen so aus: {looks}"),
        ),
    }
}

/// Different answers of one line that are short enough to be shown.
fn looks(examples: &[&Example]) -> Option<String> {
    let mut shown: Vec<&str> = Vec::new();
    for example in examples {
        let answer = example.answer.best().trim();
        let fits =
            !answer.is_empty() && !answer.contains('\n') && answer.chars().count() <= LONGEST;
        if fits && !shown.contains(&answer) {
            shown.push(answer);
        }
        if shown.len() == SHOWN {
            break;
        }
    }
    (!shown.is_empty()).then(|| shown.join(" | "))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{preferred, supervised};
    use super::*;

    fn of(data: &[Example], language: Language) -> String {
        let refs: Vec<_> = data.iter().collect();
        task_description(&refs, LabelSet::detect(data).as_ref(), language)
    }

    #[test]
    fn the_data_tell_the_task() {
        let rows = |targets: &[&str]| {
            let rows: Vec<(&str, &str)> =
                targets.iter().map(|target| ("in Ulm", *target)).collect();
            supervised(&rows)
        };
        for (targets, english, german) in [
            (
                vec!["no", "yes", "no", "yes", "no", "no"],
                "Read the text and answer with yes or no.",
                "Lies den Text und antworte mit yes oder no.",
            ),
            (
                vec!["12", "7", "12", "48"],
                "Find or work out the number that the text asks for. Answers look like this: 12 | 7 | 48",
                "Finde oder berechne die Zahl, nach der im Text gefragt ist. Antworten sehen so aus: 12 | 7 | 48",
            ),
            (
                vec!["{\"a\": 1}", "{\"a\": 2}"],
                "Turn the text into JSON with these keys: a. Answers look like this: {\"a\": 1} | {\"a\": 2}",
                "Mache aus dem Text JSON mit diesen Schlüsseln: a. Antworten sehen so aus: {\"a\": 1} | {\"a\": 2}",
            ),
            (
                vec!["Ulm", "ulm", "in Ulm"],
                "Find the short answer in the text and copy it word for word. Answers look like this: Ulm | ulm | in Ulm",
                "Finde die kurze Antwort im Text und übernimm sie Wort für Wort. Antworten sehen so aus: Ulm | ulm | in Ulm",
            ),
        ] {
            assert_eq!(of(&rows(&targets), Language::English), english);
            assert_eq!(of(&rows(&targets), Language::German), german);
        }
        let long = "This is a long text. ".repeat(20);
        assert_eq!(
            of(&rows(&[&long, &long, &long]), Language::English),
            "Write the right answer to the text in about 100 words."
        );
        let pairs = preferred(&[("q", "a b", "a b c d"); 3]);
        assert!(of(&pairs, Language::English).ends_with("The preferred ones are shorter."));
    }
}
