//! The samples that come with the program.

#![allow(clippy::unwrap_used)] // A test may stop at the first surprise.

use pmpo_app::data::{Choice, Import};
use pmpo_app::{sample, SAMPLES};

#[test]
fn samples_are_whole_and_varied() {
    let folder = tempfile::tempdir().unwrap();
    for name in SAMPLES {
        let sample = sample(name, folder.path()).unwrap();
        let chosen = Choice {
            columns: sample.columns,
            ..Choice::default()
        };
        let import = Import::read(&sample.data, &chosen).unwrap();
        let examples = import.examples().unwrap();
        assert!((80..=200).contains(&examples.len()), "{name}");
        let findings = &import.checked.findings;
        assert!(findings.is_empty(), "{name}: {findings:?}");
        // The guess alone finds the same columns.
        let guessed = Import::read(&sample.data, &Choice::default()).unwrap();
        assert_eq!(guessed.mapping, import.mapping, "{name}");
        let trigrams = |text: &str| -> std::collections::HashSet<String> {
            let words: Vec<String> = text.split_whitespace().map(str::to_lowercase).collect();
            words.windows(3).map(|three| three.join(" ")).collect()
        };
        let all: Vec<_> = examples.iter().map(|e| trigrams(&e.input)).collect();
        for (at, one) in all.iter().enumerate() {
            for other in &all[..at] {
                let shared = one.intersection(other).count();
                let most = one.len().min(other.len()).max(1);
                assert!(
                    shared * 100 < 40 * most,
                    "{name}: row {} repeats another",
                    at + 1
                );
            }
        }
    }
}
