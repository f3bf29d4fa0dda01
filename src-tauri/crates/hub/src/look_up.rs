//! What a repository on the hub holds, and what of it makes a model.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::names::{check_file, is_hex};
use crate::RepoId;

/// What a repository holds at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct RepoFiles {
    /// The repository.
    pub repo: RepoId,
    /// That moment: a commit.
    pub commit: String,
    /// Whether terms must be accepted before files are given.
    pub gated: bool,
    /// Its licence, as the hub's short name, where one is stated.
    pub licence: Option<String>,
    /// Family of its GGUF files (`llama`, `qwen3`), where the hub tells.
    pub family: Option<String>,
    /// Parameters of its GGUF files, where the hub tells.
    pub parameters: Option<u64>,
    /// All files by name.
    pub files: Vec<RepoFile>,
}

/// A file on the hub.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct RepoFile {
    /// Name with its folders.
    pub name: String,
    /// Size in bytes.
    pub bytes: u64,
    /// The content's name in the cache: its SHA-256 (64 digits), or a small file's
    /// git object (40).
    #[serde(skip)]
    pub(crate) etag: String,
}

/// How a model's weights are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(rename = "ModelFormat")]
pub enum Format {
    /// One file, or several, with everything in it.
    Gguf,
    /// Weights, settings and tokeniser in files of their own.
    Safetensors,
}

/// Files that make one model together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
#[ts(rename = "ModelChoice")]
pub struct Choice {
    /// The file's name without its ending, and without its number.
    pub name: String,
    /// How the weights are stored.
    pub format: Format,
    /// How they are rounded (`Q4_K_M`), where the name tells.
    pub quantisation: Option<String>,
    /// All that is needed, in order; the weights' first file is the first.
    pub files: Vec<String>,
    /// Their size in bytes.
    pub bytes: u64,
}

