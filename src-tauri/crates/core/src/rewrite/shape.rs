//! What the answers of a task look like, read from the data.

use std::collections::BTreeSet;

use serde_json::Value;
use unicode_segmentation::UnicodeSegmentation;

use super::language::Language;
use crate::dataset::{Answer, Example, LabelSet};

/// Most words of an answer that is no sentence.
const SHORT: usize = 4;
/// Fewest examples that show a habit.
const FEW: usize = 3;

/// What all answers are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Shape {
    /// One of a few labels.
    Labels(Kind, Vec<String>),
    /// JSON objects with these keys in common, or arrays (no keys).
    Json(Vec<String>),
    /// Numbers.
    Numbers(Numbers),
    /// `key: ...` lines or parts; the text has dots where answers differ.
    Form(String),
    /// A few words.
    Short,
    /// One sentence.
    Sentence,
    /// More than that.
    Text,
}

/// What labels are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Yes and no, in English or German.
    YesNo,
    /// Single letters, with or without marks around them.
    Letters,
    /// Numbers.
    Numbers,
    /// One word each.
    Word,
    /// Several words in at least one.
    Words,
}

/// How numbers are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Numbers {
    /// None has a point or comma.
    pub(super) whole: bool,
    /// Digits behind the point or comma, where all have as many.
    pub(super) places: Option<usize>,
    /// The sign that all end or begin with, such as `%`.
    pub(super) unit: Option<char>,
    /// None has such a sign.
    pub(super) bare: bool,
}

/// What the better answers have more than the worse ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Preferred {
    /// Fewer words.
    Shorter,
    /// More words.
    Longer,
    /// Neither.
    AsLong,
}

/// What is known of the answers.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Answers {
    pub(super) shape: Shape,
    /// Words with which every answer begins, where not all are labels.
    pub(super) start: Option<String>,
    /// Words of the longest answer.
    pub(super) most: usize,
    /// Words of the middle answer, in tens, where most are about as long.
    pub(super) about: Option<usize>,
    /// They stand in their inputs word for word.
    pub(super) from_text: bool,
    /// They come to a result after some steps.
    pub(super) steps: bool,
    /// They are lists, each point with a mark before it.
    pub(super) list: bool,
    /// For pairs of a better and a worse answer.
    pub(super) preferred: Option<Preferred>,
}

impl Answers {
    /// What the answers of these examples look like.
    pub(super) fn of(examples: &[&Example], labels: Option<&LabelSet>) -> Self {
        let targets: Vec<&str> = examples.iter().map(|one| one.answer.best()).collect();
        let mut words: Vec<usize> = targets.iter().map(|text| count(text)).collect();
        words.sort_unstable();
        let most = words.last().copied().unwrap_or(1);
        let middle = words.get(words.len() / 2).copied().unwrap_or(1);
        let tenth = words.get(words.len() / 10).copied().unwrap_or(1);
        let last_tenth = words.get(words.len() * 9 / 10).copied().unwrap_or(1);
        let even = words.len() >= FEW && tenth * 2 >= middle && last_tenth <= middle * 2;
        Self {
            shape: shape(&targets, labels, most),
            start: common_start(&targets),
            most,
            about: (even && middle > 25).then_some((middle + 5) / 10 * 10),
            from_text: nearly_all(examples, |one| {
                let target = one.answer.best().trim().to_lowercase();
                !target.is_empty() && one.input.to_lowercase().contains(&target)
            }),
            steps: middle > 20 && nearly_all(&targets, |text| ends_in_result(text)),
            list: nearly_all(&targets, |text| {
                let points = text
                    .lines()
                    .filter(|line| line.trim_start().starts_with(['-', '*', '•']));
                points.count() >= 2
            }),
            preferred: preferred(examples),
        }
    }
}

