//! A hub on this computer: one server that knows the models, and another that
//! large files come from, as on the real one. Tricks make it fail.

#![allow(clippy::unwrap_used, dead_code, unreachable_pub)] // Not every test needs everything.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use pmpo_hub::{Hub, HubOptions, RepoId, Retries, Token};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

pub const REPO: &str = "ada/model-GGUF";
pub const TOKEN: &str = "hf_verysecret";
/// What lets in at the server of large files, and is not to be shown either.
pub const SIGNATURE: &str = "signedsecret";

/// What a server does to a request instead of answering it.
#[derive(Debug, Clone)]
pub enum Trick {
    /// Answers with a status and headers.
    Status(u16, Vec<(&'static str, String)>),
    /// Ends the connection after so many bytes of the body.
    Cut(usize),
    /// Sends nothing more after so many bytes of the body.
    Stall(usize),
    /// Sends a few bytes at a time.
    Slow(usize, Duration),
    /// Answers with the whole file whatever is asked for.
    NoRange,
    /// States another length, longer or shorter.
    Length(i64),
    /// Sends other bytes of the same length.
    Corrupt,
    /// Sends another part than the one that was asked for.
    OtherPart,
    /// Sends more than there is, without stating a length.
    TooLong,
    /// States another content.
    OtherTag,
    /// Answers with a page for people.
    Page,
}

struct File {
    bytes: Vec<u8>,
    large: bool,
}

impl File {
    fn etag(&self) -> String {
        let sum = format!("{:x}", Sha256::digest(&self.bytes));
        match self.large {
            true => sum,
            // Like the name of a git object.
            false => sum[..40].to_owned(),
        }
    }
}

/// A request that came in.
#[derive(Debug, Clone)]
pub struct Request {
    pub path: String,
    pub headers: BTreeMap<String, String>,
    /// Whether it came to the server of large files.
    pub elsewhere: bool,
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    /// First byte that is asked for.
    pub fn start(&self) -> Option<u64> {
        let range = self.header("range")?;
        range
            .strip_prefix("bytes=")?
            .strip_suffix('-')?
            .parse()
            .ok()
    }
}

#[derive(Default)]
struct State {
    files: BTreeMap<String, File>,
    commit: u32,
    gated: bool,
    /// Token that is let in; anybody where there is none.
    needs: Option<String>,
    /// Path's part, trick, and how often it is still played.
    tricks: Vec<(String, Trick, usize)>,
    log: Vec<Request>,
    elsewhere: String,
}

pub struct TestHub {
    state: Arc<Mutex<State>>,
    pub address: String,
    servers: Vec<JoinHandle<()>>,
}

impl Drop for TestHub {
    fn drop(&mut self) {
        self.servers.iter().for_each(JoinHandle::abort);
    }
}

impl TestHub {
    pub async fn new() -> Self {
        let state: Arc<Mutex<State>> = Arc::default();
        let mut servers = Vec::new();
        let mut addresses = Vec::new();
        for elsewhere in [false, true] {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            addresses.push(format!("http://{}", listener.local_addr().unwrap()));
            let state = state.clone();
            servers.push(tokio::spawn(async move {
                while let Ok((stream, _)) = listener.accept().await {
                    let state = state.clone();
                    tokio::spawn(async move {
                        // Who asked may have gone.
                        let _ = serve(stream, &state, elsewhere).await;
                    });
                }
            }));
        }
        state.lock().unwrap().elsewhere = addresses.pop().unwrap();
        Self {
            state,
            address: addresses.pop().unwrap(),
            servers,
        }
    }

    /// Puts a file there, large ones with a checksum, and moves the branch on.
    pub fn put(&self, name: &str, bytes: &[u8], large: bool) {
        let mut state = self.state.lock().unwrap();
        state.commit += 1;
        let bytes = bytes.to_vec();
        state.files.insert(name.to_owned(), File { bytes, large });
    }

    pub fn gate(&self) {
        self.state.lock().unwrap().gated = true;
    }

    pub fn let_in(&self, token: &str) {
        self.state.lock().unwrap().needs = Some(token.to_owned());
    }

    /// Plays a trick on the next `times` requests whose path has `part` in it.
    pub fn trick(&self, part: &str, trick: Trick, times: usize) {
        let mut state = self.state.lock().unwrap();
        state.tricks.push((part.to_owned(), trick, times));
    }

    pub fn commit(&self) -> String {
        format!("{:040x}", self.state.lock().unwrap().commit)
    }

    pub fn etag(&self, name: &str) -> String {
        self.state.lock().unwrap().files[name].etag()
    }

    pub fn log(&self) -> Vec<Request> {
        self.state.lock().unwrap().log.clone()
    }

    pub fn clear_log(&self) {
        self.state.lock().unwrap().log.clear();
    }

    /// Requests that came for contents, wherever.
    pub fn asked(&self, part: &str) -> Vec<Request> {
        let mut log = self.log();
        log.retain(|request| request.path.contains(part));
        log
    }

    /// Bytes of files that were sent on request, counted from where each began.
    pub fn starts(&self) -> Vec<Option<u64>> {
        let contents = self.asked("/content/");
        contents.iter().map(Request::start).collect()
    }

    /// Quick to lose patience.
    pub fn options(&self, cache: &Path) -> HubOptions {
        let mut options = HubOptions::new(cache);
        options.endpoint.clone_from(&self.address);
        options.stall = Duration::from_millis(200);
        options.retries = Retries {
            most: 3,
            first: Duration::from_millis(4),
            longest: Duration::from_millis(20),
        };
        options.poll = Duration::from_millis(10);
        options.reserve = 0;
        options
    }

    pub fn hub(&self, cache: &Path) -> Hub {
        Hub::new(self.options(cache)).unwrap()
    }

    /// Waits for what stands still, so that a test can pause there.
    pub fn patient(&self, cache: &Path) -> Hub {
        let mut options = self.options(cache);
        options.stall = Duration::from_secs(20);
        Hub::new(options).unwrap()
    }

    pub fn signed_in(&self, cache: &Path, token: &str) -> Hub {
        let mut options = self.options(cache);
        options.token = Some(Token::new(token).unwrap());
        Hub::new(options).unwrap()
    }
}

async fn serve(
    mut stream: TcpStream,
    state: &Mutex<State>,
    elsewhere: bool,
) -> std::io::Result<()> {
    loop {
        let Some(request) = read(&mut stream, elsewhere).await? else {
            return Ok(());
        };
        let (answer, body, trick) = {
            let mut state = state.lock().unwrap();
            state.log.push(request.clone());
            let trick = state.take(&request.path);
            let (answer, body) = state.answer(&request, trick.as_ref());
            (answer, body, trick)
        };
        stream.write_all(answer.as_bytes()).await?;
        match trick {
            Some(Trick::Cut(count)) => {
                stream.write_all(&body[..count.min(body.len())]).await?;
                return stream.shutdown().await;
            }
            Some(Trick::Stall(count)) => {
                stream.write_all(&body[..count.min(body.len())]).await?;
                stream.flush().await?;
                // Until whoever asked goes away.
                let _ = stream.read(&mut [0]).await;
                return Ok(());
            }
            Some(Trick::Slow(count, pause)) => {
                for part in body.chunks(count) {
                    stream.write_all(part).await?;
                    tokio::time::sleep(pause).await;
                }
            }
            Some(Trick::TooLong) => {
                stream.write_all(&body).await?;
                stream.write_all(b"and more").await?;
                return stream.shutdown().await;
            }
            Some(Trick::Length(_)) => {
                stream.write_all(&body).await?;
                return stream.shutdown().await;
            }
            _ => stream.write_all(&body).await?,
        }
    }
}

async fn read(stream: &mut TcpStream, elsewhere: bool) -> std::io::Result<Option<Request>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        if stream.read(&mut byte).await? == 0 {
            return Ok(None);
        }
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap();
    let mut lines = head.lines();
    let path = lines.next().unwrap().split(' ').nth(1).unwrap().to_owned();
    let headers = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    Ok(Some(Request {
        path,
        headers,
        elsewhere,
    }))
}

fn head(status: u16, headers: &[(&str, String)], length: Option<usize>) -> String {
    let mut head = format!("HTTP/1.1 {status} -\r\n");
    for (name, value) in headers {
        write!(head, "{name}: {value}\r\n").unwrap();
    }
    match length {
        Some(length) => write!(head, "Content-Length: {length}\r\n\r\n").unwrap(),
        None => head.push_str("Connection: close\r\n\r\n"),
    }
    head
}

impl State {
    fn take(&mut self, path: &str) -> Option<Trick> {
        let fits = |(part, _, times): &(String, Trick, usize)| *times > 0 && path.contains(part);
        let found = self.tricks.iter_mut().find(|trick| fits(trick))?;
        found.2 -= 1;
        Some(found.1.clone())
    }