/// Beside the weights in safetensors: needed, and used where they are there.
const NEEDED: [&str; 2] = ["config.json", "tokenizer.json"];
const USED: [&str; 4] = [
    "tokenizer_config.json",
    "generation_config.json",
    "special_tokens_map.json",
    "chat_template.jinja",
];
const INDEX: &str = "model.safetensors.index.json";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Listed {
    sha: String,
    #[serde(default)]
    siblings: Vec<Sibling>,
    /// `false`, or how access is given.
    #[serde(default)]
    gated: serde_json::Value,
    card_data: Option<Card>,
    gguf: Option<Gguf>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Sibling {
    rfilename: String,
    size: Option<u64>,
    blob_id: Option<String>,
    lfs: Option<Lfs>,
}

#[derive(Deserialize)]
struct Lfs {
    sha256: String,
    size: u64,
}

#[derive(Deserialize)]
struct Card {
    /// A name, or several.
    #[serde(default)]
    license: serde_json::Value,
}

#[derive(Deserialize)]
struct Gguf {
    architecture: Option<String>,
    total: Option<u64>,
}

impl RepoFiles {
    /// Reads the hub's answer; else says what is wrong with it. Files whose names
    /// lead out of their folder are left out.
    pub(crate) fn read(repo: &RepoId, json: &[u8]) -> Result<Self, String> {
        let listed: Listed = serde_json::from_slice(json)
            .map_err(|_| "its list of files cannot be read".to_owned())?;
        // It becomes the name of a folder.
        if !is_hex(&listed.sha, 40) {
            return Err("its list of files names no commit".to_owned());
        }
        let any = !listed.siblings.is_empty();
        let mut files: Vec<RepoFile> = listed.siblings.into_iter().filter_map(file).collect();
        if files.is_empty() && any {
            return Err("its list of files has no sizes or checksums".to_owned());
        }
        files.sort_by(|a, b| a.name.cmp(&b.name));
        let licence = listed.card_data.and_then(|card| match card.license {
            serde_json::Value::String(name) => Some(name),
            _ => None,
        });
        let (family, parameters) = listed
            .gguf
            .map_or((None, None), |gguf| (gguf.architecture, gguf.total));
        Ok(Self {
            repo: repo.clone(),
            commit: listed.sha,
            gated: !matches!(
                listed.gated,
                serde_json::Value::Bool(false) | serde_json::Value::Null
            ),
            licence,
            family,
            parameters,
            files,
        })
    }

    /// The file of this name.
    pub fn file(&self, name: &str) -> Option<&RepoFile> {
        self.files.iter().find(|file| file.name == name)
    }

    /// The models that its files make, smallest first.
    pub fn choices(&self) -> Vec<Choice> {
        let mut choices = self.gguf();
        choices.extend(self.safetensors());
        choices.sort_by(|a, b| (a.bytes, &a.name).cmp(&(b.bytes, &b.name)));
        choices
    }

    fn gguf(&self) -> Vec<Choice> {
        /// Files of one model by number, and how many there are to be.
        type Parts<'a> = (BTreeMap<u32, &'a RepoFile>, u32);
        let mut models: BTreeMap<&str, Parts> = BTreeMap::new();
        for file in &self.files {
            let Some(stem) = file.name.strip_suffix(".gguf") else {
                continue;
            };
            // What turns pictures into tokens is no model by itself.
            if stem.to_ascii_lowercase().contains("mmproj") {
                continue;
            }
            let (name, number, count) = numbered(stem).unwrap_or((stem, 1, 1));
            let parts = models.entry(name).or_insert((BTreeMap::new(), count));
            parts.0.insert(number, file);
        }
        let whole = models
            .into_iter()
            .filter(|(_, (parts, count))| parts.keys().copied().eq(1..=*count));
        whole
            .map(|(name, (parts, _))| Choice {
                name: name.to_owned(),
                format: Format::Gguf,
                quantisation: quantisation(name),
                bytes: parts.values().map(|file| file.bytes).sum(),
                files: parts.values().map(|file| file.name.clone()).collect(),
            })
            .collect()
    }

    fn safetensors(&self) -> Option<Choice> {
        let mut weights: Vec<&RepoFile> = match self.file("model.safetensors") {
            Some(single) => vec![single],
            None => {
                self.file(INDEX)?;
                let number = |file: &RepoFile| {
                    let (name, number, count) = numbered(file.name.strip_suffix(".safetensors")?)?;
                    (name == "model").then_some((number, count))
                };
                let mut parts: Vec<_> = self
                    .files
                    .iter()
                    .filter_map(|file| Some((number(file)?, file)))
                    .collect();
                parts.sort_by_key(|(number, _)| *number);
                let count = parts.first()?.0 .1;
                let whole = parts.iter().map(|(number, _)| number.0).eq(1..=count);
                whole.then(|| parts.into_iter().map(|(_, file)| file).collect())?
            }
        };
        if weights.len() > 1 {
            weights.push(self.file(INDEX)?);
        }
        for name in NEEDED {
            weights.push(self.file(name)?);
        }
        weights.extend(USED.iter().filter_map(|name| self.file(name)));
        let (_, name) = self.repo.as_str().split_once('/')?;
        Some(Choice {
            name: name.to_owned(),
            format: Format::Safetensors,
            quantisation: None,
            bytes: weights.iter().map(|file| file.bytes).sum(),
            files: weights.into_iter().map(|file| file.name.clone()).collect(),
        })
    }
}

fn file(sibling: Sibling) -> Option<RepoFile> {
    check_file(&sibling.rfilename).ok()?;
    let (etag, bytes) = match sibling.lfs {
        Some(lfs) => (lfs.sha256, lfs.size),
        None => (sibling.blob_id?, sibling.size?),
    };
    // It becomes the name of a file.
    (is_hex(&etag, 40) || is_hex(&etag, 64)).then_some(RepoFile {
        name: sibling.rfilename,
        bytes,
        etag,
    })
}

/// `name`, 2 and 3 of `name-00002-of-00003`.
fn numbered(stem: &str) -> Option<(&str, u32, u32)> {
    let (rest, count) = stem.rsplit_once("-of-")?;
    let (name, number) = rest.rsplit_once('-')?;
    let digits = |text: &str| text.len() == 5 && text.bytes().all(|b| b.is_ascii_digit());
    if !digits(number) || !digits(count) {
        return None;
    }
    Some((name, number.parse().ok()?, count.parse().ok()?))
}

