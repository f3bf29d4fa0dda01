//! Work that would keep others waiting, put where it does not.

use std::future::Future;

use crate::error::unexpected;
use crate::AppError;

/// Does work off the threads that answer others. A panic becomes an error with its words.
///
/// # Errors
///
/// Those of `work`, and the code `unexpected` for a panic.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, AppError> + Send + 'static,
) -> Result<T, AppError> {
    tokio::task::spawn_blocking(move || crate::caught(work))
        .await
        .map_err(unexpected)?
}

/// [`blocking`] for work that waits in between and computes, reads files or asks the
/// database for long on the way: `async` by its type, not by its manners.
///
/// # Errors
///
/// As [`blocking`].
pub async fn blocking_on<T: Send + 'static>(
    work: impl Future<Output = Result<T, AppError>> + Send + 'static,
) -> Result<T, AppError> {
    let runtime = tokio::runtime::Handle::current();
    blocking(move || runtime.block_on(work)).await
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // A test may stop at the first surprise.
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn work_that_blocks_keeps_nobody_waiting_and_may_panic() {
        let (sender, receiver) = std::sync::mpsc::channel();
        // The only worker goes on while this blocks.
        let slow = blocking_on(async move {
            tokio::task::yield_now().await;
            receiver
                .recv_timeout(Duration::from_secs(30))
                .map_err(unexpected)
        });
        let quick = async move {
            tokio::task::yield_now().await;
            sender.send(7).map_err(unexpected)
        };
        let (slow, quick) = tokio::join!(slow, quick);
        assert_eq!((slow.unwrap(), quick), (7, Ok(())));
        let error = blocking_on::<()>(async { panic!("no more") }).await;
        assert_eq!(error.unwrap_err().code, "unexpected");
    }
}