fn shape(targets: &[&str], labels: Option<&LabelSet>, most: usize) -> Shape {
    if let Some(set) = labels {
        return labelled(&set.labels);
    }
    if targets.is_empty() {
        return Shape::Text;
    }
    if let Some(keys) = json_keys(targets) {
        return Shape::Json(keys);
    }
    let numbers: Option<Vec<_>> = targets.iter().map(|text| number(text)).collect();
    if let Some(all) = numbers {
        let first = all[0].clone();
        return Shape::Numbers(Numbers {
            whole: all.iter().all(|one| one.whole),
            places: first
                .places
                .filter(|_| all.iter().all(|one| one.places == first.places)),
            unit: first
                .unit
                .filter(|_| all.iter().all(|one| one.unit == first.unit)),
            bare: all.iter().all(|one| one.bare),
        });
    }
    if let Some(form) = common_form(targets) {
        return Shape::Form(form);
    }
    if most <= SHORT {
        return Shape::Short;
    }
    let sentence =
        |text: &&str| text.trim().unicode_sentences().count() == 1 && !text.contains('\n');
    if nearly_all(targets, sentence) {
        Shape::Sentence
    } else {
        Shape::Text
    }
}

fn labelled(labels: &[String]) -> Shape {
    let bare: Vec<String> = labels
        .iter()
        .map(|label| {
            label
                .trim_matches(|c: char| !c.is_alphanumeric())
                .to_lowercase()
        })
        .collect();
    let mut labels = labels.to_vec();
    let kind = if is_yes_no(&bare) {
        // Sorted, "no" stands before "yes", which nobody writes.
        labels.reverse();
        if bare[0].starts_with(['y', 'j']) {
            labels.reverse();
        }
        Kind::YesNo
    } else if bare
        .iter()
        .all(|one| one.chars().count() == 1 && one.chars().all(char::is_alphabetic))
    {
        Kind::Letters
    } else if labels.iter().all(|one| number(one).is_some()) {
        Kind::Numbers
    } else if labels.iter().all(|one| count(one) == 1) {
        Kind::Word
    } else {
        Kind::Words
    };
    if kind == Kind::Numbers {
        // By value: as text, 10 stands before 2.
        let value = |text: &String| text.parse::<f64>().unwrap_or(f64::INFINITY);
        labels.sort_by(|a, b| value(a).total_cmp(&value(b)));
    }
    Shape::Labels(kind, labels)
}

fn is_yes_no(bare: &[String]) -> bool {
    let set: BTreeSet<&str> = bare.iter().map(String::as_str).collect();
    bare.len() == 2
        && [["no", "yes"], ["ja", "nein"]]
            .iter()
            .any(|pair| set.iter().eq(pair))
}

/// "a, b or c", quoted where a reader could not tell where one ends.
pub(super) fn listed(items: &[String], language: Language) -> String {
    let joint = language.pick(" or ", " oder ");
    joined(items, joint)
}

/// Items with commas between them and `joint` before the last.
pub(super) fn joined(items: &[String], joint: &str) -> String {
    let unclear = |item: &String| {
        let ends = item.ends_with(['.', '!', '?', ':', ';']) || item.trim().is_empty();
        let inside = [",", " or ", " oder ", " and ", " und "];
        ends || inside.iter().any(|part| item.contains(part))
    };
    let quoted: Vec<String> = match items.iter().any(unclear) {
        true => items.iter().map(|item| format!("\"{item}\"")).collect(),
        false => items.to_vec(),
    };
    match quoted.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{}{joint}{last}", rest.join(", ")),
        Some((last, _)) => last.clone(),
        None => String::new(),
    }
}

/// The keys that all JSON objects have, in the order of the first; none for
/// arrays. `None` where not all are objects or all arrays.
fn json_keys(targets: &[&str]) -> Option<Vec<String>> {
    let values: Vec<Value> = targets
        .iter()
        .map(|text| serde_json::from_str(text).ok())
        .collect::<Option<_>>()?;
    if values.iter().all(Value::is_array) {
        return Some(Vec::new());
    }
    let objects: Vec<_> = values.iter().map(Value::as_object).collect::<Option<_>>()?;
    let (first, rest) = objects.split_first()?;
    let mut keys: Vec<String> = first
        .keys()
        .filter(|key| rest.iter().all(|object| object.contains_key(*key)))
        .cloned()
        .collect();
    keys.sort_by_key(|key| targets[0].find(&format!("\"{key}\"")));
    Some(keys)
}

