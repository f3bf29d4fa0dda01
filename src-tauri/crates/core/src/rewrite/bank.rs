use std::collections::HashSet;

use super::language::Language;
use super::shape::{joined, listed, Answers, Kind, Numbers, Preferred, Shape};
use crate::dataset::{Example, LabelSet};

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

/// All phrases that fit the data, the most specific first, each once.
///
/// Only `examples` (the training part) are looked at. No phrase contradicts
/// another, so that any of them may stand in one prompt.
pub fn phrases(
    examples: &[&Example],
    labels: Option<&LabelSet>,
    language: Language,
) -> Vec<Phrase> {
    let answers = Answers::of(examples, labels);
    let mut bank = Bank {
        language,
        phrases: Vec::new(),
        known: HashSet::new(),
    };
    match &answers.shape {
        Shape::Labels(kind, labels) => bank.labels(*kind, labels),
        Shape::Json(keys) => bank.json(keys),
        Shape::Numbers(numbers) => bank.numbers(numbers),
        Shape::Form(form) => bank.form(form, answers.most),
        Shape::Short => bank.short(&answers),
        Shape::Sentence | Shape::Text => bank.text(&answers),
    }
    bank.phrases
}

struct Bank {
    language: Language,
    phrases: Vec<Phrase>,
    known: HashSet<String>,
}

impl Bank {
    fn add(&mut self, place: Place, english: impl Into<String>, german: impl Into<String>) {
        let text = self.language.pick(english.into(), german.into());
        if self.known.insert(text.clone()) {
            self.phrases.push(Phrase { text, place });
        }
    }

    fn end(&mut self, english: impl Into<String>, german: impl Into<String>) {
        self.add(Place::End, english, german);
    }

    fn front(&mut self, english: impl Into<String>, german: impl Into<String>) {
        self.add(Place::Front, english, german);
    }

    /// A list ends its sentence, so that [`super::says_again`] can read it.
    fn labels(&mut self, kind: Kind, labels: &[String]) {
        let list = &listed(labels, self.language);
        match kind {
            Kind::YesNo => {
                self.end(
                    format!("Answer with {list}."),
                    format!("Antworte mit {list}."),
                );
                self.end(
                    format!("Write nothing but {list}."),
                    format!("Schreibe nichts anderes als {list}."),
                );
                self.front(
                    format!("Decide whether the answer is {list}."),
                    format!("Entscheide, ob die Antwort so lautet: {list}."),
                );
            }
            Kind::Letters => {
                self.end(
                    format!("Answer with one letter, written like this: {list}."),
                    format!("Antworte mit einem Buchstaben in dieser Schreibweise: {list}."),
                );
                self.end(
                    format!("Choose exactly one option: {list}."),
                    format!("Wähle genau eine Möglichkeit: {list}."),
                );
                self.end(
                    "Give the letter only, not the text of the option.",
                    "Gib nur den Buchstaben an, nicht den Text der Möglichkeit.",
                );
                self.end(
                    "Compare all options before you choose.",
                    "Vergleiche alle Möglichkeiten, bevor du wählst.",
                );
                self.end(
                    "Exactly one option is right.",
                    "Genau eine Möglichkeit ist richtig.",
                );
                self.front(
                    "Read the question and every option.",
                    "Lies die Frage und jede Möglichkeit.",
                );
            }
            Kind::Numbers => {
                self.end(
                    format!("Answer with one number: {list}."),
                    format!("Antworte mit einer Zahl: {list}."),
                );
                self.end(
                    format!("Choose exactly one of these numbers: {list}."),
                    format!("Wähle genau eine dieser Zahlen: {list}."),
                );
                self.end(
                    "Write the number in digits and nothing else.",
                    "Schreibe die Zahl in Ziffern und sonst nichts.",
                );
                self.front(
                    format!("Decide which number fits: {list}."),
                    format!("Entscheide, welche Zahl passt: {list}."),
                );
            }
            Kind::Word | Kind::Words => {
                if kind == Kind::Word {
                    self.end(
                        format!("Answer with one word: {list}."),
                        format!("Antworte mit einem Wort: {list}."),
                    );
                } else {
                    self.end(
                        format!("Answer with one of these, word for word: {list}."),
                        format!("Antworte Wort für Wort mit einer dieser Angaben: {list}."),
                    );
                }
                self.end(
                    format!("Choose exactly one of these: {list}."),
                    format!("Wähle genau eines davon: {list}."),
                );
                self.end(
                    format!("Write the label exactly as it stands here: {list}."),
                    format!("Schreibe die Angabe genau so, wie sie hier steht: {list}."),
                );
                self.front(
                    format!("Decide between these: {list}."),
                    format!("Entscheide dich zwischen diesen: {list}."),
                );
            }
        }
        if matches!(kind, Kind::Word | Kind::Words) {
            self.end(
                "Reply with the label only and do not explain.",
                "Antworte nur mit der Angabe, ohne sie zu erklären.",
            );
        } else {
            self.end(
                "Do not explain your answer.",
                "Erkläre deine Antwort nicht.",
            );
        }
        self.end(
            "Look at the whole text before you decide.",
            "Sieh dir den ganzen Text an, bevor du dich entscheidest.",
        );
        if labels.len() > 2 {
            self.end(
                "If more than one fits, choose the one that fits best.",
                "Wenn mehreres passt, wähle das, was am besten passt.",
            );
        } else {
            self.end(
                "If you are not sure, choose what is more likely.",
                "Wenn du nicht sicher bist, wähle, was wahrscheinlicher ist.",
            );
        }
        self.end(
            "Judge by what the text means, not by single words.",
            "Urteile danach, was der Text meint, nicht nach einzelnen Wörtern.",
        );
        self.end(
            "Write nothing before or after the answer.",
            "Schreibe nichts vor oder nach der Antwort.",
        );
        self.end("Go by the text alone.", "Richte dich allein nach dem Text.");
        self.front("Read the text carefully.", "Lies den Text sorgfältig.");
    }

