//! A newer version of the program: found when the person asks, by Tauri's updater, which
//! checks that its file was signed by who made this one, for the version that it says.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pmpo_app::wire::{NewerVersion, UpdateProgress};
use pmpo_app::{fault, update_source, AppError};
use tauri::utils::platform::bundle_type;
use tauri::{AppHandle, Url};
use tauri_plugin_updater::{Error, Update, UpdaterExt};
use tokio_util::sync::CancellationToken;

/// How long the answer to a question may take.
const TO_ANSWER: Duration = Duration::from_secs(20);
/// How long nothing may come of a file.
const TO_STALL: Duration = Duration::from_secs(60);
/// Bytes that a package may have: about ten times what it has today.
const LARGEST: u64 = 1_500_000_000;
/// Letters of the notes that are shown.
const NOTES: usize = 10_000;

/// What was found, and what is under way.
#[derive(Clone, Default)]
pub(crate) struct Updates {
    found: Arc<Mutex<Option<Update>>>,
    stop: Arc<Mutex<CancellationToken>>,
}

impl Updates {
    /// Asks for the newest version; none where this is it.
    pub(crate) async fn look(&self, app: &AppHandle) -> Result<Option<NewerVersion>, AppError> {
        let update = newer(app).await.map_err(|why| words(&why))?;
        tracing::info!(newer = update.is_some(), "a newer version was looked for");
        let shown = update.as_ref().map(shown);
        *locked(&self.found) = update;
        Ok(shown)
    }

    /// The name that the file of the version found is saved under.
    pub(crate) fn file_name(&self) -> Result<String, AppError> {
        let found = locked(&self.found);
        let update = found.as_ref().ok_or_else(forgotten)?;
        let segments = update.download_url.path_segments();
        let name = segments.and_then(|mut all| all.next_back()).unwrap_or("");
        let plain = |sign: char| sign.is_ascii_alphanumeric() || "._-".contains(sign);
        if name.is_empty() || name.starts_with('.') || !name.chars().all(plain) {
            return Ok(format!("pmpo-studio-{}", update.version));
        }
        Ok(name.to_owned())
    }

    /// Begins to get the version found, in place of any other attempt; the value ends with
    /// [`Self::cancel`].
    pub(crate) fn begin(&self) -> CancellationToken {
        let stop = CancellationToken::new();
        std::mem::replace(&mut *locked(&self.stop), stop.clone()).cancel();
        stop
    }

    /// Downloads the version found and checks its signature; none where it was called off.
    pub(crate) async fn download(
        &self,
        stop: &CancellationToken,
        mut tell: impl FnMut(UpdateProgress),
    ) -> Result<Option<Vec<u8>>, AppError> {
        let update = locked(&self.found).clone().ok_or_else(forgotten)?;
        let mut done = 0;
        let too_large = CancellationToken::new();
        let (came, coming) = tokio::sync::watch::channel(());
        let hear = |bytes: usize, whole: Option<u64>| {
            done += bytes as u64;
            if done.max(whole.unwrap_or(0)) > LARGEST {
                too_large.cancel();
            }
            // Whoever waits for it may be gone.
            let _ = came.send(());
            tell(UpdateProgress { done, whole });
        };
        tokio::select! {
            bytes = update.download(hear, || {}) => bytes.map(Some).map_err(|why| match why {
                Error::Reqwest(_) => fault!("update_broken_off.lost"),
                why => words(&why),
            }),
            () = stop.cancelled() => Ok(None),
            () = too_large.cancelled() => Err(wrong_file()),
            () = stalled(coming) => Err(fault!("update_broken_off.stalled")),
        }
    }

    /// Calls off what [`Self::begin`] began, up to where it is installed.
    pub(crate) fn cancel(&self) {
        locked(&self.stop).cancel();
    }

    /// Puts a version that was downloaded in the place of this one; its signature is
    /// checked once more.
    pub(crate) fn install(&self, bytes: &[u8]) -> Result<(), AppError> {
        let update = locked(&self.found).clone().ok_or_else(forgotten)?;
        tracing::info!(version = update.version, "a newer version is installed");
        update.install(bytes).map_err(|why| words(&why))
    }
}

fn locked<T>(value: &Mutex<T>) -> MutexGuard<'_, T> {
    value.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Ends when nothing came for a while.
async fn stalled(mut coming: tokio::sync::watch::Receiver<()>) {
    while let Ok(Ok(())) = tokio::time::timeout(TO_STALL, coming.changed()).await {}
}

/// Whether the program came as a package that can be replaced from within.
fn installs() -> bool {
    bundle_type().is_some()
}

async fn newer(app: &AppHandle) -> Result<Option<Update>, Error> {
    let source = update_source().ok_or(Error::EmptyEndpoints)?;
    let address: Url = source.address.parse()?;
    let encrypted = address.scheme() == "https";
    let mut updater = app
        .updater_builder()
        .pubkey(source.key)
        .endpoints(vec![address])?
        .timeout(TO_ANSWER)
        // A redirection must not lead out of what is encrypted.
        .configure_client(move |client| client.https_only(encrypted));
    if !installs() {
        let machine = std::env::consts::ARCH;
        updater = updater.target(format!("{}-{machine}-archive", std::env::consts::OS));
    }
    updater.build()?.check().await
}

fn shown(update: &Update) -> NewerVersion {
    let notes = update.body.as_deref().unwrap_or_default().trim();
    NewerVersion {
        version: update.version.clone(),
        date: update.date.map(|date| date.date().to_string()),
        notes: notes.chars().take(NOTES).collect(),
        installs: installs(),
    }
}

/// Writes a file whole or not at all.
pub(crate) fn save(path: &Path, bytes: &[u8]) -> Result<(), AppError> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    let part = path.with_file_name(name);
    let written = std::fs::write(&part, bytes).and_then(|()| std::fs::rename(&part, path));
    written.map_err(|why| {
        // It may not have been made.
        let _ = std::fs::remove_file(&part);
        fault!("write.file", path = path, why = &why)
    })
}

fn forgotten() -> AppError {
    fault!("update_gone")
}

fn wrong_file() -> AppError {
    fault!("update_signature")
}

fn no_list() -> AppError {
    fault!("update_answer")
}

/// What went wrong, for a person.
fn words(why: &Error) -> AppError {
    match why {
        Error::Reqwest(inner) if inner.is_decode() => no_list(),
        Error::Reqwest(_) => fault!("update_offline"),
        // What the server answered in place of the file.
        Error::Network(why) => {
            fault!(
                "update_broken_off.answer",
                why = why.trim_matches(['`', '.'])
            )
        }
        Error::ReleaseNotFound
        | Error::Serialization(_)
        | Error::Semver(_)
        | Error::UrlParse(_) => no_list(),
        Error::TargetNotFound(_) | Error::TargetsNotFound(_) => fault!("update_none_for_this"),
        Error::Minisign(_)
        | Error::Base64(_)
        | Error::SignatureUtf8(_)
        | Error::SignedVersionMismatch { .. }
        | Error::MissingSignedVersion
        | Error::InvalidUpdaterFormat => wrong_file(),
        Error::AuthenticationFailed => fault!("update_refused"),
        Error::PreviousAppNotRestored(at) => fault!("update_install.moved", path = at),
        Error::PackageInstallFailed | Error::DebInstallFailed => {
            fault!("update_install.password")
        }
        other => fault!("update_install.failed", why = other.to_string()),
    }
}
