//! Addresses as people type them.

use std::net::IpAddr;

use reqwest::Url;

use crate::address::Address;
use crate::error::RemoteError;

/// Ends of addresses that people copy from manuals; the program adds them itself.
const ENDS: [&str; 4] = ["/chat/completions", "/completions", "/models", "/v1"];

impl Address {
    /// Reads what a person typed, with or without `http://` and `/v1`.
    ///
    /// # Errors
    /// [`RemoteError::Address`] says what is wrong. An address with a password in it
    /// is refused and not repeated.
    pub fn parse(typed: &str) -> Result<Self, RemoteError> {
        let typed = typed.trim();
        let fault = |why: &str| RemoteError::Address {
            given: typed.to_owned(),
            why: why.to_owned(),
        };
        if typed.is_empty() {
            return Err(fault("it is empty"));
        }
        let whole = match typed.contains("://") {
            true => typed.to_owned(),
            false => format!("http://{typed}"),
        };
        let url = Url::parse(&whole).map_err(|why| match typed.contains('@') {
            true => with_password(),
            false => fault(&why.to_string()),
        })?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(with_password());
        }
        if !matches!(url.scheme(), "http" | "https") {
            return Err(fault("it must begin with http:// or https://"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(fault("it must end before the signs ? and #"));
        }
        let Some(host) = url.host_str() else {
            return Err(fault("it names no computer"));
        };
        let port = url.port_or_known_default().unwrap_or(80);
        let clear = url.scheme() == "http" && !is_here(host);
        let host = format!("{host}:{port}");
        let mut root = url.as_str().trim_end_matches('/');
        for end in ENDS {
            root = root.strip_suffix(end).unwrap_or(root);
        }
        Ok(Self {
            root: root.trim_end_matches('/').to_owned(),
            host,
            clear,
        })
    }
}

fn with_password() -> RemoteError {
    RemoteError::Address {
        given: "…@…".to_owned(),
        why: "a name or password must not stand in it; a key has a field of its own".to_owned(),
    }
}

/// Whether a host is this computer.
fn is_here(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    match bare.parse::<IpAddr>() {
        Ok(ip) => ip.is_loopback(),
        Err(_) => bare == "localhost" || bare.ends_with(".localhost"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_people_type_them() {
        for (typed, root, host) in [
            (
                "localhost:11434",
                "http://localhost:11434",
                "localhost:11434",
            ),
            (
                " http://127.0.0.1:8000/v1/ ",
                "http://127.0.0.1:8000",
                "127.0.0.1:8000",
            ),
            (
                "https://models.example",
                "https://models.example",
                "models.example:443",
            ),
            (
                "http://[::1]:8080/v1/chat/completions",
                "http://[::1]:8080",
                "[::1]:8080",
            ),
            ("https://host/llm/v1/models", "https://host/llm", "host:443"),
        ] {
            let address = Address::parse(typed).unwrap();
            assert_eq!(address.to_string(), root, "{typed}");
            assert_eq!(address.host_and_port(), host, "{typed}");
            assert_eq!(address.of("/v1/models"), format!("{root}/v1/models"));
        }
    }

    #[test]
    fn other_addresses_are_refused_in_words() {
        for (typed, word) in [
            ("", "empty"),
            ("ftp://host", "http"),
            ("http://", "host"),
            ("http://host:99999", "port"),
            ("http://host/?key=1", "?"),
        ] {
            let fault = Address::parse(typed).unwrap_err().to_string();
            assert!(fault.contains(word), "{typed}: {fault}");
        }
        for typed in ["http://me:sesame@host", "sesame@host", "http://a b:sesame@"] {
            let fault = Address::parse(typed).unwrap_err();
            assert!(!format!("{fault} {fault:?}").contains("sesame"), "{fault}");
        }
    }

    #[test]
    fn only_other_computers_can_be_listened_to() {
        let clear = |typed| Address::parse(typed).unwrap().sends_in_clear();
        assert!(clear("http://192.168.1.5:8000"));
        assert!(!clear("https://192.168.1.5:8000"));
        for here in ["localhost:1", "127.0.0.1:1", "http://[::1]:1"] {
            assert!(!clear(here), "{here}");
        }
    }
}
