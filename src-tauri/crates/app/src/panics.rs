//! Work that panics ends with an error in words: whoever waits for it gets an answer,
//! and what it held is given back.

use std::any::Any;
use std::fs::OpenOptions;
use std::future::Future;
use std::io::Write;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::path::Path;
use std::pin::pin;
use std::task::Poll;
use std::time::SystemTime;

use crate::{fault, AppError};

/// Bytes of a log after which a new one begins.
const LONGEST_LOG: u64 = 256 << 10;

/// Does `work`; a panic in it becomes an error with its words.
///
/// What `work` changes must be whole after each single step, because it may end
/// between any two of them; locks of the studio outlive a panic for the same reason.
///
/// # Errors
///
/// Those of `work`, and the code `unexpected` for a panic.
pub fn caught<T>(work: impl FnOnce() -> Result<T, AppError>) -> Result<T, AppError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|why| Err(panicked(&*why)))
}

/// [`caught`] for work that waits.
///
/// # Errors
///
/// Those of `work`, and the code `unexpected` for a panic.
pub async fn caught_async<T>(
    work: impl Future<Output = Result<T, AppError>>,
) -> Result<T, AppError> {
    let mut work = pin!(work);
    std::future::poll_fn(|context| {
        let polled = catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context)));
        polled.unwrap_or_else(|why| Poll::Ready(Err(panicked(&*why))))
    })
    .await
}

/// Writes every panic of the program into `faults.log` in a folder, with its place, beside
/// what is printed. A file that has grown long begins anew; the one before is kept.
pub fn log_panics(folder: &Path) {
    let file = folder.join("faults.log");
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        usual(panic);
        // Nobody can be told where that fails.
        let _ = append(&file, &panic.to_string());
    }));
}

fn append(file: &Path, words: &str) -> std::io::Result<()> {
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder)?;
    }
    if std::fs::metadata(file).is_ok_and(|found| found.len() > LONGEST_LOG) {
        std::fs::rename(file, file.with_extension("log.old"))?;
    }
    let mut log = OpenOptions::new().create(true).append(true).open(file)?;
    let now = httpdate::fmt_http_date(SystemTime::now());
    writeln!(log, "{now} {} {words}", crate::version())
}

fn panicked(why: &(dyn Any + Send)) -> AppError {
    let text = why.downcast_ref::<&str>().copied();
    let text = text.or_else(|| why.downcast_ref::<String>().map(String::as_str));
    match text {
        Some(why) => fault!("unexpected.panic", why = why),
        None => fault!("unexpected.silent"),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // A test may stop at the first surprise.
mod tests {
    use super::*;

    #[test]
    fn a_log_tells_the_faults_and_stays_small() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("log").join("faults.log");
        append(&file, "first").unwrap();
        append(&file, &"x".repeat(1 + LONGEST_LOG as usize)).unwrap();
        append(&file, "last").unwrap();
        let now = std::fs::read_to_string(&file).unwrap();
        assert!(
            now.ends_with(" last\n") && now.lines().count() == 1,
            "{now}"
        );
        let old = std::fs::read_to_string(file.with_extension("log.old")).unwrap();
        assert!(old.contains(" first\n"));
    }

    #[tokio::test]
    async fn a_panic_is_told_wherever_it_happens() {
        let error = caught::<()>(|| panic!("no {}", "state")).unwrap_err();
        assert_eq!(error.code, "unexpected");
        assert_eq!(error.message, "The program failed at this: no state.");
        // After the first wait too, as in a command that asks a model.
        let error = caught_async::<()>(async {
            tokio::task::yield_now().await;
            panic!("no more");
        })
        .await
        .unwrap_err();
        assert_eq!(error.message, "The program failed at this: no more.");
        assert_eq!(caught_async(async { Ok(7) }).await, Ok(7));
    }
}
