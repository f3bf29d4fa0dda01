use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use pmpo_core::device::Device;
use pmpo_core::message;

use super::*;
use crate::{fault, AppError};

/// All sentences of a language with the names of their places.
fn places(language: Language) -> BTreeMap<&'static str, BTreeSet<&'static str>> {
    let sentences = table(language).iter().map(|(key, sentence)| {
        let texts = [&sentence.message, &sentence.hint];
        let pieces = texts.into_iter().flat_map(|text| pieces(text));
        let names = pieces.filter_map(|piece| match piece {
            Piece::Place(name, _) => Some(name),
            Piece::Text(_) => None,
        });
        (key.as_str(), names.collect())
    });
    sentences.collect()
}

/// All files of the program's own code.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            if !["tests", "target", "examples"].contains(&name.as_str()) {
                sources(&path, found);
            }
        } else if name.ends_with(".rs") && !name.ends_with("_tests.rs") {
            found.push(path);
        }
    }
}

/// The text between a bracket that is open and its end, without strings' brackets.
fn bracketed(text: &str) -> &str {
    let mut depth = 0_usize;
    let mut quoted = false;
    let mut before = ' ';
    for (at, sign) in text.char_indices() {
        match sign {
            '"' if before != '\\' && before != '\'' => quoted = !quoted,
            '(' | '[' | '{' if !quoted => depth += 1,
            ')' | ']' | '}' if !quoted && depth == 0 => return &text[..at],
            ')' | ']' | '}' if !quoted => depth -= 1,
            _ => {}
        }
        before = sign;
    }
    text
}

/// Everything that the sources tell: keys with the names of their places.
fn told_anywhere() -> BTreeMap<String, BTreeSet<String>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut files = Vec::new();
    sources(&root.join("crates"), &mut files);
    sources(&root.join("src"), &mut files);
    assert!(files.len() > 150, "{}", files.len());
    let mut told = BTreeMap::new();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let text = text.split("#[cfg(test)]\nmod tests").next().unwrap();
        let text = text.split("#[cfg(test)]\n#[allow").next().unwrap();
        let calls = text.split("message!(").skip(1);
        for call in calls.chain(text.split("fault!(").skip(1)) {
            let call = bracketed(call).trim_start();
            let Some((key, rest)) = call.strip_prefix('"').and_then(|rest| rest.split_once('"'))
            else {
                continue;
            };
            let mut names = BTreeSet::new();
            let mut rest = rest;
            while let Some((before, after)) = rest.split_once(" = ") {
                let name = before.rsplit([',', ' ', '\n']).next().unwrap();
                names.insert(name.to_owned());
                // The value, up to the next comma outside of brackets.
                let mut end = 0;
                while let Some(sign) = after[end..].chars().next() {
                    match sign {
                        ',' => break,
                        '(' | '[' | '{' => end += 2 + bracketed(&after[end + 1..]).len(),
                        _ => end += sign.len_utf8(),
                    }
                    end = end.min(after.len());
                }
                rest = &after[end..];
            }
            let known = told.entry(key.to_owned()).or_insert_with(|| names.clone());
            assert_eq!(*known, names, "{key} in {}", file.display());
        }
    }
    told
}

#[test]
fn every_sentence_that_is_told_is_in_both_languages_with_its_places() {
    let told = told_anywhere();
    assert!(told.len() > 200, "{}", told.len());
    for language in [Language::English, Language::German] {
        let known = places(language);
        for (key, names) in &told {
            let places = known.get(key.as_str());
            let places = places.unwrap_or_else(|| panic!("{key} is missing in {language:?}"));
            let names: BTreeSet<&str> = names.iter().map(String::as_str).collect();
            assert_eq!(*places, names, "{key} in {language:?}");
        }
        for key in known.keys() {
            assert!(told.contains_key(*key), "nobody tells {key}");
        }
    }
}

#[test]
fn places_are_filled_as_the_language_writes() {
    let told = message!(
        "hub.no_space",
        folder = Path::new("/models"),
        needed = 4_300_000_000_u64,
        free = 640_000_000_u64
    );
    let english = said(&told, Language::English).0;
    assert_eq!(
        english,
        "/models needs 4.3 GB of free space and has 640 MB."
    );
    let german = said(&told, Language::German).0;
    assert_eq!(
        german,
        "/models braucht 4,3 GB freien Platz und hat 640 MB."
    );
    let told = message!("prompt.too_long", tokens = 9100_u64, window = 8192_u64);
    assert!(said(&told, Language::German).0.contains("9.100 Token"));
    let told = message!("notice.better", start = "2.104", best = "0.533");
    assert_eq!(
        said(&told, Language::German).0,
        "Fertig: Der Loss sank von 2,104 auf 0,533."
    );
    assert_eq!(Language::of("de-AT"), Language::German);
    assert_eq!(Language::of(""), Language::English);
}

