//! Waiting for a database that another program writes to: a backup, or this program in
//! another window.

use std::time::{Duration, Instant};

use pmpo_store::StoreError;

/// How long a run waits before it is paused.
pub(crate) const OF_A_RUN: Duration = Duration::from_secs(180);
/// How long a measurement waits; it holds up a part of the window meanwhile.
pub(crate) const OF_A_MEASUREMENT: Duration = Duration::from_secs(30);
/// How long a run waits at a time before it says so and looks whether the person still
/// wants it to.
pub(crate) const OF_AN_ATTEMPT: Duration = Duration::from_secs(1);
/// Between two attempts; each of them waits by itself too.
const PAUSE: Duration = Duration::from_millis(200);

/// Does `work` again while the database is being used by another program, until `longest`
/// is over or `waiting`, which is called before each further attempt, says `false`.
pub(crate) fn patiently<T>(
    longest: Duration,
    mut work: impl FnMut() -> Result<T, StoreError>,
    mut waiting: impl FnMut() -> bool,
) -> Result<T, StoreError> {
    let clock = Instant::now();
    let mut waits = false;
    loop {
        match work() {
            Err(StoreError::Locked { .. }) if clock.elapsed() < longest && waiting() => {
                if !waits {
                    tracing::info!("another program holds the database");
                    waits = true;
                }
                std::thread::sleep(PAUSE);
            }
            other => {
                if waits {
                    let seconds = clock.elapsed().as_secs_f64();
                    tracing::info!(seconds, "the wait for the database is over");
                }
                return other;
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // A test may stop at the first surprise.
mod tests {
    use super::*;

    #[test]
    fn only_a_database_in_use_is_waited_for_and_not_for_ever() {
        let locked = || StoreError::Locked {
            path: "a.db".into(),
        };
        let (mut tries, mut told) = (0, 0);
        let done = patiently(
            OF_A_RUN,
            || {
                tries += 1;
                if tries < 3 {
                    Err(locked())
                } else {
                    Ok(tries)
                }
            },
            || {
                told += 1;
                true
            },
        );
        assert_eq!((done, told), (Ok(3), 2));
        let full = || StoreError::Full {
            path: "a.db".into(),
        };
        let refused = patiently::<()>(OF_A_RUN, || Err(full()), || panic!("nothing to wait for"));
        assert_eq!(refused, Err(full()));
        let over = patiently::<()>(Duration::ZERO, || Err(locked()), || true);
        assert_eq!(over, Err(locked()));
        let stopped = patiently::<()>(OF_A_RUN, || Err(locked()), || false);
        assert_eq!(stopped, Err(locked()));
    }
}
