//! Models that are known to work, to choose from.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::{Format, RepoId};

/// A model of the catalogue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(rename = "CatalogueEntry")]
pub struct Entry {
    /// Its name for programs, which stays.
    pub id: String,
    /// Its name for people.
    pub name: String,
    /// Architecture, as in GGUF files: `llama`, `qwen3`.
    pub family: String,
    /// What it was trained for.
    pub kind: Kind,
    /// Weights.
    pub parameters: u64,
    /// Under what terms.
    pub licence: Licence,
    /// Languages that it is good at, as two letters each.
    pub languages: Vec<String>,
    /// A sentence on what it is good for.
    pub good_for: Texts,
    /// Where it is on the hub.
    pub repo: RepoId,
    /// What of it is needed; the weights' first file is the first.
    pub files: Vec<String>,
    /// How the weights are stored.
    pub format: Format,
    /// How they are rounded: `Q4_K_M`.
    pub quantisation: String,
    /// Size of all files in bytes, roughly; the hub tells it exactly.
    pub bytes: u64,
    /// What its memory is reckoned from.
    pub shape: Shape,
}

/// What a model was trained for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(rename = "ModelKind")]
pub enum Kind {
    /// To follow instructions.
    Instruct,
    /// To continue texts.
    Base,
}

/// Terms of a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(rename = "ModelLicence")]
pub struct Licence {
    /// Its name.
    pub name: String,
    /// Where it can be read.
    pub address: String,
    /// Whether it must be accepted on the hub before files are given.
    pub gated: bool,
}

/// A sentence in the program's languages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(rename = "TwoLanguages")]
pub struct Texts {
    /// English.
    pub en: String,
    /// German.
    pub de: String,
}

/// Sizes of a dense decoder, in elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(rename = "ModelShape")]
pub struct Shape {
    /// Decoder layers.
    pub layers: u64,
    /// Width of the residual stream.
    pub hidden: u64,
    /// Width inside the feed-forward block.
    pub feed_forward: u64,
    /// Query heads.
    pub heads: u64,
    /// Key heads, as many as value heads.
    pub kv_heads: u64,
    /// Width of one head.
    pub head_size: u64,
    /// Tokens.
    pub vocabulary: u64,
    /// Whether the embedding serves as output layer.
    pub tied: bool,
    /// Longest sequence in tokens.
    pub window: u64,
}

impl Shape {
    /// Width of all query heads.
    pub(crate) fn queries(&self) -> u64 {
        self.heads * self.head_size
    }

    /// Width of all key heads.
    pub(crate) fn keys(&self) -> u64 {
        self.kv_heads * self.head_size
    }

    /// Weights of the embedding.
    pub(crate) fn embedding(&self) -> u64 {
        self.vocabulary * self.hidden
    }

    /// Weights in all: embedding, output layer where it is one of its own, and in
    /// each layer the four matrices of attention, the three of the feed-forward
    /// block, and two norms.
    pub fn parameters(&self) -> u64 {
        let attention = 2 * self.hidden * (self.queries() + self.keys());
        let layer = attention + 3 * self.hidden * self.feed_forward + 2 * self.hidden;
        let tables = if self.tied { 1 } else { 2 };
        tables * self.embedding() + self.layers * layer + self.hidden
    }
}

static CATALOGUE: LazyLock<Vec<Entry>> = LazyLock::new(|| {
    // A test reads it too, so it can be read.
    serde_json::from_str(include_str!("../catalogue.json")).unwrap_or_default()
});

/// All models of the catalogue, from the smallest to the largest.
pub fn catalogue() -> &'static [Entry] {
    &CATALOGUE
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // A test may stop at the first surprise.
mod tests {
    use std::collections::HashSet;

    use super::*;

    /// Families that mistral.rs 0.8.1 loads: `GGUFArchitecture` with a model in
    /// `pipeline/gguf.rs`, `NormalLoaderType`.
    const GGUF: [&str; 8] = [
        "llama",
        "mistral3",
        "phi2",
        "phi3",
        "starcoder2",
        "qwen2",
        "qwen3",
        "qwen3moe",
    ];
    const SAFETENSORS: [&str; 8] = [
        "llama", "mistral", "gemma", "gemma2", "phi3", "qwen2", "qwen3", "smollm3",
    ];
    const LICENCES: [&str; 5] = [
        "Apache-2.0",
        "MIT",
        "Llama 3.1 Community License",
        "Llama 3.2 Community License",
        "Gemma Terms of Use",
    ];

