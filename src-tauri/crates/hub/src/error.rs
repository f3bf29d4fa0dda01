use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::RepoId;

/// Why nothing was found, downloaded or removed. Never holds a token, nor an
/// address that lets in by itself.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum HubError {
    /// Not the name of a repository or of a file.
    #[error("{name:?} cannot be used as a name: {why}")]
    BadName {
        /// What was given.
        name: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The address of the hub cannot be used.
    #[error("the address of the hub ({endpoint}) is not one of a web server")]
    BadEndpoint {
        /// The address, without what may stand before its host.
        endpoint: String,
    },
    /// Nobody knows where the cache is.
    #[error("there is no home folder to keep models in")]
    NoHome,
    /// The hub or the server of its files cannot be reached.
    #[error("{host} cannot be reached: {why}")]
    NoNetwork {
        /// The server.
        host: String,
        /// The system's word.
        why: String,
    },
    /// Whoever answers is no hub.
    #[error("{host} does not answer like the Hugging Face hub: {why}")]
    NotAHub {
        /// The server.
        host: String,
        /// What was unexpected.
        why: String,
    },
    /// Asked without a token. The hub does not tell whether there is such a model.
    #[error("{repo} does not exist, or it is private and needs an access token")]
    SignIn {
        /// The repository.
        repo: RepoId,
    },
    /// The hub does not know the token.
    #[error("the hub refuses the access token")]
    BadToken,
    /// Its terms must be accepted first.
    #[error("{repo} may be downloaded once its terms are accepted at {address}")]
    Gated {
        /// The repository.
        repo: RepoId,
        /// Where access is asked for.
        address: String,
        /// Whether a token was sent.
        signed_in: bool,
    },
    /// Refused for another reason.
    #[error("access to {repo} is refused")]
    Forbidden {
        /// The repository.
        repo: RepoId,
    },
    /// No such repository.
    #[error("there is no model {repo} on the hub")]
    NoRepo {
        /// The repository.
        repo: RepoId,
    },
    /// No such file.
    #[error("{repo} has no file {file}")]
    NoFile {
        /// The repository.
        repo: RepoId,
        /// The file.
        file: String,
    },
    /// Someone is working on the same files.
    #[error("files of {repo} are being downloaded")]
    Busy {
        /// The repository.
        repo: RepoId,
    },
    /// The hub asks for a longer pause than this program waits.
    #[error("the hub asks to wait for {seconds} seconds")]
    TooManyRequests {
        /// How long.
        seconds: u64,
    },
    /// The server fails again and again.
    #[error("{host} fails (status {status})")]
    Failing {
        /// The server.
        host: String,
        /// Its word, a status of HTTP.
        status: u16,
    },
    /// The connection ends or stands still again and again.
    #[error("the connection to {host} {why}")]
    Broken {
        /// The server.
        host: String,
        /// How it ended.
        why: &'static str,
    },
    /// A redirect that is not followed.
    #[error("{host} leads on to an address that is not safe")]
    BadRedirect {
        /// Who sent it.
        host: String,
    },
    /// Not as long as the hub says.
    #[error("{file} is not as long as the hub says it is")]
    WrongSize {
        /// The file.
        file: String,
    },
    /// Its SHA-256 is not the hub's, twice.
    #[error("what arrived of {file} is not what the hub has (its checksum differs)")]
    WrongChecksum {
        /// The file.
        file: String,
    },
    /// Another one than when the download began, again and again.
    #[error("{file} is being changed on the hub")]
    Changed {
        /// The file.
        file: String,
    },
    /// Too little room to begin with.
    #[error("{} needs {needed} bytes of free space and has {free}", folder.display())]
    NoSpace {
        /// Where models are kept.
        folder: PathBuf,
        /// What is left to download and the reserve, in bytes.
        needed: u64,
        /// What is free, in bytes.
        free: u64,
    },
    /// No room any more.
    #[error("the disk of {} is full", folder.display())]
    DiskFull {
        /// Where models are kept.
        folder: PathBuf,
    },
    /// A file or folder of the cache cannot be used.
    #[error("{} cannot be used: {why}", path.display())]
    Folder {
        /// The file or folder.
        path: PathBuf,
        /// What kind of fault it is.
        kind: ErrorKind,
        /// The system's word.
        why: String,
    },
    /// The work itself broke off.
    #[error("the download ended unexpectedly")]
    Ended,
}

impl HubError {
    /// The name of its variant, for the log, which takes no words.
    pub(crate) fn kind(&self) -> String {
        let whole = format!("{self:?}");
        let letters = whole.chars();
        letters.take_while(char::is_ascii_alphanumeric).collect()
    }

    /// What the system says of a file or folder of the cache in `folder`.
    pub(crate) fn from_io(error: &std::io::Error, path: &Path, folder: &Path) -> Self {
        match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Self::DiskFull {
                folder: folder.to_owned(),
            },
            _ => Self::Folder {
                path: path.to_owned(),
                kind: error.kind(),
                why: error.to_string(),
            },
        }
    }
}

/// Why one try of several came to nothing.
#[derive(Debug)]
pub(crate) enum Fault {
    /// Nothing helps.
    Final(HubError),
    /// Another try may help, after the time that the server asks for.
    Again {
        why: HubError,
        wait: Option<std::time::Duration>,
    },
}

impl Fault {
    pub(crate) fn again(why: HubError) -> Self {
        Self::Again { why, wait: None }
    }
}

impl From<HubError> for Fault {
    fn from(error: HubError) -> Self {
        Self::Final(error)
    }
}
