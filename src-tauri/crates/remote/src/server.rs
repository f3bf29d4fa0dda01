use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use reqwest::header::{HeaderMap, HeaderValue, AUTHORIZATION, CONTENT_TYPE, LOCATION, RETRY_AFTER};
use reqwest::redirect::{Attempt, Policy};
use reqwest::{Client, Response, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::address::Address;
use crate::error::RemoteError;
use crate::keys::Key;
use crate::limits::Limits;
use crate::retry::retrying;
use crate::wire::{self, ModelList, RemoteModel};

/// Most bytes of an answer. Log-probabilities take some 100 bytes a token.
const MOST_BYTES: usize = 64 << 20;
/// Most bytes of a refusal that are read.
const MOST_OF_A_REFUSAL: usize = 64 << 10;
/// Redirects followed within one server.
const MOST_REDIRECTS: usize = 3;

/// A server at an address that a person typed. Connects when it is asked, not before.
#[derive(Clone)]
pub struct Server {
    inner: Arc<Inner>,
}

struct Inner {
    address: Address,
    key: Option<Key>,
    client: Client,
    limits: Limits,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Server({})", self.inner.address)
    }
}

/// Stays on the server that was typed: prompts and key go to no other one.
fn stays(attempt: Attempt<'_>) -> reqwest::redirect::Action {
    let from = attempt.previous();
    let same = from.first().is_some_and(|first| {
        let to = attempt.url();
        first.scheme() == to.scheme()
            && first.host_str() == to.host_str()
            && first.port_or_known_default() == to.port_or_known_default()
    });
    if same && from.len() <= MOST_REDIRECTS {
        attempt.follow()
    } else {
        attempt.stop()
    }
}

