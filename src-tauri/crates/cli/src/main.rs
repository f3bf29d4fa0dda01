//! `pmpo`: the main job in a terminal.

/// A line on the terminal. Whoever reads it may be gone, as `head` is; a run
/// goes on all the same.
macro_rules! say {
    ($($words:tt)*) => {{
        use std::io::Write;
        let _ = writeln!(std::io::stdout(), $($words)*);
    }};
}

mod args;
mod history;
mod import;
mod models;
mod open;
mod out;
mod report;
mod task;
mod watch;
mod work;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    // Before anything else: another program may take over.
    #[cfg(feature = "cuda")]
    pmpo_launch::answer_probe(pmpo_app::has_gpu);
    #[cfg(not(feature = "cuda"))]
    if let Err(why) = pmpo_launch::hand_over() {
        eprintln!("{why}");
    }
    pmpo_app::prepare_process();
    pmpo_app::begin_log(&pmpo_app::folders().log, "pmpo");
    let cli = args::Cli::parse();
    let json = cli.json;
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(why) => {
            eprintln!("The program could not start: {why}.");
            return ExitCode::FAILURE;
        }
    };
    // A panic, too, ends in words.
    match runtime.block_on(pmpo_app::caught_async(work::run(cli))) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            tracing::warn!(code = error.code, "ends with a fault");
            report::error(&error, json);
            if error.code == "unexpected" {
                eprintln!("The log is {}.", pmpo_app::log_file().display());
            }
            ExitCode::FAILURE
        }
    }
}
