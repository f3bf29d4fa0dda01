//! What the program is and where it keeps things.

use std::fmt::Write;
use std::path::Path;

use pmpo_engine::devices;
use sysinfo::System;

use crate::log::last_lines;
use crate::version::{commit, version};
use crate::wire::{About, Linked};
use crate::{built_in_model, folders, update_source};

/// What is linked in: name, version and licence of each package, a line each. Made by
/// `scripts/linked.py`.
const LINKED: &str = include_str!("../linked.tsv");

/// Lines of the log that go with a question or a report.
const LINES: usize = 50;

/// What the program is and where it keeps things.
pub fn about() -> About {
    let folders = folders();
    let model = built_in_model();
    let text = |path: &Path| path.display().to_string();
    About {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        commit: commit().map(str::to_owned),
        data: text(&folders.data),
        cache: text(&folders.cache),
        log: text(&folders.log),
        model_is_there: model.is_file(),
        model: text(&model),
        asks: update_source().and_then(|source| source.asks()),
        linked: linked(),
    }
}

/// What helps who looks for a fault: version, system, devices and folders, and what the
/// program wrote down last. No texts of the person.
pub fn diagnostics() -> String {
    let mut out = surroundings(&about(), dirs::home_dir().as_deref());
    out.push_str("\nLast lines of the log:\n");
    out.push_str(&last_lines(&folders().log, LINES));
    out
}

fn linked() -> Vec<Linked> {
    let lines = LINKED.lines();
    lines
        .filter_map(|line| {
            let mut cells = line.split('\t').map(str::to_owned);
            Some(Linked {
                name: cells.next()?,
                version: cells.next()?,
                licence: cells.next()?,
            })
        })
        .collect()
}

fn surroundings(about: &About, home: Option<&Path>) -> String {
    let mut out = format!("PMPO Studio {}\n", version());
    let system = System::long_os_version().unwrap_or_else(|| std::env::consts::OS.to_owned());
    let kernel = System::kernel_version().unwrap_or_default();
    let mut line = |name: &str, value: &str| {
        // A string takes all that is written to it.
        let _ = writeln!(out, "{name}: {value}");
    };
    line(
        "System",
        format!("{system}, {kernel}").trim_end_matches(", "),
    );
    let threads = std::thread::available_parallelism().map_or(0, usize::from);
    let processor = format!(
        "{}, {threads} threads{}",
        std::env::consts::ARCH,
        extensions()
    );
    line("Processor", &processor);
    for device in devices().iter().filter(|device| device.id != "auto") {
        line(&device.id, &device.label);
    }
    let there = if about.model_is_there {
        ""
    } else {
        " (missing)"
    };
    let short = |path: &str| shortened(Path::new(path), home);
    line("Built-in model", &format!("{}{there}", short(&about.model)));
    line("Data", &short(&about.data));
    line("Cache", &short(&about.cache));
    line("Log", &short(&about.log));
    out
}

/// A path without the person's home folder, whose name is often theirs.
fn shortened(path: &Path, home: Option<&Path>) -> String {
    match home.and_then(|home| path.strip_prefix(home).ok()) {
        Some(inside) => Path::new("~").join(inside).display().to_string(),
        None => path.display().to_string(),
    }
}

/// Of the processor's extensions those that decide how fast scoring is.
fn extensions() -> &'static str {
    #[cfg(target_arch = "x86_64")]
    {
        if std::is_x86_feature_detected!("avx512f") {
            return ", AVX-512";
        }
        if std::is_x86_feature_detected!("avx2") {
            return ", AVX2";
        }
    }
    ""
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_is_linked_in_is_told_with_its_licence() {
        let linked = linked();
        assert_eq!(linked.len(), LINKED.lines().count());
        let of = |name: &str| linked.iter().find(|one| one.name == name);
        assert!(of("tauri").is_some_and(|one| one.licence.contains("MIT")));
        assert!(of("svelte").is_some() && of("rusqlite").is_some());
        assert!(linked.iter().all(|one| !one.licence.is_empty()));
    }

    #[test]
    fn diagnostics_leave_out_who_the_person_is() {
        let about = About {
            data: "/home/ada/.local/share/pmpo-studio".to_owned(),
            ..about()
        };
        let text = surroundings(&about, Some(Path::new("/home/ada")));
        assert!(
            text.contains("Data: ~/.local/share/pmpo-studio\n"),
            "{text}"
        );
        assert!(!text.contains("ada"));
        let home = Some(Path::new("/home/ada/"));
        assert_eq!(shortened(Path::new("/home/adam/x"), home), "/home/adam/x");
        assert_eq!(shortened(Path::new("/home/ada/x"), home), "~/x");
        assert!(text.contains(env!("CARGO_PKG_VERSION")) && text.contains("Processor: "));
    }
}
