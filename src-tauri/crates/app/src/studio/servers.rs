//! Servers of the person's own, as models that write or score. A server is named like
//! a model's file: `server:` and its number.

use std::sync::Arc;

use pmpo_core::device::Device;
use pmpo_core::model::LanguageModel;
use pmpo_remote::{
    check, Address, Family, Key, KeyStore, Limits, ModelChoice, RemoteError, Report, Rewriter,
    Scorer, Server, TemplateChoice,
};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use super::{held, Studio};
use crate::error::unexpected;
use crate::wire::{ModelInfo, ServerTyped, ServerView};
use crate::AppError;

/// Where servers are kept, without their keys.
const KEPT: &str = "servers";
const PREFIX: &str = "server:";

impl From<RemoteError> for AppError {
    fn from(error: RemoteError) -> Self {
        Self::new("server", error.to_string(), error.hint())
    }
}

/// A server as it is kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Kept {
    number: u32,
    report: Report,
}

/// Whether a model's path stands for a server.
pub(super) fn is_server(path: &str) -> bool {
    path.starts_with(PREFIX)
}

impl Studio {
    fn kept_servers(&self) -> Result<Vec<Kept>, AppError> {
        let kept = self.store().preference(KEPT)?;
        // Reports of another version of the program are made anew.
        Ok(kept
            .and_then(|value| serde_json::from_value(value).ok())
            .unwrap_or_default())
    }

    fn keep_servers(&self, servers: &[Kept]) -> Result<(), AppError> {
        let value = serde_json::to_value(servers).map_err(unexpected)?;
        Ok(self.store().set_preference(KEPT, &value)?)
    }

    fn keys(&self) -> &dyn KeyStore {
        self.keys.get_or_init(pmpo_remote::system_keys).as_ref()
    }

    /// Servers that were checked. May wait for the keyring.
    pub fn servers(&self) -> Result<Vec<ServerView>, AppError> {
        let kept = self.kept_servers()?;
        kept.iter().map(|server| self.server_view(server)).collect()
    }

    fn server_view(&self, kept: &Kept) -> Result<ServerView, AppError> {
        let report = &kept.report;
        let address = Address::parse(&report.server)?;
        Ok(ServerView {
            path: format!("{PREFIX}{}", kept.number),
            model: report.model.clone(),
            writes: report.can_write(),
            scores: report.can_score(),
            why_no_scores: report.why_no_scores().to_owned(),
            found: report.in_words(),
            in_clear: address.sends_in_clear(),
            has_key: self.keys().get(&address).is_ok_and(|key| key.is_some()),
            keys_are_kept: self.keys().in_words().to_owned(),
            address: address.to_string(),
        })
    }

    /// Connects to a server, finds out what it can do, and keeps that. Its key goes to
    /// the keyring once the server has taken it.
    pub async fn check_server(
        self: &Arc<Self>,
        typed: ServerTyped,
    ) -> Result<ServerView, AppError> {
        let address = Address::parse(&typed.address)?;
        let new_key = match typed.key.as_deref().map(str::trim) {
            None | Some("") => None,
            Some(key) => Some(Key::new(key)?),
        };
        let key = match &new_key {
            Some(key) => Some(key.clone()),
            None => self.key_of(address.clone()).await?,
        };
        let choice = ModelChoice {
            model: typed.model.filter(|model| !model.trim().is_empty()),
            template: template(typed.template.as_deref())?,
            window: typed.window,
            ..ModelChoice::default()
        };
        let server = Server::new(address.clone(), key, Limits::default())?;
        let cancel = CancellationToken::new();
        *held(&self.checking) = cancel.clone();
        let report = check(&server, &choice, &cancel).await?;
        let studio = self.clone();
        let view = blocking(move || {
            if let Some(key) = new_key {
                studio.keys().set(&address, &key)?;
            }
            let mut kept = studio.kept_servers()?;
            let same = |one: &Kept| {
                (&one.report.server, &one.report.model) == (&report.server, &report.model)
            };
            let number = match kept.iter().position(same) {
                Some(at) => kept.remove(at).number,
                None => 1 + kept.iter().map(|one| one.number).max().unwrap_or(0),
            };
            let new = Kept { number, report };
            kept.push(new.clone());
            studio.keep_servers(&kept)?;
            studio.server_view(&new)
        })
        .await?;
        // One that was made from an earlier report, or with another key, is not used on.
        let mut loaded = self.loaded.lock().await;
        if loaded
            .as_ref()
            .is_some_and(|one| one.path.as_os_str() == view.path.as_str())
        {
            *loaded = None;
        }
        drop(loaded);
        Ok(view)
    }

