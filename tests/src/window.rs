//! The real program in a real window on a display of its own, driven through WebDriver.

#![allow(clippy::unwrap_used)] // A test may stop at the first surprise.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use fantoccini::wd::Capabilities;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{json, Value};

/// A run on two cores takes minutes; so does a machine that builds beside.
const LONG: Duration = Duration::from_secs(240);
const SHORT: Duration = Duration::from_secs(40);

/// A data folder with the built-in model in it.
pub fn data_folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    std::fs::create_dir_all(data.join("models")).unwrap();
    let model = pmpo_app::built_in_model();
    assert!(model.is_file(), "run scripts/fetch-model.sh first");
    let place = data.join("models").join(model.file_name().unwrap());
    std::os::unix::fs::symlink(&model, place).unwrap();
    (folder, data)
}

/// Ends a process with its value.
struct Owned(Child);

impl Drop for Owned {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A display that nobody looks at.
pub struct Display {
    name: String,
    _server: Owned,
}

impl Default for Display {
    fn default() -> Self {
        Self::new()
    }
}

impl Display {
    /// Its name, as programs want it in `DISPLAY`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Starts a server on a free number.
    pub fn new() -> Self {
        // The server chooses a free number and writes it to this pipe.
        let mut server = Command::new("Xvfb")
            .args([
                "-displayfd",
                "1",
                "-screen",
                "0",
                "1240x860x24",
                "-nolisten",
                "tcp",
            ])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("Xvfb is installed by scripts/setup.sh test");
        let mut line = String::new();
        let out = server.stdout.take().unwrap();
        std::io::BufRead::read_line(&mut std::io::BufReader::new(out), &mut line).unwrap();
        Self {
            name: format!(":{}", line.trim()),
            _server: Owned(server),
        }
    }
}

/// An open window.
pub struct Window {
    pub page: Client,
    driver: Owned,
    display: String,
    data: PathBuf,
    program: PathBuf,
}

/// Where the programs are: those of this build, or installed ones (`PMPO_PROGRAMS`).
pub fn programs() -> PathBuf {
    if let Some(folder) = std::env::var_os("PMPO_PROGRAMS") {
        return folder.into();
    }
    let own = std::env::current_exe().unwrap();
    let folder = own.parent().unwrap();
    // Tests lie one folder further down.
    if folder.ends_with("deps") {
        return folder.parent().unwrap().to_owned();
    }
    folder.to_owned()
}

/// Where pictures are left to be looked at.
pub fn picture_folder() -> PathBuf {
    let usual = Path::new(env!("CARGO_MANIFEST_DIR")).join("../test-output/window");
    let folder = std::env::var_os("PMPO_PICTURES").map_or(usual, PathBuf::from);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// Whether a program is running.
fn goes_on(program: &Path) -> bool {
    let found = Command::new("pgrep")
        .args(["-f", program.to_str().unwrap()])
        .stdout(Stdio::null())
        .status();
    found.unwrap().success()
}

impl Window {
    /// Starts the program on a data folder.
    pub async fn open(display: &Display, data: &Path) -> Self {
        Self::open_with(display, data, &[]).await
    }

    /// The same with variables of the environment.
    pub async fn open_with(display: &Display, data: &Path, more: &[(&str, String)]) -> Self {
        let program = programs().join("pmpo-studio");
        Self::open_program(&program, display, data, more).await
    }

    /// The same with a program that lies elsewhere.
    pub async fn open_program(
        program: &Path,
        display: &Display,
        data: &Path,
        more: &[(&str, String)],
    ) -> Self {
        let folder = |path: &Path| path.display().to_string();
        let mut all = vec![
            ("PMPO_DATA_DIR", folder(data)),
            // The plain program itself, whatever is built beside it.
            ("PMPO_PLAIN", "1".to_owned()),
            ("PMPO_EXPORT_DIR", folder(data)),
            // A profile of its own, so that tests do not see each other's window sizes.
            ("XDG_CONFIG_HOME", folder(&data.join("config"))),
            // So has the log.
            ("XDG_STATE_HOME", folder(&data.join("state"))),
        ];
        all.extend(more.iter().cloned());
        Self::start(program, display, data, &all, &[]).await
    }

    /// Starts the program as a person's desktop does, with a file to open; `home` is where
    /// their folders are.
    pub async fn open_installed(display: &Display, home: &Path, file: &Path) -> Self {
        let program = programs().join("pmpo-studio");
        Self::start(&program, display, home, &[], &[file]).await
    }

    async fn start(
        program: &Path,
        display: &Display,
        data: &Path,
        more: &[(&str, String)],
        words: &[&Path],
    ) -> Self {
        assert!(
            program.is_file(),
            "build the program first: {} is missing",
            program.display()
        );
        let port = TcpListener::bind("127.0.0.1:0")
            .and_then(|listener| listener.local_addr())
            .unwrap()
            .port();
        let driver = Command::new("WebKitWebDriver")
            .arg(format!("--port={port}"))
            .env("DISPLAY", &display.name)
            .env_remove("WAYLAND_DISPLAY")
            .env("GDK_BACKEND", "x11")
            .env("TAURI_AUTOMATION", "true")
            .env("TAURI_WEBVIEW_AUTOMATION", "true")
            .env("WEBKIT_DISABLE_DMABUF_RENDERER", "1")
            .env("LANG", "C.UTF-8")
            .envs(more.iter().map(|(name, value)| (*name, value)))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("WebKitWebDriver is installed by scripts/setup.sh test");
        let driver = Owned(driver);
        let options = json!({ "binary": program, "args": words });
        let mut wanted = Capabilities::new();
        wanted.insert("webkitgtk:browserOptions".to_owned(), options);
        let clock = Instant::now();
        let page = loop {
            let connected = ClientBuilder::new(HttpConnector::new())
                .capabilities(wanted.clone())
                .connect(&format!("http://127.0.0.1:{port}"))
                .await;
            match connected {
                Ok(page) => break page,
                Err(why) if clock.elapsed() > SHORT => panic!("no window: {why}"),
                Err(_) => tokio::time::sleep(Duration::from_millis(200)).await,
            }
        };
        Self {
            page,
            driver,
            display: display.name.clone(),
            data: data.to_owned(),
            program: program.to_owned(),
        }
    }

    /// Ends the program as a power cut would.
    pub async fn kill(self) {
        let Self {
            page,
            driver,
            data,
            program,
            ..
        } = self;
        let killed = Command::new("pkill")
            .args(["-KILL", "-f", program.to_str().unwrap()])
            .status()
            .unwrap();
        assert!(killed.success(), "nothing to kill on {}", data.display());
        drop(driver);
        drop(page);
    }

    /// Waits until the program has ended without being told to.
    pub async fn ends_by_itself(self) {
        let clock = Instant::now();
        while goes_on(&self.program) {
            assert!(clock.elapsed() < LONG, "the program does not end");
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    }

    pub async fn close(self) {
        // The program is gone at once; the driver may complain.
        let _ = self.page.close().await;
        // What is dropped on the next window must not meet this one, which takes a
        // moment to go.
        let clock = Instant::now();
        while goes_on(&self.program) && clock.elapsed() < SHORT {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    fn css(id: &str) -> String {
        format!("[data-testid=\"{id}\"]")
    }

    async fn wait(&self, id: &str, time: Duration) {
        let css = Self::css(id);
        let found = self
            .page
            .wait()
            .at_most(time)
            .for_element(Locator::Css(&css))
            .await;
        if let Err(why) = found {
            self.picture(&format!("missing-{id}")).await;
            let text = self.text_of_page().await;
            panic!("{id} did not come: {why}\n{text}");
        }
    }

    pub async fn sees(&self, id: &str) {
        self.wait(id, SHORT).await;
    }

    pub async fn sees_at_last(&self, id: &str) {
        self.wait(id, LONG).await;
    }

    pub async fn has(&self, id: &str) -> bool {
        let css = Self::css(id);
        self.page.find(Locator::Css(&css)).await.is_ok()
    }

    /// Drops files on the window.
    pub async fn drop(&self, paths: &[&Path]) {
        let display = self.display.clone();
        let paths: Vec<PathBuf> = paths.iter().map(|path| path.to_path_buf()).collect();
        tokio::task::spawn_blocking(move || {
            let paths: Vec<&Path> = paths.iter().map(PathBuf::as_path).collect();
            crate::drop::drop_files(&display, &paths);
        })
        .await
        .unwrap();
    }

    /// What the clipboard holds; empty where nothing was copied.
    pub async fn clipboard(&self) -> String {
        let display = self.display.clone();
        let text = tokio::task::spawn_blocking(move || crate::clipboard::copied_text(&display));
        text.await.unwrap().unwrap_or_default()
    }

    /// Presses something once it is there and can be pressed.
    pub async fn press(&self, id: &str) {
        self.sees(id).await;
        let css = Self::css(id);
        let clock = Instant::now();
        loop {
            // The page may put a new element in the place of the one found.
            let pressed = match self.page.find(Locator::Css(&css)).await {
                Ok(element) => match element.is_enabled().await {
                    Ok(true) => element.click().await.map_err(|why| why.to_string()),
                    Ok(false) => Err("it is disabled".to_owned()),
                    Err(why) => Err(why.to_string()),
                },
                Err(why) => Err(why.to_string()),
            };
            match pressed {
                Ok(()) => return,
                Err(why) if clock.elapsed() > SHORT => {
                    self.picture(&format!("cannot-press-{id}")).await;
                    panic!("{id} cannot be pressed: {why}");
                }
                Err(_) => tokio::time::sleep(Duration::from_millis(200)).await,
            }
        }
    }

    /// Presses what makes the window go away, and the driver's answer with it.
    pub async fn press_and_lose(&self, id: &str) {
        self.sees(id).await;
        let script = "const pressed = document.querySelector(arguments[0]);
            setTimeout(() => pressed.click(), 100);";
        self.run(script, vec![json!(Self::css(id))]).await;
    }

    /// Puts a text into a field, in place of what was there.
    pub async fn write(&self, id: &str, text: &str) {
        self.sees(id).await;
        let field = self.page.find(Locator::Css(&Self::css(id))).await.unwrap();
        field.clear().await.unwrap();
        field.send_keys(text).await.unwrap();
    }

    pub async fn text(&self, id: &str) -> String {
        self.sees(id).await;
        let script = "return document.querySelector(arguments[0]).textContent";
        let text = self
            .page
            .execute(script, vec![json!(Self::css(id))])
            .await
            .unwrap();
        text.as_str().unwrap_or_default().to_owned()
    }

    pub async fn text_of_page(&self) -> String {
        let text = self.run("return document.body.innerText", vec![]).await;
        text.as_str().unwrap_or_default().to_owned()
    }

    pub async fn run(&self, script: &str, values: Vec<Value>) -> Value {
        self.page.execute(script, values).await.unwrap()
    }

    pub async fn reads(&self, id: &str, wanted: &str) {
        let clock = Instant::now();
        loop {
            let text = self.text(id).await;
            if text.contains(wanted) {
                return;
            }
            if clock.elapsed() > LONG {
                self.picture(&format!("wrong-{id}")).await;
                panic!("{id} says {text:?}, not {wanted:?}");
            }
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    }

    /// Leaves a picture of the window in test-output/window.
    pub async fn picture(&self, name: &str) {
        // Pages fade in; a picture of half of that shows nothing.
        tokio::time::sleep(Duration::from_millis(400)).await;
        // Of the display: the driver's own call never answers on a page that moves.
        let taken = Command::new("import")
            .args(["-silent", "-window", "root"])
            .arg(picture_folder().join(format!("{name}.png")))
            .env("DISPLAY", &self.display)
            .status();
        let taken = taken.is_ok_and(|status| status.success());
        assert!(taken, "ImageMagick is installed by scripts/setup.sh test");
    }

    /// Scrolls an element to the middle of the window.
    pub async fn show(&self, id: &str) {
        self.sees(id).await;
        let script = "document.querySelector(`[data-testid=\"${arguments[0]}\"]`).scrollIntoView({ block: 'center' })";
        self.run(script, vec![json!(id)]).await;
    }

    /// Pictures in both themes.
    pub async fn pictures(&self, name: &str) {
        for theme in ["light", "dark"] {
            self.theme(theme).await;
            self.picture(&format!("{name}-{theme}")).await;
        }
        self.theme("light").await;
    }

    pub async fn theme(&self, theme: &str) {
        let script = "document.documentElement.dataset.theme = arguments[0]";
        self.run(script, vec![json!(theme)]).await;
    }
}

impl Window {
    /// As the cross in the title bar does.
    pub fn ask_to_close(&self, display: &Display) {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/close.py");
        let asked = Command::new("python3")
            .arg(script)
            .arg("PMPO Studio")
            .env("DISPLAY", &display.name)
            .status()
            .unwrap();
        assert!(asked.success());
    }

    /// Chooses from a list by value.
    pub async fn choose(&self, id: &str, value: &str) {
        self.sees(id).await;
        let script = "const list = document.querySelector(arguments[0]);
            list.value = arguments[1];
            list.dispatchEvent(new Event('change', { bubbles: true }));";
        self.run(script, vec![json!(Self::css(id)), json!(value)])
            .await;
        let script = "return document.querySelector(arguments[0]).value";
        let clock = Instant::now();
        while self.run(script, vec![json!(Self::css(id))]).await != json!(value) {
            assert!(clock.elapsed() < SHORT, "{id} is not {value}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Presses a key on whatever has the focus.
    pub async fn key(&self, key: char) {
        let focused = self.page.active_element().await.unwrap();
        focused.send_keys(&key.to_string()).await.unwrap();
    }

    /// Goes from element to element until this one has the focus.
    pub async fn tab_to(&self, id: &str) {
        self.sees(id).await;
        for _ in 0..120 {
            self.key('\u{e004}').await;
            let script = "return document.activeElement?.dataset?.testid ?? ''";
            if self.run(script, vec![]).await == json!(id) {
                return;
            }
        }
        self.picture(&format!("no-focus-{id}")).await;
        panic!("{id} cannot be reached by keyboard");
    }

    /// Nothing serious for people who use a screen reader, a keyboard or large contrast.
    pub async fn is_accessible(&self, page: &str) {
        let axe =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../ui/node_modules/axe-core/axe.min.js");
        let axe = std::fs::read_to_string(axe).expect("scripts/ui.sh installs axe-core");
        for theme in ["light", "dark"] {
            self.theme(theme).await;
            tokio::time::sleep(std::time::Duration::from_millis(300)).await;
            self.run(&axe, vec![]).await;
            // What is scrolled out of sight counts as hidden, a label too.
            let script = "const done = arguments[arguments.length - 1];
                document.querySelector('main').scrollTo(0, 0);
                axe.run(document, { resultTypes: ['violations'] }).then((result) => done(
                    result.violations
                        .filter((one) => one.impact === 'serious' || one.impact === 'critical')
                        .map((one) => `${one.id}: ${one.nodes.map((node) => node.html).join(' | ')}`)));";
            let found = self.page.execute_async(script, vec![]).await.unwrap();
            assert_eq!(found, serde_json::json!([]), "{page}, {theme}");
        }
        self.theme("light").await;
    }
}