    fn json(&mut self, keys: &[String]) {
        if keys.is_empty() {
            self.end(
                "Answer with valid JSON and nothing else.",
                "Antworte mit gültigem JSON und sonst nichts.",
            );
        } else {
            let list = joined(keys, self.language.pick(" and ", " und "));
            self.end(
                format!("Answer with valid JSON that has these keys: {list}."),
                format!("Antworte mit gültigem JSON, das diese Schlüssel hat: {list}."),
            );
            self.end(
                format!("Use the keys exactly as they stand here: {list}."),
                format!("Verwende die Schlüssel genau so, wie sie hier stehen: {list}."),
            );
            self.end(
                "Answer with valid JSON and nothing else.",
                "Antworte mit gültigem JSON und sonst nichts.",
            );
            self.end("Leave out no key.", "Lass keinen Schlüssel weg.");
        }
        self.end(
            "Write the JSON without a code block around it.",
            "Schreibe das JSON ohne Codeblock.",
        );
        self.end(
            "Take every value from the text.",
            "Nimm jeden Wert aus dem Text.",
        );
        self.end("Add no comments.", "Füge keine Kommentare hinzu.");
        self.front("Read the text carefully.", "Lies den Text sorgfältig.");
    }

    fn numbers(&mut self, numbers: &Numbers) {
        self.end("Answer with a number only.", "Antworte nur mit einer Zahl.");
        match (numbers.unit, numbers.places) {
            (Some(unit), _) => self.end(
                format!("Write the number with its sign {unit}."),
                format!("Schreibe die Zahl mit ihrem Zeichen {unit}."),
            ),
            (None, _) if numbers.whole => self.end(
                "The answer is a whole number.",
                "Die Antwort ist eine ganze Zahl.",
            ),
            _ => {}
        }
        match numbers.places {
            Some(1) => self.end(
                "Give the number with one decimal place.",
                "Gib die Zahl mit einer Nachkommastelle an.",
            ),
            Some(places) => self.end(
                format!("Give the number with {places} decimal places."),
                format!("Gib die Zahl mit {places} Nachkommastellen an."),
            ),
            None => {}
        }
        self.end(
            "Write the number in digits, not in words.",
            "Schreibe die Zahl in Ziffern, nicht in Worten.",
        );
        if numbers.bare {
            self.end("Leave out units.", "Lass Einheiten weg.");
        }
        self.end("Do not show how you got there.", "Zeige keinen Rechenweg.");
        self.end(
            "Write nothing before or after the number.",
            "Schreibe nichts vor oder nach der Zahl.",
        );
        self.end(
            "Count and calculate with care.",
            "Zähle und rechne sorgfältig.",
        );
        self.end(
            "Take every number of the text into account.",
            "Beachte jede Zahl im Text.",
        );
        self.front(
            "Find out first what is asked for.",
            "Finde zuerst heraus, wonach gefragt ist.",
        );
    }

