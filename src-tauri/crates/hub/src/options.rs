//! Where the hub is, who asks, and where models are kept: from the same
//! variables and files as Hugging Face's own programs.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use hf_hub::Cache;

use crate::{HubError, Retries};

const ENDPOINT: &str = "https://huggingface.co";

/// An access token, which is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// # Errors
    /// [`HubError::BadToken`] where it is empty or cannot be sent.
    pub fn new(text: &str) -> Result<Self, HubError> {
        let text = text.trim();
        match !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic()) {
            true => Ok(Self(text.to_owned())),
            false => Err(HubError::BadToken),
        }
    }

    /// The token itself, to be sent to the hub and nowhere else.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Token(hidden)")
    }
}

/// How the hub is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HubOptions {
    /// Address of the hub or of a mirror.
    pub endpoint: String,
    /// Who asks; nobody in particular where there is none.
    pub token: Option<Token>,
    /// Folder of the cache, shared with other programs.
    pub cache: PathBuf,
    /// Without a byte for so long, a connection is given up.
    pub stall: Duration,
    /// How often is tried again, and after how long.
    pub retries: Retries,
    /// How often it is looked whether another program is done with a file.
    pub poll: Duration,
    /// Disk space that a download leaves free, in bytes.
    pub reserve: u64,
}

impl HubOptions {
    /// The hub of Hugging Face, nobody in particular, and models in `cache`.
    pub fn new(cache: impl Into<PathBuf>) -> Self {
        Self {
            endpoint: ENDPOINT.to_owned(),
            token: None,
            cache: cache.into(),
            stall: Duration::from_secs(30),
            retries: Retries::default(),
            poll: Duration::from_millis(500),
            reserve: 512 << 20,
        }
    }

    /// What the environment says: `HF_ENDPOINT`; `HF_TOKEN`, or the token file
    /// (`HF_TOKEN_PATH`, else `token` in `HF_HOME`); `HF_HUB_CACHE`, else `hub` in
    /// `HF_HOME`, which is `huggingface` in `XDG_CACHE_HOME` or `~/.cache`.
    ///
    /// # Errors
    /// [`HubError::NoHome`], [`HubError::BadToken`].
    pub fn from_env() -> Result<Self, HubError> {
        Self::from_vars(|name| std::env::var_os(name), std::env::home_dir())
    }

    fn from_vars(
        var: impl Fn(&str) -> Option<std::ffi::OsString>,
        home: Option<PathBuf>,
    ) -> Result<Self, HubError> {
        let var = |name| var(name).filter(|value| !value.is_empty());
        let path = |name| var(name).map(PathBuf::from);
        let text = |name| var(name).map(|value| value.to_string_lossy().into_owned());
        let caches = || path("XDG_CACHE_HOME").or_else(|| Some(home?.join(".cache")));
        let hf_home = path("HF_HOME").or_else(|| Some(caches()?.join("huggingface")));
        let own = hf_home.map(|folder| folder.join("hub"));
        let file = match path("HF_TOKEN_PATH") {
            Some(file) => std::fs::read_to_string(file).ok(),
            // The token's file is beside the folder that `HF_HOME` has for models.
            None => own.clone().and_then(|hub| Cache::new(hub).token()),
        };
        let token = text("HF_TOKEN").or(file);
        let token = token.filter(|token| !token.trim().is_empty());
        let cache = path("HF_HUB_CACHE").or(own).ok_or(HubError::NoHome)?;
        let mut options = Self::new(cache);
        options.token = token.map(|token| Token::new(&token)).transpose()?;
        if let Some(endpoint) = text("HF_ENDPOINT") {
            options.endpoint = endpoint;
        }
        Ok(options)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // A test may stop at the first surprise.
mod tests {
    use super::*;

    fn options(vars: &[(&str, &str)]) -> Result<HubOptions, HubError> {
        let find = |name: &str| vars.iter().find(|(other, _)| *other == name);
        HubOptions::from_vars(
            |name| find(name).map(|(_, value)| value.into()),
            Some(PathBuf::from("/home/ada")),
        )
    }

    #[test]
    fn folders_are_those_of_other_programs() {
        let cache = |vars: &[(&str, &str)]| options(vars).unwrap().cache;
        let path = |text: &str| PathBuf::from(text);
        assert_eq!(cache(&[]), path("/home/ada/.cache/huggingface/hub"));
        assert_eq!(
            cache(&[("XDG_CACHE_HOME", "/c")]),
            path("/c/huggingface/hub")
        );
        assert_eq!(
            cache(&[("HF_HOME", "/h"), ("XDG_CACHE_HOME", "/c")]),
            path("/h/hub")
        );
        assert_eq!(
            cache(&[("HF_HUB_CACHE", "/m"), ("HF_HOME", "/h")]),
            path("/m")
        );
        assert_eq!(
            cache(&[("HF_HOME", "")]),
            path("/home/ada/.cache/huggingface/hub")
        );
        let nowhere = HubOptions::from_vars(|_| None, None);
        assert_eq!(nowhere.unwrap_err(), HubError::NoHome);
    }

    #[test]
    fn the_token_is_found_and_never_shown() {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().to_str().unwrap();
        std::fs::write(folder.path().join("token"), "hf_fromfile\n").unwrap();
        let token = |vars: &[(&str, &str)]| options(vars).unwrap().token;
        let hidden = |text: &str| Some(Token::new(text).unwrap());
        assert_eq!(token(&[("HF_HOME", home)]), hidden("hf_fromfile"));
        // Models elsewhere do not move the token.
        assert_eq!(
            token(&[("HF_HOME", home), ("HF_HUB_CACHE", "/m")]),
            hidden("hf_fromfile")
        );
        assert_eq!(
            token(&[("HF_HOME", home), ("HF_TOKEN", " hf_own ")]),
            hidden("hf_own")
        );
        let file = folder.path().join("token");
        assert_eq!(
            token(&[("HF_TOKEN_PATH", file.to_str().unwrap())]),
            hidden("hf_fromfile")
        );
        assert_eq!(token(&[("HF_TOKEN", "")]), None);
        assert_eq!(
            options(&[("HF_TOKEN", "hf_\u{e4}")]).unwrap_err(),
            HubError::BadToken
        );
        let shown = format!("{:?}", options(&[("HF_TOKEN", "hf_secret")]).unwrap());
        assert!(!shown.contains("secret"), "{shown}");
    }

    #[test]
    fn a_mirror_can_be_named() {
        let endpoint = |vars: &[(&str, &str)]| options(vars).unwrap().endpoint;
        assert_eq!(endpoint(&[]), "https://huggingface.co");
        assert_eq!(endpoint(&[("HF_ENDPOINT", "http://m:1/x")]), "http://m:1/x");
    }
}