#[test]
fn braces_that_are_text_stay_and_points_do_not_double() {
    let error = fault!("prompt.no_column", name = "{{colour}}");
    assert_eq!(
        error.message,
        "The prompt uses {{colour}}, but the data has no such column."
    );
    assert!(error.hint.contains("{{input}}"));
    let json = fault!(
        "data.json",
        file = "a.json",
        line = 3_usize,
        why = "end of file."
    );
    assert!(json.message.ends_with(": end of file."), "{}", json.message);
    assert!(json.hint.contains("{\"input\": \"...\""), "{}", json.hint);
}

#[test]
fn a_stored_error_comes_back_as_data_and_an_old_one_in_its_words() {
    let device = Device::cpu();
    let full = fault!(
        "store.journal",
        why = message!("store.full", path = Path::new("/a"))
    );
    let other = fault!("other_device.run", then = &device, now = &device);
    for error in [full, other, fault!("no_row")] {
        let stored = error.to_store();
        assert!(stored.starts_with(&error.message), "what old versions show");
        let back = AppError::of_run(&stored);
        assert_eq!(back.code, "run");
        assert_eq!(back.message, error.message);
        assert_eq!(
            back.told,
            message!("run.broken_off", why = error.told.clone())
        );
        assert!(back.hint.contains("What was measured is kept"));
    }
    let old = AppError::of_run("The disk is full.");
    assert_eq!(old.message, "The disk is full.");
    assert_eq!(old.told.params["why"], "The disk is full.".into());
    // One that a later version stored has words, too.
    let new = AppError::of_run("It rains.\n{\"key\":\"weather.rain\",\"params\":{}}");
    assert_eq!(new.message, "It rains.");
}

/// The string literals of a source, without comments and what is displayed to developers.
fn literals(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(['"', '/', '#', '\'']) {
        let here = &rest[at..];
        let past = if here.starts_with("//") {
            here.find('\n').unwrap_or(here.len())
        } else if let Some(words) = here.strip_prefix("#[error(") {
            2 + bracketed(words).len() + 8
        } else if here.starts_with("'\"'") || here.starts_with("'/'") || here.starts_with("'#'") {
            3
        } else if let Some(quoted) = here.strip_prefix('"') {
            let mut before = ' ';
            let end = quoted.find(|sign| {
                let ends = sign == '"' && before != '\\';
                before = sign;
                ends
            });
            let end = end.unwrap_or(quoted.len());
            let lines = quoted[..end].split("\\\n").map(str::trim_start);
            found.push(lines.collect());
            end + 2
        } else {
            1
        };
        rest = here.get(past..).unwrap_or_default();
    }
    found
}

/// A part of a sentence with its places emptied.
fn emptied(text: &str) -> String {
    let mut out = String::new();
    for (at, piece) in text.split('{').enumerate() {
        match at {
            0 => out.push_str(piece),
            _ => {
                out.push_str("{}");
                out.push_str(piece.split_once('}').map_or("", |(_, after)| after));
            }
        }
    }
    out
}

/// Servers, the hub and the engine tell some reasons as text: the page must know them.
/// A source without what it writes into the log, which nobody is told.
fn without_log_lines(source: &str) -> String {
    let mut parts = source.split("tracing::");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        // To the bracket that closes the line; its texts have none.
        let mut depth = 0_i32;
        let end = part.find(|sign: char| {
            depth += i32::from(sign == '(') - i32::from(sign == ')');
            sign == ')' && depth == 0
        });
        out.push_str(end.map_or("", |end| &part[end..]));
    }
    out
}

#[test]
fn reasons_that_are_told_as_text_have_german_words() {
    /// By these other programs' words are told apart, or they are for logs.
    const SIGNS: [&str; 10] = [
        "is there a keyring?",
        "and wants to be asked again in {seconds} seconds",
        "out of memory",
        "fill whole buffer",
        "go on from plain text",
        "maximum context length",
        "exceed context window",
        "exceeds the available context size",
        "longer than the maximum model length",
        "greater than the context length",
    ];
    const CLAUSES: &str = include_str!("../../../../ui/src/text/messages/clauses.de.json");
    let known: HashMap<String, String> = serde_json::from_str(CLAUSES).unwrap();
    let known: BTreeSet<String> = known.keys().map(|text| emptied(text)).collect();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut seen = 0;
    for part in ["remote", "hub", "engine"] {
        let mut files = Vec::new();
        sources(&root.join(part).join("src"), &mut files);
        for file in files {
            let text = std::fs::read_to_string(&file).unwrap();
            let text = without_log_lines(text.split("#[cfg(test)]").next().unwrap());
            for literal in literals(&text) {
                let is_told = literal.split_whitespace().count() > 2
                    && literal.starts_with(|sign: char| sign.is_lowercase() || sign == '{')
                    && !literal.contains(['\n', '\\'])
                    && !SIGNS.contains(&literal.as_str());
                if is_told {
                    seen += 1;
                    let place = file.display();
                    assert!(known.contains(&emptied(&literal)), "{literal:?} in {place}");
                }
            }
        }
    }
    assert!(seen > 50, "{seen}");
}