    fn form(&mut self, form: &str, most: usize) {
        // A form of several lines stands on lines of its own.
        let gap = if form.contains('\n') { "\n" } else { " " };
        self.end(
            format!("Use exactly this format:{gap}{form}"),
            format!("Verwende genau dieses Format:{gap}{form}"),
        );
        self.end(
            format!("Fill this in and write nothing else:{gap}{form}"),
            format!("Fülle das aus und schreibe sonst nichts:{gap}{form}"),
        );
        self.end(
            format!("Your whole answer looks like this:{gap}{form}"),
            format!("Deine ganze Antwort sieht so aus:{gap}{form}"),
        );
        self.end(
            "Keep the names of the parts and their order.",
            "Behalte die Namen der Teile und ihre Reihenfolge bei.",
        );
        self.end("Leave out no part.", "Lass keinen Teil weg.");
        if most <= 25 {
            self.most(most);
        }
        self.end(
            "Take every detail from the text.",
            "Nimm jede Angabe aus dem Text.",
        );
        self.only_the_answer();
        self.front("Read the text carefully.", "Lies den Text sorgfältig.");
    }

    fn short(&mut self, answers: &Answers) {
        if answers.from_text {
            self.end(
                "Take the answer word for word from the text.",
                "Übernimm die Antwort Wort für Wort aus dem Text.",
            );
        }
        self.start(answers);
        self.end(
            "Give the answer itself, not a whole sentence.",
            "Nenne nur die Antwort selbst, keinen ganzen Satz.",
        );
        self.most(answers.most);
        if answers.preferred.is_some() {
            self.preference(answers);
        } else {
            self.only_the_answer();
            self.end(
                "Do not explain your answer.",
                "Erkläre deine Antwort nicht.",
            );
            self.end(
                "Be exact with names, dates and numbers.",
                "Sei genau bei Namen, Daten und Zahlen.",
            );
        }
        self.end(
            "Look at the whole text before you answer.",
            "Sieh dir den ganzen Text an, bevor du antwortest.",
        );
        self.front("Read the text carefully.", "Lies den Text sorgfältig.");
    }

    fn text(&mut self, answers: &Answers) {
        self.start(answers);
        if answers.list {
            self.end(
                "Write a list, each point on a line of its own.",
                "Schreibe eine Liste, jeden Punkt in eine eigene Zeile.",
            );
        }
        if answers.shape == Shape::Sentence {
            self.end("Answer in one sentence.", "Antworte in einem Satz.");
        }
        if answers.most <= 25 {
            self.most(answers.most);
        } else if let (Some(about), None) = (answers.about, answers.preferred) {
            self.end(
                format!("Write about {about} words."),
                format!("Schreibe etwa {about} Wörter."),
            );
        }
        if answers.steps {
            self.end(
                "Think step by step and give the result last.",
                "Denke Schritt für Schritt und nenne das Ergebnis am Schluss.",
            );
            self.end(
                "Write down every step of the way.",
                "Schreibe jeden Zwischenschritt auf.",
            );
            self.end(
                "Check your result before you write it down.",
                "Prüfe dein Ergebnis, bevor du es aufschreibst.",
            );
            self.end(
                "Use all that is given and suppose nothing else.",
                "Nutze alles, was gegeben ist, und nimm sonst nichts an.",
            );
            self.front(
                "Find out first what is asked for.",
                "Finde zuerst heraus, wonach gefragt ist.",
            );
            return;
        }
        if answers.preferred.is_some() {
            self.preference(answers);
            return;
        }
        self.only_the_answer();
        self.end(
            "Use plain, everyday words.",
            "Verwende einfache, alltägliche Wörter.",
        );
        self.end(
            "Keep every fact and add none.",
            "Behalte alle Fakten bei und füge keine hinzu.",
        );
        self.end(
            "Say what matters most first.",
            "Nenne das Wichtigste zuerst.",
        );
        self.end(
            "Write without introduction and closing words.",
            "Schreibe ohne Einleitung und Schlusswort.",
        );
        self.end(
            "Be exact with names, dates and numbers.",
            "Sei genau bei Namen, Daten und Zahlen.",
        );
        self.front("Read the text carefully.", "Lies den Text sorgfältig.");
    }

