//! Names that people type and that the hub sends, checked before they become
//! parts of addresses and of paths.

use std::str::FromStr;

use crate::{HubError, RepoId};

/// Longest name of a repository, in characters: the hub's own bound.
const LONGEST_REPO: usize = 96;
/// Longest name of a file with its folders, in bytes.
const LONGEST_FILE: usize = 512;

impl RepoId {
    /// Reads `owner/name`, or the address of the model's page.
    ///
    /// # Errors
    /// [`HubError::BadName`].
    pub fn new(text: &str) -> Result<Self, HubError> {
        let text = text.trim();
        let bad = |why| HubError::BadName {
            name: text.to_owned(),
            why,
        };
        let path = match text.split_once("://") {
            Some((_, address)) => address
                .split_once('/')
                .and_then(|(_, path)| path_of_repo(path))
                .ok_or_else(|| bad("it is not the page of a model"))?,
            None => text,
        };
        let Some((owner, name)) = path.split_once('/') else {
            return Err(bad(
                "it needs an owner and a name with a slash between them",
            ));
        };
        if name.contains('/') {
            return Err(bad("it has more than one slash"));
        }
        if path.len() > LONGEST_REPO {
            return Err(bad("it is too long"));
        }
        // Two hyphens stand for the slash in the cache.
        if path.contains("..") || path.contains("--") {
            return Err(bad("it has two dots or two hyphens in a row"));
        }
        let is_fine = |part: &str| {
            !part.is_empty()
                && !part.starts_with(['-', '.'])
                && !part.ends_with(['-', '.'])
                && part
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
        };
        match is_fine(owner) && is_fine(name) {
            true => Ok(Self::checked(path)),
            false => Err(bad(
                "owner and name may have letters, digits, hyphens, dots and underscores",
            )),
        }
    }
}

/// `owner/name` out of the path of a page: `owner/name/tree/main` for example.
fn path_of_repo(path: &str) -> Option<&str> {
    let path = path.split(['?', '#']).next()?.trim_end_matches('/');
    let mut slashes = path.match_indices('/').map(|(at, _)| at);
    let (first, second) = (slashes.next()?, slashes.next());
    if ["datasets", "spaces", "api"].contains(&&path[..first]) {
        return None;
    }
    let Some(second) = second else {
        return Some(path);
    };
    let page = path[second + 1..].split('/').next()?;
    ["tree", "blob", "resolve", "discussions", "commits"]
        .contains(&page)
        .then(|| &path[..second])
}

impl FromStr for RepoId {
    type Err = HubError;

    fn from_str(text: &str) -> Result<Self, HubError> {
        Self::new(text)
    }
}

impl TryFrom<String> for RepoId {
    type Error = HubError;

    fn try_from(text: String) -> Result<Self, HubError> {
        Self::new(&text)
    }
}

/// Refuses names of files that would lead out of their folder.
pub(crate) fn check_file(name: &str) -> Result<(), HubError> {
    let bad = |why| HubError::BadName {
        name: name.to_owned(),
        why,
    };
    if name.len() > LONGEST_FILE {
        return Err(bad("it is too long"));
    }
    // A colon names a drive or a hidden stream on Windows.
    if name.contains(['\\', ':']) || name.chars().any(char::is_control) {
        return Err(bad("it has a character that file names here must not have"));
    }
    match name.split('/').any(|part| ["", ".", ".."].contains(&part)) {
        true => Err(bad("it does not stay inside its folder")),
        false => Ok(()),
    }
}

/// Whether `text` is `digits` hexadecimal digits, as in names of blobs and commits.
pub(crate) fn is_hex(text: &str, digits: usize) -> bool {
    text.len() == digits
        && text
            .bytes()
            .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // A test may stop at the first surprise.
mod tests {
    use super::*;

    #[test]
    fn names_and_pages_are_read() {
        for text in [
            "Qwen/Qwen3-0.6B-GGUF",
            "  Qwen/Qwen3-0.6B-GGUF ",
            "https://huggingface.co/Qwen/Qwen3-0.6B-GGUF",
            "https://huggingface.co/Qwen/Qwen3-0.6B-GGUF/",
            "https://huggingface.co/Qwen/Qwen3-0.6B-GGUF/tree/main",
            "https://huggingface.co/Qwen/Qwen3-0.6B-GGUF/blob/main/a/b.gguf?x=1",
        ] {
            assert_eq!(RepoId::new(text).unwrap().as_str(), "Qwen/Qwen3-0.6B-GGUF");
        }
    }

    #[test]
    fn names_that_would_lead_elsewhere_are_refused() {
        for text in [
            "",
            "/",
            "a",
            "a/",
            "/b",
            "a/b/c",
            "../b",
            "a/..",
            "a/b..c",
            "a--b/c",
            "a/.b",
            "a/b.",
            "-a/b",
            "a/b c",
            "a/b\\c",
            "a/b%2f",
            "ä/b",
            "a/b?x",
            "a/b#x",
            "https://h",
            "https://h/a",
            "https://h/datasets/a/b",
            "https://h/a/b/unknown",
        ] {
            assert!(RepoId::new(text).is_err(), "{text}");
        }
        let long = format!("a/{}", "b".repeat(95));
        assert!(RepoId::new(&long).is_err());
        assert!(RepoId::new(&long[..96]).is_ok());
    }

    #[test]
    fn files_stay_inside_their_folder() {
        for name in ["config.json", "a/b/c.gguf", "a b.gguf", "ü.gguf", "..a"] {
            assert!(check_file(name).is_ok(), "{name}");
        }
        for name in [
            "", "/a", "a/", "a//b", ".", "..", "../a", "a/../b", "a/./b", "a\\b", "C:a", "a\0",
            "a\n",
        ] {
            assert!(check_file(name).is_err(), "{name:?}");
        }
    }
}