    fn answer(&self, request: &Request, trick: Option<&Trick>) -> (String, Vec<u8>) {
        let plain =
            |status, headers: &[(&str, String)]| (head(status, headers, Some(0)), Vec::new());
        match trick {
            Some(Trick::Status(status, headers)) => return plain(*status, headers),
            Some(Trick::Page) => {
                let page = b"<html>Sign in to the network</html>".to_vec();
                return (head(200, &[], Some(page.len())), page);
            }
            _ => {}
        }
        let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
        let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        if request.elsewhere {
            let ["content", etag] = parts[..] else {
                return plain(404, &[]);
            };
            if !query.contains(SIGNATURE) {
                return plain(403, &[]);
            }
            let file = self.files.values().find(|file| file.etag() == etag);
            return match file {
                // Its own name of the content is another one.
                Some(file) => content(request, &file.bytes, &format!("\"x{etag}\""), trick),
                None => plain(404, &[]),
            };
        }
        let code = |status, code: &str| plain(status, &[("X-Error-Code", code.to_owned())]);
        if let Some(token) = &self.needs {
            let given = request.header("authorization");
            match given.map(|given| given == format!("Bearer {token}")) {
                None if !self.gated => return code(401, "RepoNotFound"),
                Some(false) => {
                    let says = "Invalid credentials in Authorization header".to_owned();
                    return plain(401, &[("X-Error-Message", says)]);
                }
                _ => {}
            }
        }
        match &parts[..] {
            ["api", "models", owner, name, "revision", "main"] => {
                match format!("{owner}/{name}") == REPO {
                    true => {
                        let list = self.list();
                        (head(200, &[], Some(list.len())), list.into_bytes())
                    }
                    false => code(404, "RepoNotFound"),
                }
            }
            [owner, name, "resolve", commit, file @ ..] => {
                let repo = format!("{owner}/{name}");
                if repo != REPO && repo.eq_ignore_ascii_case(REPO) {
                    let to = format!("/{REPO}/resolve/{commit}/{}", file.join("/"));
                    return plain(307, &[("Location", to)]);
                }
                if self.gated {
                    let status = if request.header("authorization").is_some() {
                        403
                    } else {
                        401
                    };
                    return code(status, "GatedRepo");
                }
                let Some(found) = self.files.get(&file.join("/")) else {
                    return code(404, "EntryNotFound");
                };
                let tag = match trick {
                    Some(Trick::OtherTag) => found.etag().replace(|_| true, "f"),
                    _ => found.etag(),
                };
                if !found.large {
                    return content(request, &found.bytes, &format!("\"{tag}\""), trick);
                }
                let to = format!("{}/content/{}?{SIGNATURE}", self.elsewhere, found.etag());
                plain(
                    302,
                    &[
                        ("Location", to),
                        ("X-Linked-ETag", format!("\"{tag}\"")),
                        ("X-Linked-Size", found.bytes.len().to_string()),
                        ("X-Repo-Commit", (*commit).to_owned()),
                        ("ETag", "\"of the page\"".to_owned()),
                    ],
                )
            }
            _ => plain(404, &[]),
        }
    }