    /// Ends the check of a server that is going on, if any.
    pub fn cancel_server_check(&self) {
        held(&self.checking).cancel();
    }

    /// Forgets a server, and its key where no other entry has its address.
    pub fn remove_server(&self, path: &str) -> Result<(), AppError> {
        let mut kept = self.kept_servers()?;
        let gone = kept
            .iter()
            .position(|one| format!("{PREFIX}{}", one.number) == path);
        let Some(gone) = gone.map(|at| kept.remove(at)) else {
            return Ok(());
        };
        self.keep_servers(&kept)?;
        if !kept
            .iter()
            .any(|one| one.report.server == gone.report.server)
        {
            self.keys().remove(&Address::parse(&gone.report.server)?)?;
        }
        Ok(())
    }

    async fn key_of(self: &Arc<Self>, address: Address) -> Result<Option<Key>, AppError> {
        let studio = self.clone();
        blocking(move || Ok(studio.keys().get(&address)?)).await
    }

    fn kept_server(&self, path: &str) -> Result<Kept, AppError> {
        let kept = self.kept_servers()?.into_iter();
        let mut kept = kept.filter(|one| format!("{PREFIX}{}", one.number) == path);
        kept.next().ok_or_else(|| {
            AppError::new(
                "server",
                "The server that this project uses is not known any more.",
                "Choose another model, or type its address again.",
            )
        })
    }

    /// A server as a model that scores, or that only writes.
    pub(super) async fn remote_model(
        &self,
        path: &str,
        scores: bool,
    ) -> Result<Arc<dyn LanguageModel>, AppError> {
        let report = self.kept_server(path)?.report;
        let address = Address::parse(&report.server)?;
        // A keyring that is locked asks the person; others wait meanwhile.
        let key = tokio::task::block_in_place(|| self.keys().get(&address))?;
        let server = Server::new(address, key, Limits::default())?;
        Ok(match scores {
            true => Arc::new(Scorer::new(server, &report)?),
            false => Arc::new(Rewriter::new(server, &report)?),
        })
    }

    /// What is known of a server as a project's model.
    pub(super) fn server_info(&self, path: &str) -> Result<ModelInfo, AppError> {
        let report = self.kept_server(path)?.report;
        let problem = (!report.can_score()).then(|| {
            AppError::new(
                "server",
                format!("This server cannot score: {}", report.why_no_scores()),
                "Use it for rewriting, and score with a model on this computer.",
            )
        });
        Ok(ModelInfo {
            path: path.to_owned(),
            name: report.model.clone(),
            built_in: false,
            architecture: String::new(),
            parameters: report.parameters.unwrap_or(0),
            file_bytes: 0,
            context_window: report.window.unwrap_or(0),
            has_chat_template: report.template.is_some(),
            device: Some(Device::server(report.server.clone())),
            devices: Vec::new(),
            exact: false,
            memory_needed: 0,
            memory_free: 0,
            loaded: false,
            problem,
        })
    }
}

fn template(name: Option<&str>) -> Result<TemplateChoice, AppError> {
    let Some(name) = name.filter(|name| !name.is_empty()) else {
        return Ok(TemplateChoice::OfServer);
    };
    if name == "plain" {
        return Ok(TemplateChoice::Plain);
    }
    let known = Family::ALL.into_iter().find(|family| family.name() == name);
    known.map(TemplateChoice::Named).ok_or_else(|| {
        AppError::new(
            "server",
            format!("There is no family of templates called {name:?}."),
            "Choose one from the list.",
        )
    })
}

/// Work that may wait for the keyring.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, AppError> + Send + 'static,
) -> Result<T, AppError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(unexpected)?
}
