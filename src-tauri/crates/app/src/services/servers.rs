//! Servers of the person's own, as models that write or score.

use std::sync::{Arc, Mutex, OnceLock};

use async_trait::async_trait;
use pmpo_core::device::Device;
use pmpo_core::message;
use pmpo_core::model::LanguageModel;
use pmpo_remote::{
    check, Address, Family, Key, KeyStore, Limits, ModelChoice, Report, Rewriter, Scorer, Server,
    TemplateChoice,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;

use crate::blocking::blocking;
use crate::database::Database;
use crate::error::unexpected;
use crate::locks::held;
use crate::models::{ModelRef, Remote};
use crate::wire::{ModelInfo, ServerTyped, ServerView};
use crate::{fault, AppError};

/// Where servers are kept, without their keys.
const KEPT: &str = "servers";

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
struct List {
    known: Vec<Kept>,
    /// Entries that this version cannot read: they stay as they are.
    others: Vec<Value>,
    /// The highest number that was ever given.
    highest: u32,
    /// What another version keeps beside the list.
    rest: Map<String, Value>,
}

impl List {
    fn read(stored: Option<Value>) -> Self {
        // Earlier versions kept the list alone.
        let (list, rest) = match stored {
            Some(Value::Object(mut kept)) => (kept.remove("servers"), kept),
            other => (other, Map::new()),
        };
        let highest = rest.get("highest").and_then(Value::as_u64).unwrap_or(0);
        let mut out = Self {
            highest: u32::try_from(highest).unwrap_or(0),
            rest,
            ..Self::default()
        };
        if let Some(other) = list.as_ref().filter(|list| !list.is_array()) {
            // No list: it stays where it is, under a name that no version reads.
            out.rest
                .insert("servers_of_another_version".to_owned(), other.clone());
        }
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
        let mut out = self.rest.clone();
        out.insert("servers".to_owned(), servers.into());
        out.insert("highest".to_owned(), self.highest.into());
        Ok(Value::Object(out))
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

/// The system's keyring, once it was asked for.
#[derive(Clone, Default)]
struct Keys(Arc<OnceLock<Box<dyn KeyStore>>>);

impl Keys {
    fn get(&self) -> &dyn KeyStore {
        self.0.get_or_init(pmpo_remote::system_keys).as_ref()
    }
}

/// The servers that were checked, their keys, and the check that is going on.
pub(crate) struct Servers {
    database: Arc<Database>,
    keys: Keys,
    checking: Mutex<CancellationToken>,
    /// Held from reading the list to writing it, so that no entry is lost.
    list: Mutex<()>,
}

impl Servers {
    pub(crate) fn new(database: Arc<Database>) -> Self {
        Self {
            database,
            keys: Keys::default(),
            checking: Mutex::default(),
            list: Mutex::default(),
        }
    }

    fn list(&self) -> Result<List, AppError> {
        Ok(List::read(self.database.read()?.preference(KEPT)?))
    }

    fn keep(&self, list: &List) -> Result<(), AppError> {
        let value = list.written().map_err(unexpected)?;
        Ok(self.database.write().set_preference(KEPT, &value)?)
    }

    fn keys(&self) -> &dyn KeyStore {
        self.keys.get()
    }

    /// Servers that were checked. May wait for the keyring.
    pub(crate) fn all(&self) -> Result<Vec<ServerView>, AppError> {
        let kept = self.list()?;
        let known = kept.known.iter().map(|server| self.server_view(server));
        let others = kept.others.iter().filter(|other| number_of(other) > 0);
        let others = others.map(|other| Ok(self.view_of_other(other)));
        known.chain(others).collect()
    }

    fn server_view(&self, kept: &Kept) -> Result<ServerView, AppError> {
        let report = &kept.report;
        let address = Address::parse(&report.server)?;
        Ok(ServerView {
            path: ModelRef::Server(kept.number).to_string(),
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
            path: ModelRef::Server(number_of(entry)).to_string(),
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
    ///
    /// # Errors
    ///
    /// The code `server`, and those of the store.
    pub(crate) async fn check(
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
        let servers = self.clone();
        blocking(move || {
            if let Some(key) = new_key {
                servers.keys().set(&address, &key)?;
            }
            let _list = held(&servers.list);
            let mut list = servers.list()?;
            let same = |one: &Kept| {
                (&one.report.server, &one.report.model) == (&report.server, &report.model)
            };
            let number = match list.known.iter().position(same) {
                Some(at) => list.known.remove(at).number,
                None => list.take_number(&report),
            };
            let new = Kept {
                number,
                report,
                stored: Value::Null,
            };
            list.known.push(new.clone());
            servers.keep(&list)?;
            servers.server_view(&new)
        })
        .await
    }

    /// Ends the check of a server that is going on, if any.
    pub(crate) fn cancel_check(&self) {
        held(&self.checking).cancel();
    }

    /// Forgets a server, and its key where no other entry has its address.
    pub(crate) fn remove(&self, number: u32) -> Result<(), AppError> {
        let _list = held(&self.list);
        let mut list = self.list()?;
        let gone = match list.known.iter().position(|one| one.number == number) {
            Some(at) => list.known.remove(at).report.server,
            None => {
                let is_it = |other: &Value| number_of(other) == number;
                let Some(at) = list.others.iter().position(is_it) else {
                    return Ok(());
                };
                server_of(&list.others.remove(at)).to_owned()
            }
        };
        self.keep(&list)?;
        self.forget_key(&list, &gone)
    }

    /// Forgets an address's key where no other entry has that address.
    fn forget_key(&self, list: &List, server: &str) -> Result<(), AppError> {
        let known = list.known.iter().map(|one| one.report.server.as_str());
        if known
            .chain(list.others.iter().map(server_of))
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
        let servers = self.clone();
        blocking(move || Ok(servers.keys().get(&address)?)).await
    }

    fn known(&self, number: u32) -> Result<Kept, AppError> {
        let mut known = self.list()?.known.into_iter();
        known
            .find(|one| one.number == number)
            .ok_or_else(|| fault!("server.gone"))
    }

    /// What is known of a server as a project's model.
    pub(crate) fn info(&self, number: u32) -> Result<ModelInfo, AppError> {
        let report = self.known(number)?.report;
        let problem = (!report.can_score())
            .then(|| fault!("server.only_writes", why = report.why_no_scores()));
        Ok(ModelInfo {
            path: ModelRef::Server(number).to_string(),
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

#[async_trait]
impl Remote for Servers {
    async fn model(&self, number: u32, scores: bool) -> Result<Arc<dyn LanguageModel>, AppError> {
        let report = self.known(number)?.report;
        let address = Address::parse(&report.server)?;
        let (keys, of) = (self.keys.clone(), address.clone());
        // A keyring that is locked asks the person.
        let key = blocking(move || Ok(keys.get().get(&of)?)).await?;
        let server = Server::new(address, key, Limits::default())?;
        Ok(match scores {
            true => Arc::new(Scorer::new(server, &report)?),
            false => Arc::new(Rewriter::new(server, &report)?),
        })
    }

    fn knows(&self, number: u32) -> bool {
        self.list().is_ok_and(|list| {
            let others = list.others.iter().map(number_of);
            let known = list.known.iter().map(|one| one.number);
            known.chain(others).any(|one| one == number)
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
        let mut servers = List::read(Some(list));
        assert_eq!((servers.known.len(), servers.others.len()), (1, 1));
        let written = servers.written().unwrap();
        assert_eq!(written["servers"][1], newer);
        assert_eq!(written["servers"][0]["report"]["later"], 5);
        assert_eq!(number_of(&servers.others[0]), 3);
        assert_eq!(server_of(&servers.others[0]), "http://b:1");

        let fresh: Report = serde_json::from_value(report("http://c:1")).unwrap();
        assert_eq!(servers.take_number(&fresh), 4);
        servers.known.clear();
        let mut servers = List::read(Some(servers.written().unwrap()));
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
            let servers = List::read(odd.clone());
            assert!(servers.known.is_empty(), "{odd:?}");
            for other in &servers.others {
                assert_eq!((number_of(other), server_of(other)), (0, ""));
            }
            servers.written().unwrap();
        }
    }
}
