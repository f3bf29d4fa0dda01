//! The desktop shell: a window over `pmpo_app::Studio`.
#![cfg_attr(windows, windows_subsystem = "windows")]

mod commands;
mod shell;
mod words;

use std::path::Path;

use pmpo_app::engine::prepare_process;
use pmpo_app::{folders, EngineLoader, Studio};
use tauri::Manager;

fn main() {
    // Before anything else: another program may take over.
    #[cfg(feature = "cuda")]
    pmpo_launch::answer_probe(pmpo_app::engine::has_gpu);
    #[cfg(not(feature = "cuda"))]
    if let Err(why) = pmpo_launch::hand_over() {
        eprintln!("{why}");
    }
    let folder = std::env::current_dir().unwrap_or_default();
    let opened = match words::read(std::env::args().skip(1), &folder) {
        words::Wish::Open(files) => files,
        words::Wish::Say(text) => {
            println!("{text}");
            return;
        }
        words::Wish::Fault(why) => {
            eprintln!("{why}");
            std::process::exit(2);
        }
    };
    // Faults of a program without a terminal would be lost.
    pmpo_app::log_panics(&folders().log);
    // Both before any thread starts.
    prepare_process();
    avoid_blank_windows();
    let program = tauri::Builder::default()
        .plugin(tauri_plugin_single_instance::init(|app, words, folder| {
            shell::show(app);
            let words = words.into_iter().skip(1);
            if let words::Wish::Open(files) = words::read(words, Path::new(&folder)) {
                shell::open(app, files);
            }
        }))
        .plugin(tauri_plugin_window_state::Builder::default().build())
        .plugin(tauri_plugin_clipboard_manager::init())
        .plugin(tauri_plugin_dialog::init())
        .plugin(tauri_plugin_notification::init())
        .setup(move |app| {
            // A database that cannot be opened is told in the window.
            let studio = Studio::open(&folders().data, Box::new(EngineLoader));
            if let Ok(studio) = &studio {
                let studio = studio.clone();
                // What cannot be watched now is told when its project is opened.
                tauri::async_runtime::spawn_blocking(move || studio.watch_by_itself());
            }
            app.manage(shell::State::new(studio, opened));
            Ok(())
        })
        .on_window_event(shell::window_event)
        .invoke_handler(commands::all())
        .build(tauri::generate_context!());
    match program {
        Ok(program) => program.run(|_, _| {}),
        Err(why) => {
            eprintln!(
                "The window could not be opened: {why}.\nUse `pmpo` to do the same in a terminal."
            );
            std::process::exit(1);
        }
    }
}

/// WebKitGTK draws nothing on some NVIDIA drivers unless this is off.
fn avoid_blank_windows() {
    const SWITCH: &str = "WEBKIT_DISABLE_DMABUF_RENDERER";
    let nvidia = std::path::Path::new("/proc/driver/nvidia/version").exists();
    if cfg!(target_os = "linux") && nvidia && std::env::var_os(SWITCH).is_none() {
        std::env::set_var(SWITCH, "1");
    }
}
