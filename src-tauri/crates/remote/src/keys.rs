//! Keys of servers: never in the database, a log or an error.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard};

use keyring::{Entry, Error};
use secrecy::{ExposeSecret, SecretString};

use crate::address::Address;
use crate::error::RemoteError;

/// The name under which the system's keyring shows this program's keys.
const SERVICE: &str = "PMPO Studio";

/// The key of a server. Cannot be shown, and is wiped from memory when dropped.
#[derive(Clone)]
pub struct Key(SecretString);

impl Key {
    /// Reads what a person typed or pasted.
    ///
    /// # Errors
    /// [`RemoteError::NotAKey`] where it could not stand in a request.
    pub fn new(typed: &str) -> Result<Self, RemoteError> {
        let typed = typed.trim();
        if typed.is_empty() || !typed.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(RemoteError::NotAKey);
        }
        Ok(Self(SecretString::from(typed)))
    }

    /// The key itself, for the header of a request and for the keyring.
    pub(crate) fn exposed(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

/// Keeps keys by the address of their server. May wait for the person to unlock
/// the keyring, so it is not for threads that must not wait.
pub trait KeyStore: Send + Sync {
    /// The key of a server, if one was kept.
    fn get(&self, server: &Address) -> Result<Option<Key>, RemoteError>;

    /// Keeps a key, in place of an older one.
    fn set(&self, server: &Address, key: &Key) -> Result<(), RemoteError>;

    /// Forgets a key; one that is not there is forgotten already.
    fn remove(&self, server: &Address) -> Result<(), RemoteError>;

    /// Whether keys are there again when the program starts anew.
    fn lasts(&self) -> bool;
}

/// The system's keyring: Keychain, Credential Manager, or the Secret Service of a
/// Linux desktop.
#[derive(Debug, Default, Clone, Copy)]
pub struct SystemKeys;

impl SystemKeys {
    fn entry(server: &Address) -> Result<Entry, RemoteError> {
        Entry::new(SERVICE, &server.to_string()).map_err(told)
    }
}

/// The system's words. Never an error's own form, which may hold the secret's bytes.
fn told(error: Error) -> RemoteError {
    let why = match error {
        Error::PlatformFailure(why) | Error::NoStorageAccess(why) => why.to_string(),
        Error::BadEncoding(_) => "what is kept there is not a key".to_owned(),
        Error::Ambiguous(_) => "it holds several keys for this server".to_owned(),
        Error::TooLong(..) => "the key or the address is too long for it".to_owned(),
        _ => "it does not take this key".to_owned(),
    };
    RemoteError::Keyring { why }
}

impl KeyStore for SystemKeys {
    fn get(&self, server: &Address) -> Result<Option<Key>, RemoteError> {
        match Self::entry(server)?.get_password() {
            Ok(kept) => Key::new(&kept).map(Some),
            Err(Error::NoEntry) => Ok(None),
            Err(other) => Err(told(other)),
        }
    }

    fn set(&self, server: &Address, key: &Key) -> Result<(), RemoteError> {
        Self::entry(server)?
            .set_password(key.exposed())
            .map_err(told)
    }

    fn remove(&self, server: &Address) -> Result<(), RemoteError> {
        match Self::entry(server)?.delete_credential() {
            Ok(()) | Err(Error::NoEntry) => Ok(()),
            Err(other) => Err(told(other)),
        }
    }

    fn lasts(&self) -> bool {
        true
    }
}

/// Keys in memory, for tests and for computers without a keyring.
#[derive(Debug, Default)]
pub struct MemoryKeys {
    keys: Mutex<HashMap<Address, Key>>,
}

impl MemoryKeys {
    fn keys(&self) -> MutexGuard<'_, HashMap<Address, Key>> {
        match self.keys.lock() {
            Ok(keys) => keys,
            Err(broken) => broken.into_inner(),
        }
    }
}

impl KeyStore for MemoryKeys {
    fn get(&self, server: &Address) -> Result<Option<Key>, RemoteError> {
        Ok(self.keys().get(server).cloned())
    }

    fn set(&self, server: &Address, key: &Key) -> Result<(), RemoteError> {
        self.keys().insert(server.clone(), key.clone());
        Ok(())
    }

    fn remove(&self, server: &Address) -> Result<(), RemoteError> {
        self.keys().remove(server);
        Ok(())
    }

    fn lasts(&self) -> bool {
        false
    }
}