    /// Bits of a weight on average, over files of different make-up.
    fn bits(quantisation: &str) -> std::ops::Range<f64> {
        match quantisation {
            "Q8_0" => 8.5..8.8,
            // Norms and some matrices have more; small models have more of these.
            "Q4_K_M" => 4.8..5.4,
            "BF16" => 16.0..16.2,
            other => panic!("{other}"),
        }
    }

    #[test]
    fn the_catalogue_can_be_read_and_names_each_model_once() {
        let read: Vec<Entry> = serde_json::from_str(include_str!("../catalogue.json")).unwrap();
        assert_eq!(read, catalogue());
        assert!(read.len() >= 10);
        let ids: HashSet<_> = read.iter().map(|entry| &entry.id).collect();
        let files: HashSet<_> = read
            .iter()
            .map(|entry| (&entry.repo, &entry.files))
            .collect();
        assert_eq!((ids.len(), files.len()), (read.len(), read.len()));
        assert!(read.is_sorted_by_key(|entry| entry.parameters));
        for kind in [Kind::Instruct, Kind::Base] {
            assert!(read.iter().filter(|entry| entry.kind == kind).count() >= 3);
        }
        // From 0.1 to 14 billion weights, as they are called.
        assert!(read[0].parameters < 200_000_000);
        assert!((13e9..15e9).contains(&(read[read.len() - 1].parameters as f64)));
    }

    #[test]
    fn sizes_agree_with_each_other() {
        for entry in catalogue() {
            let Shape {
                layers,
                hidden,
                feed_forward,
                heads,
                kv_heads,
                head_size,
                vocabulary,
                window,
                ..
            } = entry.shape;
            let sizes = [
                layers,
                hidden,
                feed_forward,
                heads,
                kv_heads,
                head_size,
                vocabulary,
                window,
            ];
            assert!(sizes.iter().all(|size| *size > 0), "{}", entry.id);
            assert!(
                heads % kv_heads == 0 && feed_forward > hidden,
                "{}",
                entry.id
            );
            let reckoned = entry.shape.parameters() as f64 / entry.parameters as f64;
            assert!((0.95..1.05).contains(&reckoned), "{}: {reckoned}", entry.id);
            let per_weight = entry.bytes as f64 * 8.0 / entry.parameters as f64;
            let expected = bits(&entry.quantisation);
            assert!(expected.contains(&per_weight), "{}: {per_weight}", entry.id);
        }
    }

    #[test]
    fn every_model_can_be_loaded_and_is_described() {
        for entry in catalogue() {
            let (families, ending) = match entry.format {
                Format::Gguf => (&GGUF, ".gguf"),
                Format::Safetensors => (&SAFETENSORS, ".safetensors"),
            };
            assert!(families.contains(&&*entry.family), "{}", entry.id);
            assert!(entry.files[0].ends_with(ending), "{}", entry.id);
            match entry.format {
                Format::Gguf => {
                    assert!(entry.files.iter().all(|file| file.ends_with(".gguf")));
                }
                Format::Safetensors => {
                    for needed in ["config.json", "tokenizer.json"] {
                        assert!(
                            entry.files.iter().any(|file| file == needed),
                            "{}",
                            entry.id
                        );
                    }
                }
            }
            for file in &entry.files {
                assert!(crate::names::check_file(file).is_ok(), "{file}");
            }
            assert!(LICENCES.contains(&&*entry.licence.name), "{}", entry.id);
            assert!(entry.licence.address.starts_with("https://"));
            assert!(entry.languages.iter().any(|language| language == "en"));
            assert!(entry.languages.iter().all(|language| language.len() == 2));
            let Texts { en, de } = &entry.good_for;
            for text in [en, de, &entry.name] {
                assert!(text.len() > 4 && text.trim() == text, "{}", entry.id);
            }
            assert!(
                en != de && en.ends_with('.') && de.ends_with('.'),
                "{}",
                entry.id
            );
            assert_eq!(entry.name.contains("(base)"), entry.kind == Kind::Base);
        }
    }
}
