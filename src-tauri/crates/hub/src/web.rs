//! Requests to the hub, redirects followed by hand: the token goes to the hub
//! and to nobody else, and what the hub itself says of a file is noted before
//! another server sends it.

use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

use reqwest::header::{
    HeaderMap, HeaderValue, ACCEPT_ENCODING, AUTHORIZATION, ETAG, IF_RANGE, LOCATION, RANGE,
    RETRY_AFTER,
};
use reqwest::{redirect, Client, Response, StatusCode, Url};

use crate::error::Fault;
use crate::options::Token;
use crate::retry::asked_wait;
use crate::{HubError, RepoId};

/// Redirects in a row that are followed.
const MOST_REDIRECTS: usize = 10;
/// Time for a connection to be made.
const CONNECTING: Duration = Duration::from_secs(10);
/// Longest answer that is taken for a list of files, in bytes.
const LONGEST_LIST: usize = 32 << 20;

/// The hub and how to talk to it.
pub(crate) struct Web {
    endpoint: Url,
    token: Option<HeaderValue>,
    stall: Duration,
    client: OnceLock<Client>,
}

/// The rest of a file.
pub(crate) struct Rest<'a> {
    /// First byte.
    pub start: u64,
    /// Only if the server's file is still this one (its entity tag).
    pub unchanged: Option<&'a str>,
}

/// A server's answer to a request for a file.
pub(crate) struct Answer {
    pub response: Response,
    /// Name of the server that gave it.
    pub host: String,
    /// Which file the hub says it is, where it says so: its SHA-256, or its git
    /// object's name.
    pub etag: Option<String>,
}

impl Web {
    pub(crate) fn new(
        endpoint: &str,
        token: Option<&Token>,
        stall: Duration,
    ) -> Result<Self, HubError> {
        let parsed = Url::parse(endpoint.trim().trim_end_matches('/')).ok();
        let is_web = |url: &Url| ["http", "https"].contains(&url.scheme()) && url.has_host();
        let Some(mut parsed) = parsed.filter(is_web) else {
            // A name and a password may stand before the host.
            let endpoint = endpoint.rsplit('@').next().unwrap_or_default().to_owned();
            return Err(HubError::BadEndpoint { endpoint });
        };
        parsed.set_query(None);
        parsed.set_fragment(None);
        let token = token.map(|token| {
            let header = HeaderValue::from_str(&format!("Bearer {}", token.reveal()));
            header.map(|mut header| {
                header.set_sensitive(true);
                header
            })
        });
        Ok(Self {
            endpoint: parsed,
            token: token.transpose().map_err(|_| HubError::BadToken)?,
            stall,
            client: OnceLock::new(),
        })
    }

    /// Made when it is first needed: without a network, and even without
    /// certificates, what is here can be used.
    fn client(&self) -> Result<&Client, HubError> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        let builder = match is_loopback(&self.endpoint) {
            // What runs on this computer is not reached through another one.
            true => Client::builder().no_proxy(),
            false => Client::builder(),
        };
        let client = builder
            .user_agent(concat!("pmpo-studio/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .connect_timeout(CONNECTING.min(self.stall))
            // One file at a time needs no more, and cut connections are told apart.
            .http1_only()
            .build()
            .map_err(|error| self.no_network(host(&self.endpoint), &error))?;
        Ok(self.client.get_or_init(|| client))
    }

    fn no_network(&self, host: String, error: &reqwest::Error) -> HubError {
        HubError::NoNetwork {
            host,
            why: innermost(error),
        }
    }

    /// An address below the hub's.
    fn address(&self, parts: &[&str]) -> Url {
        let mut url = self.endpoint.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(parts);
        }
        url
    }

    /// The page of a repository, for people.
    pub(crate) fn page(&self, repo: &RepoId) -> String {
        let parts: Vec<&str> = repo.as_str().split('/').collect();
        let mut page = self.address(&parts);
        // Nothing secret is shown.
        let _ = page.set_username("");
        let _ = page.set_password(None);
        page.to_string()
    }

    /// What the hub knows of a repository at `revision`, as JSON.
    pub(crate) async fn list(&self, repo: &RepoId, revision: &str) -> Result<Vec<u8>, Fault> {
        let mut parts = vec!["api", "models"];
        parts.extend(repo.as_str().split('/'));
        parts.extend(["revision", revision]);
        let mut url = self.address(&parts);
        url.set_query(Some("blobs=true"));
        let mut answer = self.get(url, repo, None, None).await?;
        let mut body = Vec::new();
        while let Some(bytes) = self.next(&mut answer).await? {
            body.extend_from_slice(&bytes);
            if body.len() > LONGEST_LIST {
                return Err(self.not_a_hub("its list of files has no end").into());
            }
        }
        Ok(body)
    }

