//! A server of the person's own as the model that writes, or that scores, through the
//! studio that the window works with.

#![allow(clippy::unwrap_used)] // A test may stop at the first surprise.

#[path = "../../src-tauri/crates/remote/tests/common/mod.rs"]
mod common;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use common::{Fake, Manner};
use pmpo_app::wire::{Draft, RunState, ServerTyped};
use pmpo_app::{EngineLoader, Preset, Studio};
use pmpo_tests::window::{data_folder, programs, Display, Window};

const KEY: &str = "sk-open-sesame-4711";

fn typed(fake: &Fake, key: Option<&str>, template: Option<&str>) -> ServerTyped {
    ServerTyped {
        address: fake.address.clone(),
        key: key.map(str::to_owned),
        model: None,
        template: template.map(str::to_owned),
        window: None,
    }
}

fn change(studio: &Studio, project: i64, change: impl FnOnce(&mut Draft)) {
    let mut draft = studio.project(project).unwrap().draft;
    change(&mut draft);
    studio.save_draft(project, &draft).unwrap();
}

fn small(draft: &mut Draft) {
    let mut settings = Preset::Quick.settings();
    settings.steps = 1;
    settings.rewrites = 1;
    settings.hard_examples = 1;
    settings.bank_phrases = 0;
    settings.propose_reorder = false;
    settings.split.train_limit = 6;
    settings.split.validation_limit = 6;
    draft.settings = settings;
}

async fn run(studio: &Arc<Studio>, project: i64) -> i64 {
    let run = studio.start_run(project).await.unwrap().id;
    until_at_rest(studio).await;
    run
}

