use std::fmt;

/// Where a server is: `http` or `https`, host, port, and the path before `/v1`.
/// Holds no key and no password.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Address {
    /// Without `/v1` and without a slash at its end.
    pub(crate) root: String,
    pub(crate) host: String,
    /// Whether what is sent can be read on the way.
    pub(crate) clear: bool,
}

impl Address {
    /// Host and port, for example `127.0.0.1:11434`.
    pub fn host_and_port(&self) -> &str {
        &self.host
    }

    /// Whether prompts and key travel over a network unencrypted.
    pub fn sends_in_clear(&self) -> bool {
        self.clear
    }

    /// The address of a path, for example `/v1/models`.
    pub(crate) fn of(&self, path: &str) -> String {
        format!("{}{path}", self.root)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.root)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({})", self.root)
    }
}
