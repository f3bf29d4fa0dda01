use pmpo_app::wire::{NewerVersion, UpdateEnd, UpdateProgress};
use tauri::ipc::Channel;
use tauri::{AppHandle, State as Shared};

use super::window::place;
use super::{answered, studio, waited, Answer};
use crate::shell::State;
use crate::updates::{save, Updates};

/// Asks where the package says for a newer version; none where this is the newest.
#[tauri::command]
pub(crate) async fn look_for_update(
    app: AppHandle,
    updates: Shared<'_, Updates>,
) -> Answer<Option<NewerVersion>> {
    answered(updates.look(&app)).await
}

/// Downloads the version that was found, and installs it or saves it where the person
/// says.
#[tauri::command]
pub(crate) async fn get_update(
    app: AppHandle,
    state: Shared<'_, State>,
    updates: Shared<'_, Updates>,
    installs: bool,
    channel: Channel<UpdateProgress>,
) -> Answer<UpdateEnd> {
    answered(async {
        let stop = updates.begin();
        let path = match installs {
            true => {
                idle(&state)?;
                None
            }
            false => match place(&app, updates.file_name()?).await? {
                Some(path) => Some(path),
                None => return Ok(UpdateEnd::Cancelled),
            },
        };
        let tell = move |progress| {
            // The page may be gone.
            let _ = channel.send(progress);
        };
        let Some(bytes) = updates.download(&stop, tell).await? else {
            return Ok(UpdateEnd::Cancelled);
        };
        if let Some(path) = path {
            let shown = path.display().to_string();
            waited(move || save(&path, &bytes)).await?;
            return Ok(UpdateEnd::Saved { path: shown });
        }
        if stop.is_cancelled() {
            return Ok(UpdateEnd::Cancelled);
        }
        // Where installing ends the program, it would end a run.
        idle(&state)?;
        let updater = updates.inner().clone();
        waited(move || updater.install(&bytes)).await?;
        Ok(UpdateEnd::Installed)
    })
    .await
}

#[tauri::command]
pub(crate) async fn cancel_update(updates: Shared<'_, Updates>) -> Answer<()> {
    answered(async {
        updates.cancel();
        Ok(())
    })
    .await
}

/// Starts the program again, as the version that was installed.
#[tauri::command]
pub(crate) async fn start_again(app: AppHandle, state: Shared<'_, State>) -> Answer<()> {
    answered(async {
        idle(&state)?;
        app.request_restart();
        Ok(())
    })
    .await
}

/// Nothing may be going on that the end of the program would cut off. A database that
/// cannot be opened is no reason against a newer version, which may be what it needs.
fn idle(state: &Shared<'_, State>) -> Answer<()> {
    match studio(state) {
        Ok(studio) => studio.must_be_idle(),
        Err(_) => Ok(()),
    }
}