    fn preference(&mut self, answers: &Answers) {
        match answers.preferred {
            Some(Preferred::Shorter) => {
                self.end("Keep your answer short.", "Halte deine Antwort kurz.");
                self.end(
                    "Leave out what was not asked for.",
                    "Lass weg, wonach nicht gefragt wurde.",
                );
            }
            Some(Preferred::Longer) => {
                self.end(
                    "Answer in full and go into detail.",
                    "Antworte ausführlich und gehe auf Einzelheiten ein.",
                );
                self.end("Give reasons and examples.", "Nenne Gründe und Beispiele.");
            }
            _ => {}
        }
        self.end(
            "Be friendly and take the message seriously.",
            "Sei freundlich und nimm die Nachricht ernst.",
        );
        self.end(
            "Go into exactly what was asked.",
            "Gehe genau auf das ein, was gefragt wurde.",
        );
        self.end("Offer concrete help.", "Biete konkrete Hilfe an.");
        self.end("Write in plain words.", "Schreibe in einfachen Worten.");
        self.end(
            "Say so where you are not certain.",
            "Sage es, wo du nicht sicher bist.",
        );
        self.end("Do not repeat the question.", "Wiederhole die Frage nicht.");
        self.front(
            "You answer messages kindly and to the point.",
            "Du beantwortest Nachrichten freundlich und sachlich.",
        );
    }

    fn start(&mut self, answers: &Answers) {
        if let Some(start) = &answers.start {
            self.end(
                format!("Begin your answer with \"{start}\"."),
                format!("Beginne deine Antwort mit \"{start}\"."),
            );
        }
    }

    fn most(&mut self, most: usize) {
        match most {
            0 | 1 => self.end("Use one word only.", "Verwende nur ein Wort."),
            most => self.end(
                format!("Use at most {most} words."),
                format!("Verwende höchstens {most} Wörter."),
            ),
        }
    }

