//! What the program writes down of itself, for who looks for a fault: a line for each thing
//! that happened, of window and terminal in one file. No texts of people: see [`Line`].

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::panic::PanicHookInfo;
use std::path::{Path, PathBuf};

use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, MakeWriter};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::EnvFilter;

use crate::folders;
use crate::version::version;

/// Names of the file and of the one before it, in the folder of logs.
const NAME: &str = "pmpo.log";
const BEFORE: &str = "pmpo.log.old";
/// Bytes after which a new file begins, so that both together have twice as many at most.
const MOST_BYTES: u64 = 1 << 20;
/// Chooses what is written down, in the words of [`EnvFilter`].
const FILTER: &str = "PMPO_LOG";
/// What is written down without it: what happens in our own crates, and warnings of others.
const USUAL: &str = "warn,pmpo=info";

/// Begins to write down what the process does and where it panics, into a folder.
/// Where that cannot be written, nothing is.
pub fn begin_log(folder: &Path, program: &'static str) {
    let log = Log::new(folder);
    log.panics();
    let filter = EnvFilter::try_from_env(FILTER).unwrap_or_else(|_| EnvFilter::new(USUAL));
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(log)
        .with_ansi(false)
        .event_format(Line)
        .finish();
    // Not `init`, which would take in the crate `log` as well: it does not say reliably
    // whose words they are.
    if tracing::subscriber::set_global_default(subscriber).is_ok() {
        tracing::info!(
            program,
            version = version(),
            os = std::env::consts::OS,
            machine = std::env::consts::ARCH,
            "begins"
        );
    }
}

/// The file that it is written into.
pub fn log_file() -> PathBuf {
    folders().log.join(NAME)
}

/// The last lines that were written down in a folder, the newest last.
pub(crate) fn last_lines(folder: &Path, count: usize) -> String {
    let read = |name: &str| fs::read(folder.join(name)).unwrap_or_default();
    let both = [read(BEFORE), read(NAME)].concat();
    let text = String::from_utf8_lossy(&both);
    let lines: Vec<&str> = text.lines().collect();
    let mut out = lines[lines.len().saturating_sub(count)..].join("\n");
    out.push('\n');
    out
}

/// The file, opened for each line: a program of another window may have begun a new one.
#[derive(Debug, Clone)]
struct Log {
    folder: PathBuf,
}

impl Log {
    fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
        }
    }

    /// Appends a whole line at once, so that those of two programs do not mix.
    fn append(&self, line: &[u8]) -> io::Result<()> {
        fs::create_dir_all(&self.folder)?;
        if self.is_long() {
            self.begin_anew()?;
        }
        let file = self.folder.join(NAME);
        let mut file = OpenOptions::new().create(true).append(true).open(file)?;
        file.write_all(line)
    }

    fn is_long(&self) -> bool {
        fs::metadata(self.folder.join(NAME)).is_ok_and(|file| file.len() > MOST_BYTES)
    }

    fn begin_anew(&self) -> io::Result<()> {
        // Another program that does the same at this moment would take the new file for
        // the old one.
        let lock = File::create(self.folder.join("pmpo.log.lock"))?;
        lock.lock()?;
        match self.is_long() {
            true => fs::rename(self.folder.join(NAME), self.folder.join(BEFORE)),
            false => Ok(()),
        }
    }

    /// Writes every panic of the process down, beside what is printed.
    fn panics(&self) {
        let log = self.clone();
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            usual(panic);
            // Not as an event: the panic may be one of whoever writes events.
            // Nobody can be told where this fails.
            let _ = log.append(line_of(panic).as_bytes());
        }));
    }
}

