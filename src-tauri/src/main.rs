//! The desktop shell: a window over `pmpo_app::Studio`.
#![cfg_attr(windows, windows_subsystem = "windows")]

mod commands;
mod shell;
mod updates;
mod words;

use std::io::Write;
use std::path::Path;

use pmpo_app::{folders, guarded, prepare_process};
use tauri::Manager;

fn main() {
    // Before anything else: another program may take over.
    #[cfg(feature = "cuda")]
    pmpo_launch::answer_probe(pmpo_app::has_gpu);
    #[cfg(not(feature = "cuda"))]
    if let Err(why) = pmpo_launch::hand_over() {
        eprintln!("{why}");
    }
    // Where it is, before an update may take its file away.
    let _ = pmpo_app::program();
    let folder = std::env::current_dir().unwrap_or_default();
    // A name that is not Unicode is told in the window as a file that is not there.
    let given = std::env::args_os().skip(1);
    let given = given.map(|word| word.to_string_lossy().into_owned());
    let opened = match words::read(given, &folder) {
        words::Wish::Open(files) => files,
        words::Wish::Say(text) => {
            // Nobody may be reading.
            let _ = writeln!(std::io::stdout(), "{text}");
            return;
        }
        words::Wish::Fault(why) => {
            eprintln!("{why}");
            std::process::exit(2);
        }
    };
    // Faults of a program without a terminal would be lost.
    pmpo_app::begin_log(&folders().log, "pmpo-studio");
    // Both before any thread starts.
    prepare_process();
    avoid_blank_windows();
    let program = tauri::Builder::default()
        .plugin(tauri_plugin_single_instance::init(|app, words, folder| {
            let _ = guarded(|| {
                shell::show(app);
                let words = words.into_iter().skip(1);
                if let words::Wish::Open(files) = words::read(words, Path::new(&folder)) {
                    shell::open(app, files);
                }
            });
        }))
        .plugin(tauri_plugin_window_state::Builder::default().build())
        .plugin(tauri_plugin_clipboard_manager::init())
        .plugin(tauri_plugin_dialog::init())
        .plugin(tauri_plugin_notification::init())
        // Its address and key come from the package; see `updates`.
        .plugin(tauri_plugin_updater::Builder::new().build())
        .manage(updates::Updates::default())
        // Before anything that another start of the program may ask.
        .manage(shell::State::new(opened))
        .setup(|app| {
            // A database that cannot be opened is told in the window.
            let _ = app.state::<shell::State>().studio();
            Ok(())
        })
        .on_window_event(|window, event| {
            // On the window's thread a panic would end the program.
            let _ = guarded(|| shell::window_event(window, event));
        })
        .invoke_handler(commands::all())
        .build(tauri::generate_context!());
    match program {
        Ok(program) => program.run(|app, event| hear(app, &event)),
        Err(why) => {
            tracing::error!("the window cannot be opened");
            eprintln!(
                "The window could not be opened: {why}.\nUse `pmpo` to do the same in a terminal."
            );
            std::process::exit(1);
        }
    }
}

/// A Mac tells of files to open by an event, not by words.
#[cfg(target_os = "macos")]
fn hear(app: &tauri::AppHandle, event: &tauri::RunEvent) {
    if let tauri::RunEvent::Opened { urls } = event {
        let words = urls.iter().map(|url| url.to_string());
        if let words::Wish::Open(files) = words::read(words, Path::new("/")) {
            shell::open(app, files);
        }
    }
}

#[cfg(not(target_os = "macos"))]
fn hear(_: &tauri::AppHandle, _: &tauri::RunEvent) {}

/// WebKitGTK draws nothing on some NVIDIA drivers unless this is off.
fn avoid_blank_windows() {
    const SWITCH: &str = "WEBKIT_DISABLE_DMABUF_RENDERER";
    let nvidia = std::path::Path::new("/proc/driver/nvidia/version").exists();
    if cfg!(target_os = "linux") && nvidia && std::env::var_os(SWITCH).is_none() {
        std::env::set_var(SWITCH, "1");
    }
}