async fn until_at_rest(studio: &Studio) {
    for _ in 0..1200 {
        if studio.active_run().is_none() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the run does not end");
}

/// All that is written in a folder.
fn holds(folder: &Path, text: &str) -> bool {
    std::fs::read_dir(folder).unwrap().flatten().any(|entry| {
        let path = entry.path();
        let bytes = std::fs::read(&path).unwrap_or_default();
        path.file_name().is_some_and(|name| name != "models")
            && bytes
                .windows(text.len())
                .any(|part| part == text.as_bytes())
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_writes_while_this_computer_scores() {
    let (_folder, data) = data_folder();
    let studio = Studio::open(&data, Box::new(EngineLoader)).unwrap();
    let project = studio.open_sample("review-mood").unwrap().id;
    let writes = "Say the mood. <prompt>Say whether the review is positive or negative.</prompt>";
    let fake = Fake::start(Manner {
        key: Some(KEY),
        echo: false,
        prompt_logprobs: false,
        writes: vec![writes.to_owned()],
        ..Manner::default()
    })
    .await;
    let wrong = studio
        .check_server(typed(&fake, Some("sk-wrong"), None))
        .await;
    let wrong = wrong.unwrap_err();
    assert!(!format!("{wrong:?}").contains("sk-wrong"), "{wrong:?}");
    assert!(studio.servers().unwrap().is_empty());
    for address in ["", "ftp://x", "http://", "no spaces please"] {
        let typed = ServerTyped {
            address: address.to_owned(),
            ..typed(&fake, None, None)
        };
        assert_eq!(studio.check_server(typed).await.unwrap_err().code, "server");
    }
    let server = studio
        .check_server(typed(&fake, Some(KEY), None))
        .await
        .unwrap();
    assert!(server.writes && !server.scores && server.has_key && !server.why_no_scores.is_empty());
    // A second check takes the key that is kept, and makes no second entry.
    let again = studio.check_server(typed(&fake, None, None)).await.unwrap();
    assert_eq!(
        (again.path.as_str(), studio.servers().unwrap().len()),
        (server.path.as_str(), 1)
    );

    change(&studio, project, |draft| {
        small(draft);
        draft.writer_path = Some(server.path.clone());
    });
    fake.forget();
    let first = run(&studio, project).await;
    let view = studio.run_view(first).unwrap();
    assert_eq!(view.run.state, RunState::Completed, "{:?}", view.run.error);
    assert!(view
        .candidates
        .iter()
        .any(|one| one.text.contains("positive or negative.")));
    // What ran where is part of the run's record.
    let writer = view.writer.as_ref().unwrap();
    assert_eq!(writer.name, "fake-7b");
    assert!(writer
        .device
        .to_string()
        .starts_with("server at 127.0.0.1:"));
    assert!(!fake.bodies("/v1/chat/completions").is_empty());
    assert!(!holds(&data, KEY), "the key is in a file");
    assert!(!format!("{view:?} {:?}", studio.servers().unwrap()).contains(KEY));

    // It cannot score, and says so before anything begins.
    change(&studio, project, |draft| {
        draft.model_path = Some(server.path.clone())
    });
    let info = studio.model_info(Some(&server.path), "auto").unwrap();
    assert!(info.problem.is_some() && info.name == "fake-7b");
    assert_eq!(studio.start_run(project).await.unwrap_err().code, "server");
    change(&studio, project, |draft| draft.model_path = None);

    // Gone half way: the run fails in words and keeps what was measured.
    fake.kill();
    change(&studio, project, |draft| {
        draft.prompt.push_str(" Be quick.")
    });
    let second = run(&studio, project).await;
    let view = studio.run_view(second).unwrap();
    assert_eq!(view.run.state, RunState::Failed);
    let words = view.run.error.unwrap().message;
    assert!(words.contains("127.0.0.1"), "{words}");
    assert!(view.run.start_loss.is_some());
    // It goes on with its own writer, whatever the project says by now, so that it fails
    // again; once the server is forgotten, without.
    change(&studio, project, |draft| draft.writer_path = None);
    studio.resume_run(second).await.unwrap();
    until_at_rest(&studio).await;
    let view = studio.run_view(second).unwrap();
    assert_eq!(view.run.state, RunState::Failed);
    assert!(view.run.error.unwrap().message.contains("127.0.0.1"));
    studio.remove_server(&server.path).unwrap();
    studio.resume_run(second).await.unwrap();
    until_at_rest(&studio).await;
    assert_eq!(
        studio.run_view(second).unwrap().run.state,
        RunState::Completed
    );

    // Who writes does not change what losses are measured on.
    let alone = run(&studio, project).await;
    let lines = studio.runs(Some(project)).unwrap();
    let ground = |run| &lines.iter().find(|line| line.run.id == run).unwrap().ground;
    assert!(studio.run_view(alone).unwrap().writer.is_none());
    assert_eq!(ground(alone), ground(first));

    studio.remove_server(&server.path).unwrap();
    assert!(studio.servers().unwrap().is_empty());
    let gone = studio.check_server(typed(&fake, None, None)).await;
    assert!(gone.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_scores_and_its_figures_are_its_own() {
    let (_folder, data) = data_folder();
    let studio = Studio::open(&data, Box::new(EngineLoader)).unwrap();
    let project = studio.open_sample("review-mood").unwrap().id;
    let fake = Fake::start(Manner::default()).await;
    let server = studio
        .check_server(typed(&fake, None, Some("chatml")))
        .await
        .unwrap();
    assert!(server.writes && server.scores, "{:?}", server.found);
    change(&studio, project, small);
    let here = run(&studio, project).await;
    change(&studio, project, |draft| {
        draft.model_path = Some(server.path.clone())
    });
    let there = run(&studio, project).await;
    let view = studio.run_view(there).unwrap();
    assert_eq!(view.run.state, RunState::Completed, "{:?}", view.run.error);
    assert!(view.device.to_string().contains("server at 127.0.0.1"));
    // Two grounds: never compared as if equal.
    let lines = studio.runs(Some(project)).unwrap();
    assert_eq!(lines.len(), 2);
    assert_ne!(lines[0].ground, lines[1].ground);
    assert_ne!(here, there);
    // The same prompt again is known by its pairs.
    fake.forget();
    let version = studio.project(project).unwrap().versions.pop().unwrap().id;
    studio
        .measure(project, vec![version], vec![])
        .await
        .unwrap();
    let asked = fake.bodies("/v1/completions").len();
    studio
        .measure(project, vec![version], vec![])
        .await
        .unwrap();
    assert_eq!(fake.bodies("/v1/completions").len(), asked);
    let wrong = studio
        .check_server(typed(&fake, None, Some("klingon")))
        .await;
    assert!(wrong.unwrap_err().message.contains("klingon"));
}

/// In the real window: a server is typed in, checked, and writes.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_is_typed_into_the_window() {
    let (_folder, data) = data_folder();
    let project = {
        let studio = Studio::open(&data, Box::new(EngineLoader)).unwrap();
        let project = studio.open_sample("review-mood").unwrap().id;
        change(&studio, project, small);
        project
    };
    let fake = Fake::start(Manner {
        key: Some(KEY),
        ..Manner::default()
    })
    .await;
    let display = Display::new();
    let window = Window::open(&display, &data).await;
    window.press(&format!("open-project-{project}")).await;
    window.show("writer-select").await;
    window.press("writer-server").await;
    window.write("server-address", &fake.address).await;
    window.write("server-key", "sk-wrong").await;
    window.press("server-check").await;
    window.reads("error-note", "key").await;
    window.pictures("server-refused").await;
    window.write("server-key", KEY).await;
    window.press("server-check").await;
    window.reads("server-found", "write").await;
    window.pictures("server-found").await;
    window.is_accessible("servers").await;
    window.press("server-use-writer").await;
    window.reads("writer-sentence", "127.0.0.1").await;
    window.show("writer-sentence").await;
    window.pictures("server-writes").await;
    assert!(!window.text_of_page().await.contains(KEY));
    window.press("start-run").await;
    window.sees_at_last("open-result").await;
    assert!(!fake.bodies("/v1/chat/completions").is_empty());
    window.close().await;
}

/// `pmpo` in a data folder; what it says.
fn terminal(data: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(programs().join("pmpo"));
    command
        .args(args)
        .env("PMPO_DATA_DIR", data)
        .env("XDG_STATE_HOME", data.join("state"))
        .env("PMPO_PLAIN", "1")
        .env_remove("PMPO_SERVER_KEY")
        .stdin(Stdio::null());
    command
}

/// What a command that ends says, and how it ended.
fn said(command: &mut Command) -> (Option<i32>, String) {
    let output = command.output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let wrong = String::from_utf8(output.stderr).unwrap();
    (output.status.code(), said + &wrong)
}

const TASK: [&str; 11] = [
    "--set",
    "steps=2",
    "--set",
    "rewrites=1",
    "--set",
    "bank_phrases=0",
    "--set",
    "split.train_limit=6",
    "--set",
    "split.validation_limit=6",
    "--examples=no",
];

#[tokio::test(flavor = "multi_thread")]
async fn the_terminal_knows_servers_and_a_run_goes_on_with_its_own_writer() {
    let (_folder, data) = data_folder();
    let writes = "Say the mood. <prompt>Say whether the review is positive or negative.</prompt>";
    let fake = Fake::start(Manner {
        echo: false,
        prompt_logprobs: false,
        writes: vec![writes.to_owned()],
        ..Manner::default()
    })
    .await;
    let (code, words) = said(&mut terminal(&data, &["servers", "check", &fake.address]));
    assert!(
        code == Some(0) && words.contains("server:1") && words.contains("writes"),
        "{words}"
    );
    let (_, words) = said(&mut terminal(&data, &["servers", "list"]));
    assert!(words.contains("fake-7b"), "{words}");

    // Killed once something was measured, it goes on by itself with the server.
    let mut args = vec!["--json", "sample", "--writer", "server:1"];
    args.extend(TASK);
    let mut begun = terminal(&data, &args)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(begun.stdout.take().unwrap()).lines();
    let scored = lines
        .map_while(Result::ok)
        .find(|line| line.contains("\"scored\""));
    assert!(scored.is_some(), "nothing was measured");
    begun.kill().unwrap();
    begun.wait().unwrap();
    fake.forget();
    let (code, words) = said(&mut terminal(&data, &["resume"]));
    assert!(matches!(code, Some(0 | 3)), "{words}");
    assert!(words.contains("fake-7b on the server"), "{words}");
    assert!(!fake.bodies("/v1/chat/completions").is_empty());
    let (_, shown) = said(&mut terminal(&data, &["--json", "show", "1"]));
    let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(shown["run"]["writer"]["model"], "server:1");
    assert_eq!(shown["run"]["state"], "completed");

    let (code, words) = said(&mut terminal(&data, &["servers", "remove", "server:1"]));
    assert_eq!(code, Some(0), "{words}");
    let (_, words) = said(&mut terminal(&data, &["servers", "list"]));
    assert!(!words.contains("fake-7b"), "{words}");
    let mut args = vec!["sample", "--writer", "server:1"];
    args.extend(TASK);
    let (code, words) = said(&mut terminal(&data, &args));
    assert!(
        code == Some(1) && words.contains("not known any more"),
        "{words}"
    );
}