/// How weights are rounded, from a file's name: `Q4_K_M` of `x-q4_k_m`.
fn quantisation(name: &str) -> Option<String> {
    const PLAIN: [&str; 4] = ["F16", "FP16", "BF16", "F32"];
    let is_one = |word: &str| {
        let rounded = word.trim_start_matches(['I', 'T']).strip_prefix('Q');
        PLAIN.contains(&word)
            || rounded.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    };
    name.rsplit(['-', '.', '/'])
        .map(str::to_ascii_uppercase)
        .find(|word| is_one(word))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // A test may stop at the first surprise.
mod tests {
    use super::*;

    const SHA: &str = "0123456789abcdef0123456789abcdef01234567";

    fn repo(names: &[(&str, u64)]) -> RepoFiles {
        let siblings: Vec<_> = names
            .iter()
            .map(|(name, size)| serde_json::json!({"rfilename": name, "size": size, "blobId": SHA}))
            .collect();
        let json = serde_json::json!({"sha": SHA, "siblings": siblings}).to_string();
        RepoFiles::read(&RepoId::new("a/b").unwrap(), json.as_bytes()).unwrap()
    }

    fn names(choices: &[Choice]) -> Vec<(&str, Option<&str>, u64, usize)> {
        choices
            .iter()
            .map(|one| {
                let rounded = one.quantisation.as_deref();
                (&*one.name, rounded, one.bytes, one.files.len())
            })
            .collect()
    }

    #[test]
    fn gguf_files_are_choices_and_parts_of_one_are_one() {
        let repo = repo(&[
            ("README.md", 1),
            ("x-Q8_0.gguf", 9),
            ("x.Q4_K_M.gguf", 5),
            ("x-iq3_xs.gguf", 4),
            ("big/x-BF16-00002-of-00002.gguf", 20),
            ("big/x-BF16-00001-of-00002.gguf", 30),
            ("y-00001-of-00003.gguf", 7),
            ("mmproj-x-F16.gguf", 3),
            ("x.gguf", 6),
        ]);
        let choices = repo.choices();
        assert_eq!(
            names(&choices),
            [
                ("x-iq3_xs", Some("IQ3_XS"), 4, 1),
                ("x.Q4_K_M", Some("Q4_K_M"), 5, 1),
                ("x", None, 6, 1),
                ("x-Q8_0", Some("Q8_0"), 9, 1),
                ("big/x-BF16", Some("BF16"), 50, 2),
            ]
        );
        assert_eq!(choices[4].files[0], "big/x-BF16-00001-of-00002.gguf");
    }

    #[test]
    fn safetensors_need_settings_tokeniser_and_every_part() {
        let single = [
            ("config.json", 1),
            ("tokenizer.json", 2),
            ("generation_config.json", 3),
            ("model.safetensors", 100),
            ("onnx/model.onnx", 1000),
        ];
        let choices = repo(&single).choices();
        assert_eq!(names(&choices), [("b", None, 106, 4)]);
        assert_eq!(choices[0].files[0], "model.safetensors");
        assert!(repo(&single[1..]).choices().is_empty());

        let parts = [
            ("config.json", 1),
            ("tokenizer.json", 2),
            ("model.safetensors.index.json", 3),
            ("model-00001-of-00002.safetensors", 100),
            ("model-00002-of-00002.safetensors", 50),
        ];
        assert_eq!(names(&repo(&parts).choices()), [("b", None, 156, 5)]);
        assert!(repo(&parts[..4]).choices().is_empty());
    }

    #[test]
    fn what_the_hub_says_is_read_and_what_is_wrong_is_refused() {
        let id = RepoId::new("a/b").unwrap();
        let sum = "a".repeat(64);
        let json = serde_json::json!({
            "sha": SHA,
            "gated": "manual",
            "cardData": {"license": "gemma"},
            "gguf": {"architecture": "llama", "total": 7},
            "siblings": [
                {"rfilename": "x.gguf", "size": 5, "blobId": SHA, "lfs": {"sha256": sum, "size": 5, "pointerSize": 130}},
                {"rfilename": "../../etc/passwd", "size": 5, "blobId": SHA},
                {"rfilename": "y", "size": 5, "blobId": "../../../evil"},
                {"rfilename": "z", "size": null, "blobId": SHA}
            ]
        });
        let read = |json: &str| RepoFiles::read(&id, json.as_bytes());
        let repo = read(&json.to_string()).unwrap();
        assert!(repo.gated);
        assert_eq!(repo.licence.as_deref(), Some("gemma"));
        assert_eq!(
            (repo.family.as_deref(), repo.parameters),
            (Some("llama"), Some(7))
        );
        assert_eq!(repo.files.len(), 1);
        assert_eq!(repo.files[0].etag, sum);
        assert!(read("<html>").is_err());
        assert!(read(r#"{"sha": "../x"}"#).is_err());
        assert!(read(&format!(
            r#"{{"sha": "{SHA}", "siblings": [{{"rfilename": "x"}}]}}"#
        ))
        .is_err());
        assert!(
            !read(&format!(r#"{{"sha": "{SHA}", "gated": false}}"#))
                .unwrap()
                .gated
        );
    }
}