impl Write for Log {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        // Nobody can be told where that fails, and the work goes on.
        let _ = self.append(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// A panic as a line: version, thread and place. Its words only where they stand in the
/// source as they are: others are made of values, and a value may be a person's text (that
/// of a text cut within a letter quotes it).
fn line_of(panic: &PanicHookInfo<'_>) -> String {
    let mut out = String::new();
    // A string takes all that is written to it.
    let _ = begin(&mut Writer::new(&mut out), "ERROR", "panic");
    let thread = std::thread::current();
    let thread = thread.name().unwrap_or("without a name");
    out.push_str(&format!(": version {}, thread {thread:?}", version()));
    if let Some(at) = panic.location() {
        out.push_str(&format!(", at {}:{}", short(at.file()), at.line()));
    }
    if let Some(words) = panic.payload().downcast_ref::<&'static str>() {
        out.push_str(&format!(": {words:?}"));
    }
    out.push('\n');
    out
}

/// Writes time, process, level and who says it.
fn begin(out: &mut Writer<'_>, level: &str, who: &str) -> fmt::Result {
    SystemTime.format_time(out)?;
    write!(out, " {} {level:>5} {who}", std::process::id())
}

/// How an event becomes a line.
///
/// Our own crates say nothing that a person wrote or named: counts, codes, hashes, times.
/// What other crates say may hold a prompt or the name of a file, so that only the place
/// where they say it is written down; the words stand in their source.
struct Line;

impl<S, N> FormatEvent<S, N> for Line
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut out: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let about = event.metadata();
        begin(&mut out, about.level().as_str(), about.target())?;
        if is_ours(about.target()) {
            out.write_str(": ")?;
            context.format_fields(out.by_ref(), event)?;
        } else if let (Some(file), Some(line)) = (about.file(), about.line()) {
            write!(out, ": at {}:{line}", short(file))?;
        }
        writeln!(out)
    }
}

/// All crates of this program, and no others, begin so.
fn is_ours(target: &str) -> bool {
    target.starts_with("pmpo")
}

/// A source's path from its crate on: what is before it is the folder of who built this.
fn short(file: &str) -> &str {
    let is_edge = |letter| matches!(letter, '/' | '\\');
    let sources = ["/src/", "\\src\\"].map(|name| file.rfind(name));
    let Some(sources) = sources.into_iter().flatten().max() else {
        return file.rsplit(is_edge).next().unwrap_or_default();
    };
    let before = file[..sources].rfind(is_edge);
    &file[before.map_or(0, |at| at + 1)..]
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // A test may stop at the first surprise.
mod tests {
    use super::*;

    #[test]
    fn the_log_stays_small_and_its_last_lines_are_told() {
        let folder = tempfile::tempdir().unwrap();
        let inside = folder.path().join("not there yet");
        assert_eq!(last_lines(&inside, 5), "\n");
        let log = Log::new(&inside);
        log.append(b"first\n").unwrap();
        let long = [b"x".repeat(MOST_BYTES as usize), b"\n".to_vec()].concat();
        log.append(&long).unwrap();
        for number in 0..3 {
            log.append(format!("{number}\n").as_bytes()).unwrap();
        }
        let read = |name| fs::read_to_string(inside.join(name)).unwrap();
        assert_eq!(read(NAME), "0\n1\n2\n");
        assert!(read(BEFORE).starts_with("first\n"));
        assert_eq!(last_lines(&inside, 2), "1\n2\n");
        // A new file alone would tell too little.
        assert!(last_lines(&inside, 4).ends_with("x\n0\n1\n2\n"));

        log.append(&long).unwrap();
        log.append(b"last\n").unwrap();
        assert_eq!(read(NAME), "last\n");
        assert!(read(BEFORE).starts_with("0\n"));
    }

    #[test]
    fn programs_that_write_at_the_same_time_lose_no_line() {
        let folder = tempfile::tempdir().unwrap();
        let words = "w".repeat(4000);
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let (folder, words) = (folder.path(), &words);
                scope.spawn(move || {
                    for number in 0..100 {
                        let line = format!("{thread} {number} {words}\n");
                        Log::new(folder).append(line.as_bytes()).unwrap();
                    }
                });
            }
        });
        // Under twice the bound, so that none was thrown away.
        let text = last_lines(folder.path(), usize::MAX);
        let mut lines: Vec<&str> = text.lines().collect();
        assert!(lines.iter().all(|line| line.ends_with(words.as_str())));
        lines.sort_unstable();
        lines.dedup();
        assert_eq!(lines.len(), 400);
    }

    #[test]
    fn a_place_does_not_name_who_built_the_program() {
        let kept = [
            (
                "/home/ada/.cargo/registry/src/index-1/mistralrs-core-0.8.1/src/engine/mod.rs",
                "mistralrs-core-0.8.1/src/engine/mod.rs",
            ),
            (
                r"C:\Users\ada\.cargo\registry\src\index-1\calamine-0.38.0\src\xlsx\mod.rs",
                r"calamine-0.38.0\src\xlsx\mod.rs",
            ),
            (
                "/rustc/f00/library/core/src/option.rs",
                "core/src/option.rs",
            ),
            ("src-tauri/crates/app/src/log.rs", "app/src/log.rs"),
            ("src-tauri/src/main.rs", "src-tauri/src/main.rs"),
            ("/home/ada/pmpo/tests/log.rs", "log.rs"),
        ];
        for (whole, place) in kept {
            assert_eq!(short(whole), place);
        }
    }
}
