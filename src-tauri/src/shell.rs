//! What belongs to the window itself: showing, closing, dropping files.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pmpo_app::wire::{OpenedFile, RunState, ShellEvent};
use pmpo_app::words::{said, Language};
use pmpo_app::{caught, folders, message, AppError, EngineLoader, Message, Studio};
use tauri::{AppHandle, DragDropEvent, Manager, Window, WindowEvent};
use tauri_plugin_notification::NotificationExt;

/// Name of the only window.
pub(crate) const MAIN: &str = "main";

/// How long a program that has ended its work waits for its notice to be taken.
const TO_BE_NOTICED: Duration = Duration::from_secs(3);

/// What all commands share.
pub(crate) struct State {
    /// None until it could be opened.
    studio: Mutex<Option<Arc<Studio>>>,
    /// Whether the program ends with the run that is going on.
    leaving: AtomicBool,
    /// Files that the program was asked to open, until the page takes them.
    opened: Mutex<Vec<String>>,
    /// What the page shows.
    language: Mutex<Language>,
}

impl State {
    pub(crate) fn new(opened: Vec<String>) -> Self {
        Self {
            studio: Mutex::default(),
            leaving: AtomicBool::new(false),
            opened: Mutex::new(opened),
            language: Mutex::default(),
        }
    }

    /// The files to open; each is given once.
    pub(crate) fn take_opened(&self) -> Vec<OpenedFile> {
        let paths = std::mem::take(&mut *self.opened());
        let file = |path: String| OpenedFile {
            is_there: Path::new(&path).exists(),
            path,
        };
        paths.into_iter().map(file).collect()
    }

    pub(crate) fn tell_language(&self, language: Language) {
        *self.language.lock().unwrap_or_else(PoisonError::into_inner) = language;
    }

    fn opened(&self) -> MutexGuard<'_, Vec<String>> {
        self.opened.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens the studio, unless it is open. A database that could not be opened is tried
    /// again whenever something is asked of it.
    pub(crate) fn studio(&self) -> Result<Arc<Studio>, AppError> {
        let mut held = self.held();
        if let Some(studio) = held.as_ref() {
            return Ok(studio.clone());
        }
        let studio = Studio::open(&folders().data, Box::new(EngineLoader))?;
        *held = Some(studio.clone());
        let watching = studio.clone();
        // What cannot be watched now is told when its project is opened.
        tauri::async_runtime::spawn_blocking(move || {
            if let Err(error) = caught(|| watching.watch_by_itself()) {
                tracing::warn!(code = error.code, "not all sources are watched");
            }
        });
        Ok(studio)
    }

    /// The studio where it is open already.
    fn open_studio(&self) -> Option<Arc<Studio>> {
        // Whoever opens it may take a while; the window must not wait for that.
        self.studio.try_lock().ok()?.clone()
    }

    fn held(&self) -> MutexGuard<'_, Option<Arc<Studio>>> {
        self.studio.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hides the window; the run goes on, then the program ends.
    pub(crate) fn leave_after_run(&self) {
        self.leaving.store(true, Ordering::SeqCst);
    }
}

/// Brings the window to the front, also one that was hidden.
pub(crate) fn show(app: &AppHandle) {
    app.state::<State>().leaving.store(false, Ordering::SeqCst);
    if let Some(window) = app.get_webview_window(MAIN) {
        // Each may fail on its own, on a desktop that lacks it.
        let _ = window.show();
        let _ = window.unminimize();
        let _ = window.set_focus();
    }
}

/// Files that another start of the program was given.
pub(crate) fn open(app: &AppHandle, files: Vec<String>) {
    let state = app.state::<State>();
    if files.is_empty() {
        return;
    }
    state.opened().extend(files);
    if let Some(studio) = state.open_studio() {
        // A page that does not listen yet asks by itself when it does.
        studio.tell(ShellEvent::FilesOpened);
    }
}

pub(crate) fn window_event(window: &Window, event: &WindowEvent) {
    let state = window.state::<State>();
    let Some(studio) = state.open_studio() else {
        return;
    };
    match event {
        WindowEvent::CloseRequested { api, .. } => {
            if let Some(run) = studio.active_run() {
                api.prevent_close();
                studio.tell(ShellEvent::CloseRequested { run });
            }
        }
        WindowEvent::DragDrop(DragDropEvent::Drop { paths, .. }) => {
            let paths = paths.iter().map(|path| path.display().to_string());
            studio.tell(ShellEvent::FilesDropped {
                paths: paths.collect(),
            });
        }
        _ => {}
    }
}

/// A sentence in the language that the page shows.
pub(crate) fn words(app: &AppHandle, told: &Message) -> String {
    let state = app.state::<State>();
    let language = *state
        .language
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    said(told, language).0
}

/// Called for everything the studio tells: ends a program that only waited for its run.
pub(crate) fn after(app: &AppHandle, event: &ShellEvent) {
    let ShellEvent::RunChanged { run } = event else {
        return;
    };
    let state = app.state::<State>();
    if run.active || !state.leaving.load(Ordering::SeqCst) {
        return;
    }
    let body = match run.state {
        RunState::Completed => match (run.start_loss, run.best_loss) {
            (Some(start), Some(best)) if best < start => message!(
                "notice.better",
                start = format!("{start:.3}"),
                best = format!("{best:.3}")
            ),
            _ => message!("notice.no_better"),
        },
        _ => message!("notice.broken_off"),
    };
    // Without a session bus there is nobody to notify.
    let _ = app
        .notification()
        .builder()
        .title(&run.name)
        .body(words(app, &body))
        .show();
    let app = app.clone();
    std::thread::spawn(move || {
        // The notice is handed over in the background and would be lost with the program.
        std::thread::sleep(TO_BE_NOTICED);
        // The person may have come back meanwhile.
        if app.state::<State>().leaving.load(Ordering::SeqCst) {
            app.exit(0);
        }
    });
}
