//! Servers of the person's own, as models that write or score. A server is named like
//! a model's file: `server:` and its number.

use std::sync::Arc;

use pmpo_core::device::Device;
use pmpo_core::message;
use pmpo_core::model::LanguageModel;
use pmpo_remote::{
    check, Address, Family, Key, KeyStore, Limits, ModelChoice, Report, Rewriter, Scorer, Server,
    TemplateChoice,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::{held, Studio};
use crate::error::unexpected;
use crate::wire::{ModelInfo, ServerTyped, ServerView};
use crate::{fault, AppError};

/// Where servers are kept, without their keys.
const KEPT: &str = "servers";
const PREFIX: &str = "server:";

/// A server as it is kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Kept {
    number: u32,
    report: Report,
    /// As it was stored; empty where it is new.
    #[serde(skip)]
    stored: Value,
}

/// All servers that were checked, also by another version of the program.
#[derive(Default)]
struct Servers {
    known: Vec<Kept>,
    /// Entries that this version cannot read: they stay as they are.
    others: Vec<Value>,
    /// The highest number that was ever given.
    highest: u32,
}

impl Servers {
    fn read(stored: Option<Value>) -> Self {
        // Earlier versions kept the list alone.
        let (list, highest) = match stored {
            Some(Value::Object(mut kept)) => {
                let highest = kept.get("highest").and_then(Value::as_u64).unwrap_or(0);
                (kept.remove("servers"), u32::try_from(highest).unwrap_or(0))
            }
            other => (other, 0),
        };
        let mut out = Self {
            highest,
            ..Self::default()
        };
        let Some(Value::Array(list)) = list else {
            return out;
        };
        for entry in list {
            out.highest = out.highest.max(number_of(&entry));
            match Kept::deserialize(&entry) {
                Ok(kept) => out.known.push(Kept {
                    stored: entry,
                    ..kept
                }),
                Err(_) => out.others.push(entry),
            }
        }
        out
    }

    fn written(&self) -> serde_json::Result<Value> {
        // Fields that this version does not know stay.
        let known = self
            .known
            .iter()
            .map(|one| crate::stored::write(one, one, &one.stored, &[], &["report"]));
        let mut servers = known.collect::<Result<Vec<_>, _>>()?;
        servers.extend(self.others.iter().cloned());
        Ok(serde_json::json!({ "servers": servers, "highest": self.highest }))
    }

    /// The number of a server that was checked anew: its own, where an entry of another
    /// version was of the same server and model, else one that no other server ever had.
    fn take_number(&mut self, report: &Report) -> u32 {
        let same = |other: &Value| {
            let told = &other["report"];
            told["server"] == report.server.as_str() && told["model"] == report.model.as_str()
        };
        if let Some(at) = self.others.iter().position(same) {
            return number_of(&self.others.remove(at));
        }
        self.highest += 1;
        self.highest
    }
}

fn number_of(entry: &Value) -> u32 {
    let number = entry["number"].as_u64();
    number.map_or(0, |number| u32::try_from(number).unwrap_or(0))
}

fn server_of(entry: &Value) -> &str {
    entry["report"]["server"].as_str().unwrap_or_default()
}

/// Whether a model's path stands for a server.
pub(super) fn is_server(path: &str) -> bool {
    path.starts_with(PREFIX)
}

impl Studio {
    fn kept_servers(&self) -> Result<Servers, AppError> {
        Ok(Servers::read(self.store().preference(KEPT)?))
    }

    fn keep_servers(&self, servers: &Servers) -> Result<(), AppError> {
        let value = servers.written().map_err(unexpected)?;
        Ok(self.store().set_preference(KEPT, &value)?)
    }

    fn keys(&self) -> &dyn KeyStore {
        self.keys.get_or_init(pmpo_remote::system_keys).as_ref()
    }

