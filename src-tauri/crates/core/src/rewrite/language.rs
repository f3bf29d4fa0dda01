use std::collections::HashSet;

use crate::dataset::Example;
use crate::prompt::Template;

/// The language that a prompt is written in, as far as the app can write in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Language {
    /// Also what is taken where nothing tells.
    #[default]
    English,
    /// Told by its function words.
    German,
}

impl Language {
    /// Its name in English, for a request to a model.
    pub fn name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::German => "German",
        }
    }

    /// The one of two texts that is in this language.
    pub(super) fn pick<T>(self, english: T, german: T) -> T {
        match self {
            Self::English => english,
            Self::German => german,
        }
    }
}

/// Inputs looked at where the prompt itself tells nothing.
const INPUTS: usize = 100;

/// Words of German that neither English nor a neighbouring language writes the same way.
const GERMAN: &str =
    "antworte antworten auch auf aus beantworte beantworten bewerte bitte das dass dein deine \
    dich diese diesem diesen dieser dieses durch ein eine einem einen einer eines entscheide \
    fasse folgende folgenden gib haben ihre ist jede jeden kein keine keinen kurz mit nach \
    nenne nicht nur oder ohne ordne schreib schreibe sich sie sind und vom welche wenn \
    werden wird wurde zu zum zur zusammen";
/// German words that are words of another language too; they count beside others only.
const GERMAN_TOO: &str =
    "alle alles bei dem den der des die du er es hat ich ihr im man sei um von wie";
/// Words of English, those that German has too left out.
const ENGLISH: &str =
    "a and answer are as at be by can choose classify decide do for from give has have how i \
    if is it its not of on only or please read say should summarize that the their they this \
    to translate were what when which who with write you your";

/// The language of a prompt, by its function words; where they do not tell, by
/// those of the inputs. English where nothing tells.
pub fn language(prompt: &str, examples: &[&Example]) -> Language {
    // Names of placeholders are names of columns, not words of the prompt.
    let mut own = String::with_capacity(prompt.len());
    let mut from = 0;
    for hole in Template::parse(prompt).placeholders() {
        own.push_str(&prompt[from..hole.range.start]);
        own.push(' ');
        from = hole.range.end;
    }
    own.push_str(&prompt[from..]);
    let told = Told::by([own.as_str()].into_iter());
    if told.german != told.english {
        return told.language();
    }
    let told = Told::by(examples.iter().take(INPUTS).map(|one| one.input.as_str()));
    told.language()
}

/// Words that tell one language or the other.
#[derive(Default)]
struct Told {
    german: usize,
    english: usize,
}

impl Told {
    fn by<'a>(texts: impl Iterator<Item = &'a str>) -> Self {
        let known = |list: &'static str| list.split(' ').collect::<HashSet<&str>>();
        let (german, too, english) = (known(GERMAN), known(GERMAN_TOO), known(ENGLISH));
        let mut told = Self::default();
        let mut beside = 0;
        for word in texts.flat_map(|text| text.split(|c: char| !c.is_alphanumeric())) {
            let word = word.to_lowercase();
            if german.contains(&*word) || word.contains('ß') {
                told.german += 1;
            } else if too.contains(&*word) || word.contains(['ä', 'ö', 'ü']) {
                beside += 1;
            } else if english.contains(&*word) {
                told.english += 1;
            }
        }
        if told.german > 0 {
            told.german += beside;
        }
        told
    }

    fn language(&self) -> Language {
        if self.german > self.english {
            Language::German
        } else {
            Language::English
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::supervised;
    use super::*;

    fn of(prompt: &str, inputs: &[&str]) -> Language {
        let rows: Vec<(&str, &str)> = inputs.iter().map(|input| (*input, "x")).collect();
        let data = supervised(&rows);
        language(prompt, &data.iter().collect::<Vec<_>>())
    }

    #[test]
    fn the_prompt_tells_its_language() {
        for german in [
            "Fasse den Text zusammen.",
            "Ordne die Nachricht einer Abteilung zu: {{the text of it}}",
            "Sie sind ein Experte. Antworten Sie höflich und knapp.",
            "Ist die Bewertung gut oder schlecht?",
            "Beantworte das Ticket. Output format: JSON",
        ] {
            assert_eq!(
                of(german, &["The cat is on the mat."]),
                Language::German,
                "{german}"
            );
        }
        for english in [
            "Summarize the text.",
            "Is the review good or bad?",
            "You translate from German: \"und\", \"nicht\" and so on are the words to look at.",
            "Answer {{und nicht oder}}",
        ] {
            assert_eq!(
                of(english, &["Die Katze ist nicht da."]),
                Language::English,
                "{english}"
            );
        }
    }

    #[test]
    fn the_inputs_tell_it_where_the_prompt_does_not() {
        let german = ["Wo ist mein Paket?", "Die Lampe geht nicht."];
        assert_eq!(of("Sentiment:", &german), Language::German);
        assert_eq!(
            of("Sentiment:", &["Where is my parcel?"]),
            Language::English
        );
        // Neither Danish, Dutch, Swedish nor nothing at all is German.
        for other in [
            "Hvor er den pakke, der skulle komme i dag?",
            "Die doos van den winkel kwam niet aan.",
            "Var är den lampa som skulle komma på fredag för oss?",
            "12 + 7",
            "",
        ] {
            assert_eq!(of("", &[other]), Language::English, "{other}");
        }
    }
}
