use std::time::Duration;

/// How patient the program is with a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Longest wait for a connection.
    pub connect: Duration,
    /// Longest wait for the beginning of an answer: reading a long prompt on a
    /// processor takes minutes, and requests wait for each other.
    pub answer: Duration,
    /// Longest wait for more of an answer that has begun.
    pub stall: Duration,
    /// How often a request is made at most, at least 1.
    pub attempts: u32,
    /// Wait before the second attempt; doubled before each further one.
    pub first_wait: Duration,
    /// Longest wait between attempts. A server that wants a longer one is not
    /// waited for.
    pub longest_wait: Duration,
    /// Requests under way at once, at least 1.
    pub in_flight: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            answer: Duration::from_secs(600),
            stall: Duration::from_secs(60),
            attempts: 5,
            first_wait: Duration::from_millis(500),
            longest_wait: Duration::from_secs(60),
            in_flight: 8,
        }
    }
}