/// How a number is written; `None` for anything else. Digits may be grouped.
fn number(text: &str) -> Option<Numbers> {
    const UNITS: [char; 4] = ['%', '€', '$', '£'];
    let text = text.trim();
    let unit = text.chars().next().filter(|c| UNITS.contains(c));
    let unit = unit.or_else(|| text.chars().last().filter(|c| UNITS.contains(c)));
    let digits = text
        .trim_matches(UNITS)
        .trim()
        .trim_start_matches(['-', '+', '−']);
    let parts: Vec<&str> = digits.split(['.', ',']).collect();
    let right = parts
        .iter()
        .all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()));
    // "1.2.3" is a version, "1,000,000" a number.
    let grouped = parts[1..].iter().rev().skip(1).all(|part| part.len() == 3);
    (right && grouped).then(|| Numbers {
        whole: parts.len() == 1,
        places: match parts[..] {
            // Three digits may be thousands.
            [_, behind] if behind.len() != 3 => Some(behind.len()),
            _ => None,
        },
        unit,
        bare: unit.is_none(),
    })
}

/// The format that nearly all answers share, such as `name: ...; town: ...`,
/// with the parts that vary left open.
fn common_form(targets: &[&str]) -> Option<String> {
    let keys = |text: &str| -> Option<Vec<String>> {
        let parts: Vec<&str> = text.split([';', '\n']).map(str::trim).collect();
        parts
            .iter()
            .map(|part| {
                let (key, value) = part.split_once(':')?;
                let short = count(key) <= 3 && !key.trim().is_empty();
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
    let open = first.iter().map(|key| format!("{key}: ..."));
    Some(open.collect::<Vec<_>>().join(mark))
}

/// Up to six words with which every answer begins.
fn common_start(targets: &[&str]) -> Option<String> {
    let first: Vec<&str> = targets.first()?.split_whitespace().take(6).collect();
    let shared = targets
        .iter()
        .map(|target| {
            let words = target.split_whitespace();
            words.zip(&first).take_while(|(a, b)| a == *b).count()
        })
        .min()?;
    (shared >= 1 && targets.len() >= FEW).then(|| first[..shared].join(" "))
}

/// Whether the last line is a result: named so, or short with a number in it.
fn ends_in_result(text: &str) -> bool {
    const NAMED: [&str; 6] = [
        "answer is",
        "answer:",
        "result",
        "antwort",
        "ergebnis",
        "####",
    ];
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    let Some(last) = lines.next_back() else {
        return false;
    };
    let small = last.to_lowercase();
    let short = count(last) <= 8 && last.contains(|c: char| c.is_ascii_digit());
    NAMED.iter().any(|name| small.contains(name)) || (short && lines.next().is_some())
}

/// Which answers of pairs are preferred: in three of four pairs, and by a fifth on the whole.
fn preferred(examples: &[&Example]) -> Option<Preferred> {
    let (mut chosen_words, mut rejected_words) = (0, 0);
    let (mut shorter, mut longer, mut pairs) = (0, 0, 0);
    for example in examples {
        let Answer::Preference { chosen, rejected } = &example.answer else {
            continue;
        };
        for worse in rejected {
            let (a, b) = (count(chosen), count(worse));
            chosen_words += a;
            rejected_words += b;
            shorter += usize::from(a < b);
            longer += usize::from(a > b);
            pairs += 1;
        }
    }
    if pairs == 0 {
        return None;
    }
    Some(if pairs < FEW {
        Preferred::AsLong
    } else if shorter * 4 >= pairs * 3 && chosen_words * 6 <= rejected_words * 5 {
        Preferred::Shorter
    } else if longer * 4 >= pairs * 3 && chosen_words * 5 >= rejected_words * 6 {
        Preferred::Longer
    } else {
        Preferred::AsLong
    })
}

/// Whether four of five have a property, and three at least.
fn nearly_all<T>(items: &[T], has: impl Fn(&T) -> bool) -> bool {
    let having = items.iter().filter(|item| has(item)).count();
    having >= FEW && having * 5 >= items.len() * 4
}

fn count(text: &str) -> usize {
    text.split_whitespace().count()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{preferred as pairs, supervised};
    use super::*;

    fn of(targets: &[&str]) -> Answers {
        let rows: Vec<(&str, &str)> = targets.iter().map(|target| ("input", *target)).collect();
        let data = supervised(&rows);
        Answers::of(&data.iter().collect::<Vec<_>>(), None)
    }

    #[test]
    fn shapes_are_told_apart() {
        assert!(matches!(
            of(&["12", "-7", "1,000", "3.5"]).shape,
            Shape::Numbers(Numbers { whole: false, .. })
        ));
        let Shape::Numbers(numbers) = of(&["$12.50", "$7.25", "$1,000.00"]).shape else {
            panic!("prices are numbers");
        };
        assert_eq!((numbers.unit, numbers.places), (Some('$'), None));
        let Shape::Numbers(numbers) = of(&["12.5%", "7.2%"]).shape else {
            panic!("shares are numbers");
        };
        assert_eq!((numbers.unit, numbers.places), (Some('%'), Some(1)));
        assert_eq!(of(&["1.2.3", "4.5.6"]).shape, Shape::Short);
        assert_eq!(of(&["12", "none"]).shape, Shape::Short);
        assert_eq!(
            of(&[
                "{\"town\": \"Ulm\", \"item\": 1}",
                "{\"item\": 2, \"town\": \"\", \"x\": 1}"
            ])
            .shape,
            Shape::Json(vec!["town".into(), "item".into()])
        );
        assert_eq!(of(&["[1]", "[]"]).shape, Shape::Json(vec![]));
        assert_eq!(
            of(&["a: b; c d: e", "a: x; c d: y"]).shape,
            Shape::Form("a: ...; c d: ...".into())
        );
        assert_eq!(
            of(&["The bridge opens on Monday."; 4]).shape,
            Shape::Sentence
        );
        assert_eq!(
            of(&["It is. The bridge opens on Monday."; 4]).shape,
            Shape::Text
        );
    }

    #[test]
    fn labels_are_told_apart() {
        let kind = |labels: &[&str]| {
            let labels: Vec<String> = labels.iter().map(|label| (*label).to_owned()).collect();
            match labelled(&labels) {
                Shape::Labels(kind, labels) => (kind, listed(&labels, Language::English)),
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(kind(&["No", "Yes"]), (Kind::YesNo, "Yes or No".into()));
        assert_eq!(kind(&["ja", "nein"]), (Kind::YesNo, "ja or nein".into()));
        assert_eq!(kind(&["(A)", "(B)"]), (Kind::Letters, "(A) or (B)".into()));
        assert_eq!(
            kind(&["1", "10", "2"]),
            (Kind::Numbers, "1, 2 or 10".into())
        );
        assert_eq!(kind(&["bad", "good"]), (Kind::Word, "bad or good".into()));
        assert_eq!(
            kind(&["Monsters, Inc", "Up"]),
            (Kind::Words, "\"Monsters, Inc\" or \"Up\"".into())
        );
    }

    #[test]
    fn habits_of_answers_are_seen() {
        let steps = "Tom has three bags of five apples each, so he has three times five apples, \
                     which we count as fifteen in all.\n#### 15";
        assert!(of(&[steps; 3]).steps);
        let letter = "Dear Ann, thank you for the long letter that you sent us the other day, we \
                      liked it a lot and read it twice.\nBest regards, Tom";
        assert!(!of(&[letter; 3]).steps);
        assert!(of(&["- a\n- b"; 3]).list);
        assert_eq!(of(&["word ".repeat(43).as_str(); 3]).about, Some(40));
        let data = supervised(&[
            ("Tea in Ulm", "Ulm"),
            ("Ink in Bonn", "bonn"),
            ("Ed ate", "Ed"),
        ]);
        assert!(Answers::of(&data.iter().collect::<Vec<_>>(), None).from_text);
        for (chosen, rejected, expected) in [
            ("a b", "a b c d", Preferred::Shorter),
            ("a b c d", "a b", Preferred::Longer),
            ("a b c", "a b c", Preferred::AsLong),
        ] {
            let data = pairs(&[("q", chosen, rejected); 4]);
            let found = Answers::of(&data.iter().collect::<Vec<_>>(), None).preferred;
            assert_eq!(found, Some(expected));
        }
    }
}