    /// Servers that were checked. May wait for the keyring.
    pub fn servers(&self) -> Result<Vec<ServerView>, AppError> {
        let kept = self.kept_servers()?;
        let known = kept.known.iter().map(|server| self.server_view(server));
        let others = kept.others.iter().filter(|other| number_of(other) > 0);
        let others = others.map(|other| Ok(self.view_of_other(other)));
        known.chain(others).collect()
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
            found: report.messages(),
            in_clear: address.sends_in_clear(),
            has_key: self.keys().get(&address).is_ok_and(|key| key.is_some()),
            keys_last: self.keys().lasts(),
            address: address.to_string(),
        })
    }

    /// A server that another version of the program checked.
    fn view_of_other(&self, entry: &Value) -> ServerView {
        let address = Address::parse(server_of(entry)).ok();
        let has_key = |address: &Address| self.keys().get(address).is_ok_and(|key| key.is_some());
        ServerView {
            path: format!("{PREFIX}{}", number_of(entry)),
            address: server_of(entry).to_owned(),
            model: entry["report"]["model"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
            writes: false,
            scores: false,
            why_no_scores: String::new(),
            found: vec![message!("report.other_version")],
            in_clear: address.as_ref().is_some_and(Address::sends_in_clear),
            has_key: address.as_ref().is_some_and(has_key),
            keys_last: self.keys().lasts(),
        }
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
            let number = match kept.known.iter().position(same) {
                Some(at) => kept.known.remove(at).number,
                None => kept.take_number(&report),
            };
            let new = Kept {
                number,
                report,
                stored: Value::Null,
            };
            kept.known.push(new.clone());
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
            .known
            .iter()
            .position(|one| format!("{PREFIX}{}", one.number) == path);
        let Some(gone) = gone.map(|at| kept.known.remove(at)) else {
            let is_it = |other: &Value| format!("{PREFIX}{}", number_of(other)) == path;
            let Some(at) = kept.others.iter().position(is_it) else {
                return Ok(());
            };
            let gone = kept.others.remove(at);
            self.keep_servers(&kept)?;
            return self.forget_key(&kept, server_of(&gone));
        };
        self.keep_servers(&kept)?;
        self.forget_key(&kept, &gone.report.server)
    }

    /// Forgets an address's key where no other entry has that address.
    fn forget_key(&self, kept: &Servers, server: &str) -> Result<(), AppError> {
        let known = kept.known.iter().map(|one| one.report.server.as_str());
        if known
            .chain(kept.others.iter().map(server_of))
            .any(|one| one == server)
        {
            return Ok(());
        }
        // An address that cannot be read has no key.
        match Address::parse(server) {
            Ok(address) => Ok(self.keys().remove(&address)?),
            Err(_) => Ok(()),
        }
    }

    async fn key_of(self: &Arc<Self>, address: Address) -> Result<Option<Key>, AppError> {
        let studio = self.clone();
        blocking(move || Ok(studio.keys().get(&address)?)).await
    }

    fn kept_server(&self, path: &str) -> Result<Kept, AppError> {
        let kept = self.kept_servers()?.known.into_iter();
        let mut kept = kept.filter(|one| format!("{PREFIX}{}", one.number) == path);
        kept.next().ok_or_else(|| fault!("server.gone"))
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
        let problem = (!report.can_score())
            .then(|| fault!("server.only_writes", why = report.why_no_scores()));
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
    known
        .map(TemplateChoice::Named)
        .ok_or_else(|| fault!("server.no_family", name = name))
}

/// Work that may wait for the keyring.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, AppError> + Send + 'static,
) -> Result<T, AppError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(unexpected)?
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // A test may stop at the first surprise.
mod tests {
    use serde_json::json;

    use super::*;

    fn report(server: &str) -> Value {
        json!({
            "server": server, "model": "m", "window": 9, "parameters": null, "chat": true,
            "completions": false, "streams": false, "counter": null, "template": null,
            "chat_scoring": { "impossible": { "why": "x" } },
            "text_scoring": { "impossible": { "why": "x" } }, "missing": [],
        })
    }

    fn entry(number: u32, server: &str) -> Value {
        json!({ "number": number, "report": report(server) })
    }

    #[test]
    fn servers_of_another_version_stay_and_numbers_are_never_given_twice() {
        let newer = json!({
            "number": 3,
            "report": { "server": "http://b:1", "model": "m", "chat_scoring": "quantum" },
        });
        // The list alone, as earlier versions kept it.
        let mut readable = entry(1, "http://a:1");
        readable["report"]["later"] = json!(5);
        let list = json!([readable, newer]);
        let mut servers = Servers::read(Some(list));
        assert_eq!((servers.known.len(), servers.others.len()), (1, 1));
        let written = servers.written().unwrap();
        assert_eq!(written["servers"][1], newer);
        assert_eq!(written["servers"][0]["report"]["later"], 5);
        assert_eq!(number_of(&servers.others[0]), 3);
        assert_eq!(server_of(&servers.others[0]), "http://b:1");

        let fresh: Report = serde_json::from_value(report("http://c:1")).unwrap();
        assert_eq!(servers.take_number(&fresh), 4);
        servers.known.clear();
        let mut servers = Servers::read(Some(servers.written().unwrap()));
        // Number 4 was given and is gone; what stands for it must not come back as another.
        assert_eq!(servers.take_number(&fresh), 5);
        // The same server checked anew keeps its number.
        let again: Report = serde_json::from_value(report("http://b:1")).unwrap();
        assert_eq!(servers.take_number(&again), 3);
        assert_eq!(servers.others.len(), 0);
    }

    #[test]
    fn nothing_odd_ends_the_program() {
        for odd in [
            None,
            Some(json!(null)),
            Some(json!("text")),
            Some(json!([7, null, { "number": -1 }])),
            Some(json!({ "servers": 3, "highest": "many" })),
        ] {
            let servers = Servers::read(odd.clone());
            assert!(servers.known.is_empty(), "{odd:?}");
            for other in &servers.others {
                assert_eq!((number_of(other), server_of(other)), (0, ""));
            }
            servers.written().unwrap();
        }
    }
}
