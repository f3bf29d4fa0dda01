//! A newer version of the program, looked for in the real window at a server of ours on
//! this computer: with the right signature and without, an older one, a cut download.
//!
//! The key was made for these tests; its other half is not kept.

#![allow(clippy::unwrap_used)] // A test may stop at the first surprise.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use pmpo_tests::window::{data_folder, programs, Display, Window};
use serde_json::json;

const KEY: &str = "dW50cnVzdGVkIGNvbW1lbnQ6IG1pbmlzaWduIHB1YmxpYyBrZXk6IEM4NjE1ODlERjYyNkZBQTgKUldTbytpYjJuVmhoeUdNUjZ5ZFFWWU5STFJvdnhiUnUvRndRT1ExanNMSGQwOTFqNm1DNE5oQzMK";
/// What is signed, for version 9.1.0 unless said.
const PROGRAM: &[u8] = b"A newer program, as an archive.\n";
const RIGHT: &str = "dW50cnVzdGVkIGNvbW1lbnQ6IHNpZ25hdHVyZSBmcm9tIHRhdXJpIHNlY3JldCBrZXkKUlVTbytpYjJuVmhoeVBLYXBKdHhOak96R3J6M1h0YkQzWDJwbDhLcHVaTGFwS013czdqMFlNaTRYVy9UejA2M1hWdU1mV2k2MVdRWXE2M29Bb0JpVUszaTJOYW82Mm5lQndNPQp0cnVzdGVkIGNvbW1lbnQ6IHRpbWVzdGFtcDoxNzk1OTkyMjQxCWZpbGU6cHJvZ3JhbS50YXIuZ3oJdmVyc2lvbjo5LjEuMAp1TUtnS0dVdGRjNEpFUkxUaVBxY1lMOE82RFVrOGJaRzNqQk5nVWh5VlZtd2E1RGJDbXVkbEhSWDVzRTdDRWVTelM4dTYwR2tKeUJIN1ZIVVJGRlpEUT09Cg==";
/// By another key.
const WRONG: &str = "dW50cnVzdGVkIGNvbW1lbnQ6IHNpZ25hdHVyZSBmcm9tIHRhdXJpIHNlY3JldCBrZXkKUlVUZG9sQzVLaHMwOFNUUHdVWmhuQ20xMmVSSDdDQWVQRi9ObkhRR1dlazZ4MzJhVVRPc1BDRnJZMDhBUDBqUndoc1d0M2NtMGhxY2E4RlZnOG40RlFLbGNwTWFaRE5EV0FzPQp0cnVzdGVkIGNvbW1lbnQ6IHRpbWVzdGFtcDoxNzk1OTkyMjQyCWZpbGU6cHJvZ3JhbS50YXIuZ3oJdmVyc2lvbjo5LjEuMAo3a3I0c1NWcUxrUzI2V1NaRnZYWEUxQUlnLzdjM0tjQXdxMFdxTWlKRUNPVWQ1RzFqeXlsRU5hYzZwcUtOSlhFczFkd3Z1aVQ2K2hiZEE1bk9EYTBBQT09Cg==";
/// For version 9.0.0.
const OLD: &str = "dW50cnVzdGVkIGNvbW1lbnQ6IHNpZ25hdHVyZSBmcm9tIHRhdXJpIHNlY3JldCBrZXkKUlVTbytpYjJuVmhoeUIwOHBuVlRsVUJEQXQ4b2VLRlFiNjNpZS9GYTFPT1laU3lOWWJURlZ5MXViUU9SVkJuNGxyZXZob0k2RFRQZ2NuMitUT2xDSU9xNmNVSHNNTmFweVFZPQp0cnVzdGVkIGNvbW1lbnQ6IHRpbWVzdGFtcDoxNzk1OTkyMjQzCWZpbGU6cHJvZ3JhbS50YXIuZ3oJdmVyc2lvbjo5LjAuMApHdFExZTczaTlqb0hWWUlVUGZKdTc2Z2M0cEEwMXNxT1FtamJIdDBOMFYzclBPYWxHb0xpZUplTUZHaVZjSWh6bzd4RmlPdlZLL2VRanFGUzhQK01EUT09Cg==";
/// For no version.
const NONE: &str = "dW50cnVzdGVkIGNvbW1lbnQ6IHNpZ25hdHVyZSBmcm9tIHRhdXJpIHNlY3JldCBrZXkKUlVTbytpYjJuVmhoeUpiaWM3azRQSmhaMGRhd2tTb2Nwekk1c0w1SVVWMTVCaERBd3ZaSlZ5SldJTkxjdUt5ZDQzYmF6Nk90WiswMGQ0ZGYzSEY1aUQxZzZnSDJxNkpKeVFNPQp0cnVzdGVkIGNvbW1lbnQ6IHRpbWVzdGFtcDoxNzk1OTkyMjQ1CWZpbGU6cHJvZ3JhbS50YXIuZ3oKNUpUWmMzUmtBcTZzTWpCd0N1MDgyWEtGM1VGMWVLempaWUNMclZ6NnNhMWVKZlplQlV1ZGNYbitMYXlhMEd2YzFKYXFORUJmc0pBK0YyVzZHL3dNRFE9PQo=";

/// What the server answers.
#[derive(Clone)]
struct Manner {
    version: &'static str,
    signature: &'static str,
    program: Vec<u8>,
    /// Bytes of the program after which the connection is closed.
    cut: Option<usize>,
    /// In place of the list of versions.
    list: Option<&'static str>,
}

impl Default for Manner {
    fn default() -> Self {
        Self {
            version: "9.1.0",
            signature: RIGHT,
            program: PROGRAM.to_vec(),
            cut: None,
            list: None,
        }
    }
}

