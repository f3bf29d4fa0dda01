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
mod out;
mod report;
mod watch;
mod work;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    // Before anything else: another program may take over.
    #[cfg(feature = "cuda")]
    pmpo_launch::answer_probe(pmpo_app::engine::has_gpu);
    #[cfg(not(feature = "cuda"))]
    if let Err(why) = pmpo_launch::hand_over() {
        eprintln!("{why}");
    }
    pmpo_app::engine::prepare_process();
    // The engine's own words are for its developers; PMPO_LOG=info shows them.
    tracing_subscriber::fmt()
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_env("PMPO_LOG")
                .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("off")),
        )
        .with_writer(std::io::stderr)
        .init();
    let cli = args::Cli::parse();
    let json = cli.json;
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(why) => {
            eprintln!("The program could not start: {why}.");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(work::run(cli)) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            report::error(&error, json);
            ExitCode::FAILURE
        }
    }
}