impl Server {
    /// A server at an address, with a key where it wants one.
    ///
    /// # Errors
    /// [`RemoteError::NoClient`] where the system gives no certificates.
    pub fn new(address: Address, key: Option<Key>, limits: Limits) -> Result<Self, RemoteError> {
        let client = Client::builder()
            .user_agent(concat!("pmpo-studio/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(limits.connect)
            // Shorter than servers keep a silent connection open, often 5 seconds.
            .pool_idle_timeout(Duration::from_secs(3))
            .redirect(Policy::custom(stays))
            // What was typed is what is connected to.
            .no_proxy()
            .build()
            .map_err(|why| RemoteError::NoClient { why: root_of(&why) })?;
        Ok(Self {
            inner: Arc::new(Inner {
                address,
                key,
                client,
                limits,
            }),
        })
    }

    /// Where it is.
    pub fn address(&self) -> &Address {
        &self.inner.address
    }

    /// How patient the program is with it.
    pub fn limits(&self) -> &Limits {
        &self.inner.limits
    }

    /// The same server with other limits.
    pub(crate) fn with_limits(&self, limits: Limits) -> Self {
        Self {
            inner: Arc::new(Inner {
                address: self.inner.address.clone(),
                key: self.inner.key.clone(),
                client: self.inner.client.clone(),
                limits,
            }),
        }
    }

    /// The models that it offers (`GET /v1/models`).
    ///
    /// # Errors
    /// [`RemoteError::Lacks`] where it has no such list; else why it did not answer.
    pub async fn models(
        &self,
        cancel: &CancellationToken,
    ) -> Result<Vec<RemoteModel>, RemoteError> {
        let list: ModelList = self.ask("/v1/models", None, cancel).await?;
        Ok(list.models())
    }

    /// Posts a question and reads the whole answer, again where that may help.
    pub(crate) async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        question: &Value,
        cancel: &CancellationToken,
    ) -> Result<T, RemoteError> {
        self.ask(path, Some(question), cancel).await
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        path: &str,
        question: Option<&Value>,
        cancel: &CancellationToken,
    ) -> Result<T, RemoteError> {
        retrying(self.limits(), cancel, || async move {
            let response = self.send(path, question).await?;
            let bytes = self.whole(response).await?;
            self.parsed(&bytes)
        })
        .await
    }

    /// One request; an answer that begins well, or why not.
    pub(crate) async fn send(
        &self,
        path: &str,
        question: Option<&Value>,
    ) -> Result<Response, RemoteError> {
        let inner = &self.inner;
        let url = inner.address.of(path);
        let mut request = match question {
            None => inner.client.get(url),
            Some(question) => inner
                .client
                .post(url)
                .header(CONTENT_TYPE, "application/json")
                .body(question.to_string()),
        };
        if let Some(key) = &inner.key {
            let value = HeaderValue::from_str(&format!("Bearer {}", key.exposed()));
            let mut value = value.map_err(|_| RemoteError::NotAKey)?;
            // Kept out of whatever the client writes about a request.
            value.set_sensitive(true);
            request = request.header(AUTHORIZATION, value);
        }
        let response = self
            .in_time(inner.limits.answer, request.send())
            .await?
            .map_err(|why| self.lost(&why))?;
        if response.status().is_success() {
            return Ok(response);
        }
        Err(self.refusal(path, response).await)
    }

    /// The rest of an answer, bounded in size and patience.
    async fn whole(&self, response: Response) -> Result<Vec<u8>, RemoteError> {
        let limits = self.limits();
        let mut response = response;
        let mut bytes = Vec::new();
        let mut wait = limits.answer;
        while let Some(more) = self.more(&mut response, wait).await? {
            bytes.extend_from_slice(&more);
            if bytes.len() > MOST_BYTES {
                return Err(self.too_large());
            }
            wait = limits.stall;
        }
        Ok(bytes)
    }

    /// The next bytes of an answer; `None` at its end.
    async fn more(
        &self,
        response: &mut Response,
        wait: Duration,
    ) -> Result<Option<impl Deref<Target = [u8]>>, RemoteError> {
        self.in_time(wait, response.chunk())
            .await?
            .map_err(|why| self.lost(&why))
    }

    async fn in_time<T>(
        &self,
        wait: Duration,
        work: impl std::future::Future<Output = T>,
    ) -> Result<T, RemoteError> {
        tokio::time::timeout(wait, work)
            .await
            .map_err(|_| self.silent(wait))
    }

    pub(crate) fn silent(&self, wait: Duration) -> RemoteError {
        RemoteError::Silent {
            server: self.address().clone(),
            seconds: wait.as_secs_f64().ceil() as u64,
        }
    }

    pub(crate) fn cut(&self) -> RemoteError {
        RemoteError::Cut {
            server: self.address().clone(),
        }
    }

    /// An answer as the shape that is expected of it.
    pub(crate) fn parsed<T: DeserializeOwned>(&self, bytes: &[u8]) -> Result<T, RemoteError> {
        let value = wire::value(bytes).map_err(|what| self.nonsense(what))?;
        if let Some(said) = wire::error_in(&value) {
            // Some servers tell of a failure with a status that says all is well.
            return Err(self.judged("", StatusCode::INTERNAL_SERVER_ERROR, &said, None));
        }
        serde_json::from_value(value).map_err(|why| {
            self.nonsense(format!(
                "it has another shape than expected ({})",
                wire::shortened(&why.to_string())
            ))
        })
    }

    pub(crate) fn nonsense(&self, what: impl Into<String>) -> RemoteError {
        RemoteError::Nonsense {
            server: self.address().clone(),
            what: what.into(),
        }
    }

    pub(crate) fn too_large(&self) -> RemoteError {
        RemoteError::TooLarge {
            server: self.address().clone(),
            megabytes: MOST_BYTES >> 20,
        }
    }

    /// Why there is no answer, or no more of it.
    pub(crate) fn lost(&self, why: &reqwest::Error) -> RemoteError {
        if why.is_connect() || why.is_builder() {
            return RemoteError::Unreachable {
                server: self.address().clone(),
                why: root_of(why),
            };
        }
        self.cut()
    }

    async fn refusal(&self, path: &str, mut response: Response) -> RemoteError {
        let status = response.status();
        let header = |headers: &HeaderMap, name| {
            let value = headers.get(name)?;
            Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
        };
        if status.is_redirection() {
            let to = header(response.headers(), LOCATION);
            return RemoteError::SendsOn {
                server: self.address().clone(),
                to: self.told(&to.unwrap_or_else(|| "another place".to_owned())),
            };
        }
        let wait = header(response.headers(), RETRY_AFTER).and_then(|text| seconds_in(&text));
        let mut body = Vec::new();
        while let Ok(Some(more)) = self.more(&mut response, self.limits().stall).await {
            body.extend_from_slice(&more);
            if body.len() > MOST_OF_A_REFUSAL {
                break;
            }
        }
        self.judged(path, status, &wire::said(&body), wait)
    }

    /// What a failed answer means.
    fn judged(
        &self,
        path: &str,
        status: StatusCode,
        said: &wire::Said,
        wait: Option<u64>,
    ) -> RemoteError {
        let server = self.address().clone();
        if let Some((tokens, window)) = said.too_long() {
            return RemoteError::TooLong {
                server,
                tokens,
                window,
            };
        }
        let words = self.told(&said.words);
        match status.as_u16() {
            401 | 403 => RemoteError::Key { server },
            404 | 405 | 501 if !said.about_a_model => RemoteError::Lacks {
                server,
                path: path.to_owned(),
            },
            408 | 429 => RemoteError::Busy {
                server,
                seconds: wait,
            },
            503 if wait.is_some() => RemoteError::Busy {
                server,
                seconds: wait,
            },
            status @ 500.. => RemoteError::Failed {
                server,
                status,
                said: words,
            },
            status => RemoteError::Refused {
                server,
                status,
                said: words,
            },
        }
    }

    /// A server's words, shortened, and without the key should it repeat it.
    fn told(&self, words: &str) -> String {
        let words = match &self.inner.key {
            Some(key) => words.replace(key.exposed(), "…"),
            None => words.to_owned(),
        };
        wire::shortened(&words)
    }
}

/// The innermost reason, which holds no address.
fn root_of(error: &reqwest::Error) -> String {
    let mut inner: &dyn std::error::Error = error;
    while let Some(source) = inner.source() {
        inner = source;
    }
    wire::shortened(&inner.to_string())
}

/// Seconds named by `Retry-After`: a number or a date (RFC 9110, section 10.2.3).
fn seconds_in(text: &str) -> Option<u64> {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<f64>() {
        // Some servers give fractions, which the standard does not know.
        return (seconds >= 0.0).then(|| seconds.ceil() as u64);
    }
    let at = httpdate::parse_http_date(text).ok()?;
    let wait = at.duration_since(SystemTime::now()).unwrap_or_default();
    Some(wait.as_secs_f64().ceil() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_read_as_number_and_as_date() {
        assert_eq!(seconds_in(" 7 "), Some(7));
        assert_eq!(seconds_in("1.2"), Some(2));
        assert_eq!(seconds_in("-1"), None);
        assert_eq!(seconds_in("soon"), None);
        let soon = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(30));
        assert!((28..=31).contains(&seconds_in(&soon).unwrap()));
        assert_eq!(seconds_in("Sun, 06 Nov 1994 08:49:37 GMT"), Some(0));
    }
}
