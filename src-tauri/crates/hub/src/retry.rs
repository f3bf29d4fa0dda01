//! When to try again: waits that grow, with some chance in them, so that many
//! programs do not all come back at once.

use std::time::{Duration, SystemTime};

use crate::error::Fault;
use crate::HubError;

/// A longer pause than this is not waited for, but told.
const LONGEST_ASKED: Duration = Duration::from_secs(15 * 60);

/// How often is tried again, and after how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retries {
    /// How often in a row it is tried again without a new byte.
    pub most: u32,
    /// Wait after the first failure; it doubles with each.
    pub first: Duration,
    /// Longest wait, unless the server asks for more.
    pub longest: Duration,
}

impl Default for Retries {
    fn default() -> Self {
        Self {
            most: 8,
            first: Duration::from_secs(1),
            longest: Duration::from_secs(60),
        }
    }
}

/// Counts failures in a row.
pub(crate) struct Patience {
    retries: Retries,
    failures: u32,
}

/// A wait before the next try.
#[derive(Debug, Clone)]
pub(crate) struct Wait {
    pub time: Duration,
    /// Which try follows, from 1.
    pub attempt: u32,
    pub why: HubError,
}

impl Patience {
    pub(crate) fn new(retries: Retries) -> Self {
        Self {
            retries,
            failures: 0,
        }
    }

    /// Something came of the last try.
    pub(crate) fn refresh(&mut self) {
        self.failures = 0;
    }

    /// How long to wait after a failure, or why to give up.
    pub(crate) fn after(&mut self, fault: Fault) -> Result<Wait, HubError> {
        let (why, asked) = match fault {
            Fault::Final(why) => return Err(why),
            Fault::Again { why, wait } => (why, wait),
        };
        if let Some(seconds) = asked.filter(|asked| *asked > LONGEST_ASKED) {
            return Err(HubError::TooManyRequests {
                seconds: seconds.as_secs(),
            });
        }
        self.failures += 1;
        if self.failures > self.retries.most {
            return Err(why);
        }
        let Retries { first, longest, .. } = self.retries;
        let doubled = first.saturating_mul(1 << (self.failures - 1).min(20));
        let share = rand::random_range(0.5..=1.0);
        tracing::warn!(
            attempt = self.failures,
            kind = why.kind(),
            "the hub is asked again"
        );
        let own = doubled.min(longest).mul_f64(share);
        Ok(Wait {
            time: asked.map_or(own, |asked| asked.max(own)),
            attempt: self.failures,
            why,
        })
    }
}

/// The time that a `Retry-After` asks for: seconds, or a date.
pub(crate) fn asked_wait(header: &str, now: SystemTime) -> Option<Duration> {
    let header = header.trim();
    match header.parse() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => httpdate::parse_http_date(header)
            .ok()
            .map(|date| date.duration_since(now).unwrap_or_default()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // A test may stop at the first surprise.
mod tests {
    use super::*;

    fn fault(wait: Option<u64>) -> Fault {
        Fault::Again {
            why: HubError::Ended,
            wait: wait.map(Duration::from_secs),
        }
    }

    #[test]
    fn waits_double_up_to_a_bound_and_end() {
        let retries = Retries {
            most: 5,
            first: Duration::from_secs(1),
            longest: Duration::from_secs(6),
        };
        let mut patience = Patience::new(retries);
        for longest in [1.0, 2.0, 4.0, 6.0, 6.0] {
            let time = patience.after(fault(None)).unwrap().time.as_secs_f64();
            assert!(
                (longest / 2.0..=longest).contains(&time),
                "{time} of {longest}"
            );
        }
        assert_eq!(patience.after(fault(None)).unwrap_err(), HubError::Ended);
        patience.refresh();
        let wait = patience.after(fault(None)).unwrap();
        assert_eq!(wait.attempt, 1);
        assert!(wait.time <= Duration::from_secs(1));
    }

    #[test]
    fn the_server_is_waited_for_within_reason() {
        let mut patience = Patience::new(Retries::default());
        let wait = patience.after(fault(Some(90))).unwrap();
        assert_eq!(wait.time, Duration::from_secs(90));
        assert_eq!(
            patience.after(fault(Some(3600))).unwrap_err(),
            HubError::TooManyRequests { seconds: 3600 }
        );
    }

    #[test]
    fn pauses_are_asked_for_in_seconds_or_by_date() {
        let now = httpdate::parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
        let seconds = |header| asked_wait(header, now).map(|wait| wait.as_secs());
        assert_eq!(seconds("120"), Some(120));
        assert_eq!(seconds("Sun, 06 Nov 1994 08:50:37 GMT"), Some(60));
        assert_eq!(seconds("Sun, 06 Nov 1994 08:00:00 GMT"), Some(0));
        assert_eq!(seconds("soon"), None);
        assert_eq!(seconds("-1"), None);
    }
}