    /// A file at a commit, or the rest of it.
    pub(crate) async fn file(
        &self,
        repo: &RepoId,
        commit: &str,
        file: &str,
        rest: Option<Rest<'_>>,
    ) -> Result<Answer, Fault> {
        let mut parts: Vec<&str> = repo.as_str().split('/').collect();
        parts.extend(["resolve", commit]);
        parts.extend(file.split('/'));
        self.get(self.address(&parts), repo, Some(file), rest).await
    }

    /// The next bytes of an answer; none after the last.
    pub(crate) async fn next(&self, answer: &mut Answer) -> Result<Option<bytes::Bytes>, Fault> {
        let broken = |why| {
            Fault::again(HubError::Broken {
                host: answer.host.clone(),
                why,
            })
        };
        match tokio::time::timeout(self.stall, answer.response.chunk()).await {
            Ok(Ok(bytes)) => Ok(bytes),
            Ok(Err(_)) => Err(broken("was cut")),
            Err(_) => Err(broken("stands still")),
        }
    }

    async fn get(
        &self,
        mut url: Url,
        repo: &RepoId,
        file: Option<&str>,
        rest: Option<Rest<'_>>,
    ) -> Result<Answer, Fault> {
        let mut etag = None;
        for _ in 0..MOST_REDIRECTS {
            let is_hub = url.origin() == self.endpoint.origin();
            let response = self.send(&url, is_hub, rest.as_ref()).await?;
            let moves = response.status().is_redirection();
            if is_hub {
                // A redirect's own tag is that of its page, not of the file.
                etag = etag.or_else(|| tag(response.headers(), "x-linked-etag"));
                etag = etag.or_else(|| tag(response.headers(), ETAG.as_str()).filter(|_| !moves));
            }
            if !moves {
                let host = host(&url);
                if !response.status().is_success() {
                    return Err(self.refused(&response, is_hub, host, repo, file));
                }
                return Ok(Answer {
                    response,
                    host,
                    etag,
                });
            }
            url = self.redirected(&url, &response)?;
        }
        Err(self.not_a_hub("it leads on and on").into())
    }

    async fn send(
        &self,
        url: &Url,
        is_hub: bool,
        rest: Option<&Rest<'_>>,
    ) -> Result<Response, Fault> {
        // Bytes are counted, so they come as they are.
        let mut request = self
            .client()?
            .get(url.clone())
            .header(ACCEPT_ENCODING, "identity");
        if let Some(token) = self.token.as_ref().filter(|_| is_hub) {
            request = request.header(AUTHORIZATION, token);
        }
        if let Some(rest) = rest {
            request = request.header(RANGE, format!("bytes={}-", rest.start));
            if let Some(etag) = rest.unchanged {
                request = request.header(IF_RANGE, etag);
            }
        }
        match tokio::time::timeout(self.stall, request.send()).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) => Err(Fault::again(self.no_network(host(url), &error))),
            Err(_) => Err(Fault::again(HubError::Broken {
                host: host(url),
                why: "stands still",
            })),
        }
    }

    fn redirected(&self, from: &Url, response: &Response) -> Result<Url, HubError> {
        let to = response.headers().get(LOCATION);
        let to = to.and_then(|to| to.to_str().ok());
        let to = to.and_then(|to| from.join(to).ok());
        to.filter(|to| is_safe(from, to))
            .ok_or_else(|| HubError::BadRedirect { host: host(from) })
    }

    /// Why there was no success. Codes:
    /// <https://github.com/huggingface/huggingface_hub/blob/main/src/huggingface_hub/utils/_http.py>.
    fn refused(
        &self,
        response: &Response,
        is_hub: bool,
        host: String,
        repo: &RepoId,
        file: Option<&str>,
    ) -> Fault {
        let word = |name: &str| {
            let header = response.headers().get(name);
            header.and_then(|header| header.to_str().ok())
        };
        let status = response.status();
        let code = word("x-error-code").unwrap_or_default();
        let no_file = || match file {
            Some(file) => HubError::NoFile {
                repo: repo.clone(),
                file: file.to_owned(),
            },
            None => HubError::NoRepo { repo: repo.clone() },
        };
        let asked = word(RETRY_AFTER.as_str());
        let wait = asked.and_then(|asked| asked_wait(asked, SystemTime::now()));
        let failing = HubError::Failing {
            host,
            status: status.as_u16(),
        };
        let again = |why| Fault::Again { why, wait };
        match status {
            StatusCode::REQUEST_TIMEOUT => return again(failing),
            StatusCode::TOO_MANY_REQUESTS => {
                return again(wait.map_or(failing, |wait| HubError::TooManyRequests {
                    seconds: wait.as_secs(),
                }));
            }
            status if status.is_server_error() => return again(failing),
            // The address that the hub gave is good for a while; it gives a new one.
            _ if !is_hub => return again(failing),
            _ => {}
        }
        let says = word("x-error-message").unwrap_or_default();
        Fault::Final(match (status, code) {
            (_, "GatedRepo") => HubError::Gated {
                repo: repo.clone(),
                address: self.page(repo),
                signed_in: self.token.is_some(),
            },
            (_, "EntryNotFound") => no_file(),
            (StatusCode::UNAUTHORIZED, _) if says.contains("Invalid credentials") => {
                HubError::BadToken
            }
            // The hub does not tell strangers which models there are.
            (StatusCode::UNAUTHORIZED, _) if self.token.is_none() => {
                HubError::SignIn { repo: repo.clone() }
            }
            (_, "RepoNotFound" | "RevisionNotFound") => HubError::NoRepo { repo: repo.clone() },
            (StatusCode::UNAUTHORIZED, _) => HubError::BadToken,
            (StatusCode::FORBIDDEN, _) => HubError::Forbidden { repo: repo.clone() },
            (StatusCode::NOT_FOUND, _) => no_file(),
            _ => self.not_a_hub(&format!("status {}", status.as_u16())),
        })
    }

    pub(crate) fn not_a_hub(&self, why: &str) -> HubError {
        HubError::NotAHub {
            host: host(&self.endpoint),
            why: why.to_owned(),
        }
    }
}

