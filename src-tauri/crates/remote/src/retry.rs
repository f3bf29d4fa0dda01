//! Attempts at a question, and waits between them that grow.
//!
//! Downloads have the like in `hub::retry`, counted anew with each byte that comes. What
//! both have in common is one line of arithmetic: less than a crate between the two, or a
//! library, would take.

use std::future::Future;
use std::time::Duration;

use pmpo_core::kind::kind;
use rand::Rng;
use tokio_util::sync::CancellationToken;

use crate::error::RemoteError;
use crate::limits::Limits;

/// Makes attempts until one succeeds, fails for good, or all are used up. A cancel
/// drops the attempt under way, which closes its connection.
pub(crate) async fn retrying<T, F>(
    limits: &Limits,
    cancel: &CancellationToken,
    mut attempt: impl FnMut() -> F,
) -> Result<T, RemoteError>
where
    F: Future<Output = Result<T, RemoteError>>,
{
    let mut failed = 0;
    loop {
        let outcome = tokio::select! {
            biased;
            () = cancel.cancelled() => return Err(RemoteError::Cancelled),
            outcome = attempt() => outcome,
        };
        let error = match outcome {
            Err(error) if error.is_passing() => error,
            settled => return settled,
        };
        failed += 1;
        if failed >= limits.attempts {
            return Err(error);
        }
        let Some(wait) = wait_before(limits, failed, &error) else {
            return Err(error);
        };
        // Its address may say whose server it is.
        let seconds = wait.as_secs_f64();
        tracing::warn!(
            failed,
            seconds,
            kind = kind(&error),
            "a server is asked again"
        );
        tokio::select! {
            biased;
            () = cancel.cancelled() => return Err(RemoteError::Cancelled),
            () = tokio::time::sleep(wait) => {}
        }
    }
}

/// What to wait for after the given number of failed attempts: as long as the server
/// wants, else exponentially longer, by chance up to a half less, so that requests that
/// failed together do not come back together. `None` where the server wants too long.
fn wait_before(limits: &Limits, failed: u32, error: &RemoteError) -> Option<Duration> {
    if let RemoteError::Busy {
        seconds: Some(seconds),
        ..
    } = error
    {
        let wanted = Duration::from_secs(*seconds);
        return (wanted <= limits.longest_wait).then_some(wanted);
    }
    let doubled = limits
        .first_wait
        .saturating_mul(2_u32.saturating_pow(failed.saturating_sub(1)));
    let share = rand::rng().random_range(0.5..=1.0);
    Some(doubled.min(limits.longest_wait).mul_f64(share))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::Address;

    #[test]
    fn waits_grow_to_a_bound_and_the_server_is_obeyed() {
        let limits = Limits::default();
        let server = Address::parse("localhost:1").unwrap();
        let cut = RemoteError::Cut {
            server: server.clone(),
        };
        for failed in 1..40 {
            let wait = wait_before(&limits, failed, &cut).unwrap().as_secs_f64();
            let most = (0.5 * 2_f64.powi(failed as i32 - 1)).min(60.0);
            assert!((most / 2.0..=most).contains(&wait), "{failed}: {wait}");
        }
        let busy = |seconds| RemoteError::Busy {
            server: server.clone(),
            seconds: Some(seconds),
        };
        assert_eq!(
            wait_before(&limits, 1, &busy(7)),
            Some(Duration::from_secs(7))
        );
        assert_eq!(wait_before(&limits, 1, &busy(3600)), None);
    }
}