struct Server {
    address: String,
    manner: Arc<Mutex<Manner>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let manner = Arc::new(Mutex::new(Manner::default()));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let server = Self {
            address: address.clone(),
            manner: manner.clone(),
            asked: asked.clone(),
        };
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let manner = manner.lock().unwrap().clone();
                let path = answer(stream, &manner, &address);
                asked.lock().unwrap().push(path);
            }
        });
        server
    }

    fn is(&self, manner: Manner) {
        *self.manner.lock().unwrap() = manner;
    }
}

/// Answers one request; its path.
fn answer(mut stream: TcpStream, manner: &Manner, address: &str) -> String {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap_or(0) == 1 {
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
    let platform = format!(
        "{}-{}-archive",
        std::env::consts::OS,
        std::env::consts::ARCH
    );
    let body = match path.as_str() {
        "/latest.json" => {
            let file = json!({
                "url": format!("{address}/pmpo-studio-9.1.0.tar.gz"),
                "signature": manner.signature,
            });
            let list = json!({
                "version": manner.version,
                "pub_date": "2026-12-24T10:00:00Z",
                "notes": "- Finds better prompts.\n- Reads more files.",
                "platforms": { platform: file },
            });
            let list = list.to_string();
            manner.list.map_or(list, str::to_owned).into_bytes()
        }
        _ => manner.program.clone(),
    };
    let sent = match manner.cut {
        Some(cut) if path != "/latest.json" => &body[..cut],
        _ => &body[..],
    };
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    // Whoever asked may have gone.
    let _ = stream.write_all(head.as_bytes());
    let _ = stream.write_all(sent);
    path
}

/// The program as it lies in an unpacked archive, with the address beside it.
fn unpacked(folder: &Path, server: &Server) -> PathBuf {
    let folder = folder.join("unpacked");
    std::fs::create_dir(&folder).unwrap();
    let program = folder.join("pmpo-studio");
    let built = programs().join("pmpo-studio");
    if std::fs::hard_link(&built, &program).is_err() {
        std::fs::copy(&built, &program).unwrap();
    }
    let address = format!("{}/latest.json", server.address);
    let source = json!({ "address": address, "key": KEY });
    std::fs::write(folder.join("updates.json"), source.to_string()).unwrap();
    program
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_version_is_found_and_only_a_signed_file_is_taken() {
    let (folder, data) = data_folder();
    let server = Server::start();
    let program = unpacked(folder.path(), &server);
    let display = Display::new();
    let window = Window::open_program(&program, &display, &data, &[]).await;
    window.press("about").await;
    window.reads("updates", "127.0.0.1:").await;
    window.sees("look-for-update").await;
    assert_eq!(*server.asked.lock().unwrap(), [""; 0], "nobody pressed");

    for version in ["0.0.9", env!("CARGO_PKG_VERSION")] {
        server.is(Manner {
            version,
            ..Manner::default()
        });
        window.press("look-for-update").await;
        window.sees("newest").await;
    }
    for list in ["<html>Welcome!</html>", "{}"] {
        server.is(Manner {
            list: Some(list),
            ..Manner::default()
        });
        window.press("look-for-update").await;
        window.reads("error-note", "no list of versions").await;
    }
    let elsewhere = r#"{"version":"9.1.0","platforms":{"plan9-mips":{"url":"http://127.0.0.1/x","signature":""}}}"#;
    server.is(Manner {
        list: Some(elsewhere),
        ..Manner::default()
    });
    window.press("look-for-update").await;
    window.reads("error-note", "no package of it").await;

    let saved = data.join("pmpo-studio-9.1.0.tar.gz");
    for (manner, code) in [
        (
            Manner {
                signature: WRONG,
                ..Manner::default()
            },
            "update_signature",
        ),
        (
            Manner {
                signature: OLD,
                ..Manner::default()
            },
            "update_signature",
        ),
        (
            Manner {
                signature: NONE,
                ..Manner::default()
            },
            "update_signature",
        ),
        (
            Manner {
                program: b"Something else, signed by nobody\n".to_vec(),
                ..Manner::default()
            },
            "update_signature",
        ),
        (
            Manner {
                cut: Some(9),
                ..Manner::default()
            },
            "update_broken_off",
        ),
    ] {
        server.is(manner);
        window.press("look-for-update").await;
        window.reads("newer", "Version 9.1.0 is available").await;
        window.press("get-update").await;
        window.sees("error-note").await;
        let script = "return document.querySelector('[data-testid=error-note]').dataset.code";
        assert_eq!(window.run(script, vec![]).await, json!(code));
        assert!(!saved.exists(), "{code}");
    }
    window.pictures("update-broken-off").await;

    server.is(Manner::default());
    window.press("look-for-update").await;
    window.reads("update-notes", "Finds better prompts.").await;
    window.pictures("update").await;
    window.is_accessible("about with a newer version").await;
    window.press("get-update").await;
    window
        .reads("update-saved", "pmpo-studio-9.1.0.tar.gz")
        .await;
    assert_eq!(std::fs::read(&saved).unwrap(), PROGRAM);
    let left = std::fs::read_dir(&data).unwrap().flatten();
    let parts = left.filter(|entry| entry.path().extension().is_some_and(|end| end == "part"));
    assert_eq!(parts.count(), 0);
    window.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_package_that_names_no_address_has_no_button() {
    let (_folder, data) = data_folder();
    let display = Display::new();
    let window = Window::open(&display, &data).await;
    window.press("about").await;
    window.sees("about-version").await;
    assert!(!window.has("updates").await);
    window.close().await;
}