    fn list(&self) -> String {
        let mut list = format!(
            "{{\"sha\": \"{:040x}\", \"gated\": false, \"siblings\": [",
            self.commit
        );
        for (index, (name, file)) in self.files.iter().enumerate() {
            let comma = if index > 0 { ", " } else { "" };
            let (size, etag) = (file.bytes.len(), file.etag());
            let lfs = match file.large {
                true => format!(
                    ", \"lfs\": {{\"sha256\": \"{etag}\", \"size\": {size}, \"pointerSize\": 130}}"
                ),
                false => String::new(),
            };
            let blob = &etag[..40];
            write!(list, "{comma}{{\"rfilename\": \"{name}\", \"size\": {size}, \"blobId\": \"{blob}\"{lfs}}}").unwrap();
        }
        list + "]}"
    }
}

/// A file, or the part of it that is asked for.
fn content(request: &Request, bytes: &[u8], tag: &str, trick: Option<&Trick>) -> (String, Vec<u8>) {
    let same = request
        .header("if-range")
        .is_none_or(|wanted| wanted == tag);
    let start = match trick {
        Some(Trick::NoRange) => None,
        _ => request.start().filter(|_| same).map(|start| start as usize),
    };
    if start.is_some_and(|start| start >= bytes.len()) {
        return (head(416, &[], Some(0)), Vec::new());
    }
    let mut headers = vec![("ETag", tag.to_owned())];
    let first = match trick {
        Some(Trick::OtherPart) => start.map(|start| start - 1),
        _ => start,
    };
    let mut body = bytes[first.unwrap_or(0)..].to_vec();
    if let Some(first) = first {
        let all = bytes.len();
        headers.push(("Content-Range", format!("bytes {first}-{}/{all}", all - 1)));
    }
    let length = match trick {
        Some(Trick::TooLong) => None,
        Some(Trick::Length(more)) => Some((body.len() as i64 + more) as usize),
        _ => Some(body.len()),
    };
    if let Some(Trick::Corrupt) = trick {
        let middle = body.len() / 2;
        body[middle] ^= 1;
    }
    (
        head(if start.is_some() { 206 } else { 200 }, &headers, length),
        body,
    )
}

pub fn repo() -> RepoId {
    RepoId::new(REPO).unwrap()
}

pub fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// Bytes that look like weights: no pattern, the same every time.
pub fn weights(count: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    std::iter::repeat_with(next).take(count).collect()
}

/// All files and links below a folder, by name.
pub fn files_in(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        match entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            true => found.extend(files_in(&entry.path())),
            false => found.push(entry.path()),
        }
    }
    found.sort();
    found
}

/// Unfinished files in a cache: each one's length.
pub fn parts(cache: &Path) -> Vec<u64> {
    let parts = files_in(cache).into_iter();
    let parts = parts.filter(|path| path.to_string_lossy().ends_with(".part"));
    // One may become a whole file meanwhile.
    parts
        .filter_map(|path| Some(path.metadata().ok()?.len()))
        .collect()
}

/// What programs find in the snapshots of the cache.
pub fn snapshots(cache: &Path) -> Vec<PathBuf> {
    files_in(&cache.join("models--ada--model-GGUF/snapshots"))
}

/// Waits until something holds, for a while at most.
pub async fn until(what: &str, holds: impl Fn() -> bool) {
    for _ in 0..5000 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    panic!("waited in vain until {what}");
}
