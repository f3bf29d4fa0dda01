//! Work that panics ends with an error in words: whoever waits for it gets an answer,
//! and what it held is given back.

use std::any::Any;
use std::future::Future;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::pin::pin;
use std::task::Poll;

use crate::{fault, AppError};

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

/// [`caught`] for work that has no answer of its own.
///
/// # Errors
///
/// The code `unexpected` for a panic.
pub fn guarded(work: impl FnOnce()) -> Result<(), AppError> {
    caught(|| {
        work();
        Ok(())
    })
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

/// A place where tests let the program panic.
#[cfg(not(test))]
#[inline(always)]
pub(crate) fn point(_place: &str) {}

#[cfg(test)]
pub(crate) use points::point;

#[cfg(test)]
pub(crate) mod points {
    use std::sync::{Mutex, MutexGuard, PoisonError};

    static ARMED: Mutex<Option<&str>> = Mutex::new(None);

    fn armed() -> MutexGuard<'static, Option<&'static str>> {
        ARMED.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets the program panic when it comes to a place for the next time.
    pub(crate) fn arm(place: &'static str) {
        *armed() = Some(place);
    }

    pub(crate) fn point(place: &str) {
        let hit = armed().take_if(|armed| *armed == place);
        if let Some(place) = hit {
            panic!("tripped over {place}");
        }
    }
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