/// Whether a redirect may be followed: to the web, and never out of encryption.
fn is_safe(from: &Url, to: &Url) -> bool {
    let is_web = match to.scheme() {
        "https" => true,
        "http" => from.scheme() == "http",
        _ => false,
    };
    is_web && to.has_host()
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let host = host.trim_matches(['[', ']']);
    host == "localhost"
        || host
            .parse()
            .is_ok_and(|ip: std::net::IpAddr| ip.is_loopback())
}

/// Host and port: nothing of an address that could be secret.
fn host(url: &Url) -> String {
    let name = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{name}:{port}"),
        None => name.to_owned(),
    }
}

/// An entity tag without its marks.
fn tag(headers: &HeaderMap, name: &str) -> Option<String> {
    let text = headers.get(name)?.to_str().ok()?;
    let text = text.trim_start_matches("W/").trim_matches('"');
    Some(text.to_owned())
}

/// The last of an error's reasons, which names no address.
fn innermost(error: &reqwest::Error) -> String {
    let mut reason: &dyn std::error::Error = error;
    while let Some(source) = reason.source() {
        reason = source;
    }
    match std::ptr::addr_eq(reason, error) {
        true => "the request failed".to_owned(),
        false => reason.to_string(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // A test may stop at the first surprise.
mod tests {
    use super::*;

    #[test]
    fn redirects_stay_on_the_web_and_do_not_leave_encryption() {
        let safe =
            |from: &str, to: &str| is_safe(&Url::parse(from).unwrap(), &Url::parse(to).unwrap());
        assert!(safe("https://hub", "https://files"));
        assert!(safe("http://hub", "https://files"));
        assert!(safe("http://hub", "http://files"));
        assert!(!safe("https://hub", "http://files"));
        assert!(!safe("http://hub", "ftp://files"));
        assert!(!safe("http://hub", "file:///etc"));
    }

    #[test]
    fn only_this_computer_is_reached_without_a_proxy() {
        let here = |url: &str| is_loopback(&Url::parse(url).unwrap());
        for url in ["http://127.0.0.1:1", "http://localhost/x", "http://[::1]:1"] {
            assert!(here(url), "{url}");
        }
        for url in [
            "https://huggingface.co",
            "http://10.0.0.1",
            "http://localhost.x",
        ] {
            assert!(!here(url), "{url}");
        }
    }

    #[test]
    fn the_page_shows_nothing_that_lets_in() {
        let web = Web::new("https://ada:secret@hub/x/?y#z", None, Duration::ZERO).unwrap();
        let page = web.page(&RepoId::new("a/b").unwrap());
        assert_eq!(page, "https://hub/x/a/b");
    }
}