    fn only_the_answer(&mut self) {
        self.end(
            "Give only the answer, without any comment.",
            "Gib nur die Antwort, ohne jeden Kommentar.",
        );
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{preferred, supervised};
    use super::*;

    fn texts(data: &[Example], language: Language) -> Vec<String> {
        let set = LabelSet::detect(data);
        let refs: Vec<_> = data.iter().collect();
        let all = phrases(&refs, set.as_ref(), language);
        assert_eq!(all, phrases(&refs, set.as_ref(), language));
        all.into_iter().map(|phrase| phrase.text).collect()
    }

    fn answered(targets: &[&str], times: usize) -> Vec<Example> {
        let rows: Vec<(&str, &str)> = targets
            .iter()
            .map(|target| ("the input", *target))
            .collect();
        supervised(&rows.repeat(times))
    }

    #[test]
    fn slots_are_filled_from_the_data() {
        for (targets, times, english, german) in [
            (
                &["yes", "no", "maybe"][..],
                3,
                "Answer with one word: maybe, no or yes.",
                "Antworte mit einem Wort: maybe, no oder yes.",
            ),
            (
                &["no", "yes"],
                3,
                "Answer with yes or no.",
                "Antworte mit yes oder no.",
            ),
            (
                &["very good", "bad"],
                3,
                "Answer with one of these, word for word: bad or very good.",
                "Antworte Wort für Wort mit einer dieser Angaben: bad oder very good.",
            ),
            (
                &["(B)", "(A)"],
                3,
                "Answer with one letter, written like this: (A) or (B).",
                "Antworte mit einem Buchstaben in dieser Schreibweise: (A) oder (B).",
            ),
            (
                &["2", "10", "1"],
                3,
                "Answer with one number: 1, 2 or 10.",
                "Antworte mit einer Zahl: 1, 2 oder 10.",
            ),
            (
                &["17", "4", "23"],
                1,
                "Answer with a number only.",
                "Antworte nur mit einer Zahl.",
            ),
            (
                &["{\"a\": 1, \"b\": 2}", "{\"a\": 3, \"b\": 4}"],
                1,
                "Answer with valid JSON that has these keys: a and b.",
                "Antworte mit gültigem JSON, das diese Schlüssel hat: a und b.",
            ),
            (
                &["item: tea; town: Ulm", "item: ink; town: Bonn"],
                1,
                "Use exactly this format: item: ...; town: ...",
                "Verwende genau dieses Format: item: ...; town: ...",
            ),
            (
                &["Dear Sir, no", "Dear Sir, yes", "Dear Sir, so"],
                1,
                "Begin your answer with \"Dear Sir,\".",
                "Beginne deine Antwort mit \"Dear Sir,\".",
            ),
        ] {
            let data = answered(targets, times);
            assert_eq!(texts(&data, Language::English)[0], english);
            assert_eq!(texts(&data, Language::German)[0], german);
        }
        let data = answered(&["item: tea; town: Ulm", "item: ink; town: Bonn"], 1);
        assert!(texts(&data, Language::English).contains(&"Use at most 4 words.".to_owned()));
        let data = answered(&["0.50", "3.25", "7.00"], 1);
        assert!(texts(&data, Language::English)
            .contains(&"Give the number with 2 decimal places.".to_owned()));
    }

    /// Data of every shape.
    fn shapes() -> Vec<(&'static str, Vec<Example>)> {
        let reason = "We add the two and then take half of what is left, which is what the \
                      question asks for in the end, I think.\nThe answer is 7.";
        let long = "This is a long text. ".repeat(10);
        let long = long.as_str();
        vec![
            ("words", answered(&["yes", "no", "maybe"], 3)),
            ("yes or no", answered(&["yes", "no"], 3)),
            ("several words", answered(&["very good", "bad"], 3)),
            ("letters", answered(&["A", "B", "C"], 3)),
            ("number labels", answered(&["1", "2", "3"], 3)),
            ("numbers", answered(&["17", "4", "23"], 1)),
            ("prices", answered(&["$1.50", "$2.75", "$3.20"], 1)),
            ("JSON", answered(&["{\"a\": 1}", "{\"a\": 2}"], 1)),
            ("arrays", answered(&["[1]", "[2]"], 1)),
            (
                "form",
                answered(&["item: tea; town: Ulm", "item: ink; town: Bonn"], 1),
            ),
            ("short", answered(&["Ada Lovelace", "Ulm", "in May"], 1)),
            (
                "sentence",
                answered(
                    &[
                        "The bridge opens on Monday morning.",
                        "Buses stop early on Sunday.",
                        "All shops close at noon.",
                    ],
                    1,
                ),
            ),
            ("steps", answered(&[reason], 4)),
            ("text", answered(&[long], 4)),
            ("shorter", preferred(&[("q", "Take the bus now.", long); 4])),
            ("longer", preferred(&[("q", long, "No."); 4])),
        ]
    }

    #[test]
    fn every_shape_has_a_stock_of_single_phrases_in_both_languages() {
        for (name, data) in shapes() {
            let english = texts(&data, Language::English);
            let german = texts(&data, Language::German);
            assert_eq!(english.len(), german.len(), "{name}");
            // What an array holds is not known, so there is less to say.
            let least = if name == "arrays" { 5 } else { 7 };
            assert!(english.len() >= least, "{name}: {english:#?}");
            for (english, german) in english.iter().zip(&german) {
                assert_ne!(english, german);
                for text in [english, german] {
                    assert!(text.ends_with(['.', '"']), "{text}");
                    assert!(!text.contains("  "), "{text}");
                }
            }
            let unique: HashSet<&String> = english.iter().chain(&german).collect();
            assert_eq!(unique.len(), english.len() * 2, "{name}");
        }
    }

    #[test]
    fn no_phrase_contradicts_another() {
        // Of each row at most one may be asked for.
        let groups: [&[&str]; 4] = [
            &[
                "step by step",
                "only the answer",
                "Do not explain",
                "nothing before or after",
            ],
            &["Keep your answer short", "Answer in full", "Write about"],
            &[
                "one word",
                "word for word",
                "one letter",
                "one number",
                "in one sentence",
                "a number only",
            ],
            &["with its sign", "Leave out units"],
        ];
        for (name, data) in shapes() {
            let all = texts(&data, Language::English);
            for group in groups {
                let said: Vec<&&str> = group
                    .iter()
                    .filter(|part| all.iter().any(|text| text.contains(**part)))
                    .collect();
                let steps = said.iter().any(|part| **part == "step by step");
                let one = group[0] != "step by step" || steps;
                assert!(said.len() <= 1 || !one, "{name}: {said:?}");
            }
        }
    }
}