/// The system's keyring where there is one that answers, else memory. The system may
/// ask the person to unlock it.
pub fn system_keys() -> Box<dyn KeyStore> {
    let answers = Entry::new(SERVICE, "is there a keyring?").and_then(|entry| entry.get_password());
    match answers {
        Ok(_) | Err(Error::NoEntry) => Box::new(SystemKeys),
        Err(_) => Box::new(MemoryKeys::default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_never_shown() {
        let key = Key::new(" sk-sesame \n").unwrap();
        assert_eq!(key.exposed(), "sk-sesame");
        let keys = MemoryKeys::default();
        let server = Address::parse("localhost:1").unwrap();
        keys.set(&server, &key).unwrap();
        assert!(!format!("{key:?} {keys:?}").contains("sesame"));
        for bad in ["", "  ", "two words", "schlüssel", "line\nend"] {
            let fault = Key::new(bad).unwrap_err();
            assert_eq!(fault, RemoteError::NotAKey, "{bad:?}");
        }
        let secret = told(Error::BadEncoding(b"sesame".to_vec()));
        assert!(
            !format!("{secret} {secret:?}").contains("115"),
            "{secret:?}"
        );
    }

    #[test]
    fn keys_are_kept_by_server_and_forgotten() {
        let keys = MemoryKeys::default();
        let [one, other] = ["localhost:1", "localhost:2"].map(|at| Address::parse(at).unwrap());
        keys.set(&one, &Key::new("first").unwrap()).unwrap();
        keys.set(&one, &Key::new("second").unwrap()).unwrap();
        let kept = |at| keys.get(at).unwrap().map(|key| key.exposed().to_owned());
        assert_eq!(kept(&one).as_deref(), Some("second"));
        assert_eq!(kept(&other), None);
        keys.remove(&one).unwrap();
        keys.remove(&one).unwrap();
        assert_eq!(kept(&one), None);
    }

    #[test]
    fn a_computer_without_a_keyring_says_so() {
        let keys = system_keys();
        assert!(!keys.lasts() || std::env::var_os("DBUS_SESSION_BUS_ADDRESS").is_some());
        let server = Address::parse("localhost:1").unwrap();
        assert!(keys.get(&server).unwrap().is_none());
    }

    /// Set for the part of a test that has a bus of its own.
    #[cfg(target_os = "linux")]
    const ON_A_BUS: &str = "PMPO_TEST_ON_A_BUS";

    /// The keyring of a desktop, as a person has it: on a bus and with files of its own.
    #[cfg(target_os = "linux")]
    #[test]
    fn the_systems_keyring_keeps_keys() {
        if std::env::var_os(ON_A_BUS).is_some() {
            return on_a_bus();
        }
        let home = tempfile::tempdir().unwrap();
        let here = |name: &str| {
            let path = home.path().join(name);
            std::fs::create_dir(&path).unwrap();
            path
        };
        let unlocked = "printf password | gnome-keyring-daemon --unlock --components=secrets \
                        >/dev/null && exec \"$0\" --exact \"$1\" --nocapture";
        let done = std::process::Command::new("dbus-run-session")
            .args(["--", "sh", "-c", unlocked])
            .arg(std::env::current_exe().unwrap())
            .arg("keys::tests::the_systems_keyring_keeps_keys")
            .env(ON_A_BUS, "1")
            .env("HOME", home.path())
            .env("XDG_DATA_HOME", here("data"))
            .env("XDG_CONFIG_HOME", here("config"))
            .env("XDG_RUNTIME_DIR", here("run"))
            .output()
            .expect("dbus-run-session starts: scripts/setup.sh test brings it");
        let told = String::from_utf8_lossy(&done.stdout);
        assert!(
            done.status.success() && told.contains("1 passed"),
            "{told}{}",
            String::from_utf8_lossy(&done.stderr)
        );
    }

    #[cfg(target_os = "linux")]
    fn on_a_bus() {
        let keys = system_keys();
        assert!(keys.lasts());
        let server = Address::parse("localhost:1").unwrap();
        let other = Address::parse("localhost:2").unwrap();
        let kept = |server: &Address| {
            // Asked anew, as after a start of the program.
            let key = system_keys().get(server).unwrap();
            key.map(|key| key.exposed().to_owned())
        };
        assert_eq!(kept(&server), None);
        for text in ["sk-first", "sk-second"] {
            keys.set(&server, &Key::new(text).unwrap()).unwrap();
            assert_eq!(kept(&server).as_deref(), Some(text));
        }
        assert_eq!(kept(&other), None);
        keys.remove(&server).unwrap();
        assert_eq!(kept(&server), None);
        keys.remove(&server).unwrap();
    }
}
