//! The log tells what happened, and holds no text of a person.

#![allow(clippy::unwrap_used)] // A test may stop at the first surprise.

mod common;

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::sync::mpsc::channel;
use std::sync::Arc;
use std::time::Duration;

use common::studio;
use pmpo_app::wire::{Draft, ImportChoice, RunState, ServerTyped, TryMessage, VersionFormat};
use pmpo_app::{begin_log, caught, diagnostics, folders, log_file, Studio};

/// What a person writes and names, none of which anybody else would.
const TEXTS: [&str; 14] = [
    "quagmirewort",   // prompt
    "fennelspire",    // description of the task
    "obelisklark",    // locked part
    "thimblemarsh",   // name of the project
    "velvetgneiss",   // file and its folder
    "plumcorundum",   // column of inputs
    "wickerbasalt",   // column of answers
    "saffronquill",   // cells
    "juniperskiff",   // an answer
    "marzipanfjord",  // input that is tried
    "larchsemaphor",  // note on a version
    "copperdormouse", // key of a server
    "heatherzither",  // file of a model
    "Answer number",  // what the model writes
];

#[test]
fn a_whole_way_through_the_program_leaves_its_steps_in_the_log_and_no_text() {
    let folder = tempfile::tempdir().unwrap();
    // The only test of this program: nobody reads them meanwhile.
    std::env::set_var("XDG_STATE_HOME", folder.path().join("state"));
    // All that our crates say, and what others find worth a warning.
    std::env::set_var("PMPO_LOG", "warn,pmpo=trace");
    begin_log(&folders().log, "test");
    assert!(log_file().starts_with(folder.path()));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(work(&folder.path().join("velvetgneiss")));
    faults();

    let log = std::fs::read_to_string(log_file()).unwrap();
    let told = [
        "begins",
        "a file was read rows=60 columns=2",
        "examples were brought",
        "a prompt was scored",
        "a run begins or goes on",
        "the search begins",
        "a step of a run is done",
        "a run ended",
        "measuring is done",
        "a prompt is tried",
        "a server could not be checked kind=\"Key\"",
        "a file cannot be read as a table kind=\"NotFound\"",
        "panic: version ",
        "WARN mistralrs_core::engine: at ",
    ];
    for words in told {
        assert!(log.contains(words), "{words} is missing in\n{log}");
    }
    assert!(log.contains(": \"a fixed word\"\n"), "{log}");
    let diagnostics = diagnostics();
    assert!(
        diagnostics.contains("mistralrs_core::engine"),
        "{diagnostics}"
    );
    let texts = [log, diagnostics].map(|text| text.to_lowercase());
    for mark in TEXTS {
        for text in &texts {
            let found = text
                .lines()
                .find(|line| line.contains(&mark.to_lowercase()));
            assert_eq!(found, None, "{mark}");
        }
    }
}

/// From a file to a better prompt, and a server on the way.
async fn work(folder: &Path) {
    std::fs::create_dir_all(folder).unwrap();
    let studio = studio(&folder.join("data"), 0);
    let file = folder.join("velvetgneiss.csv");
    let mut rows = "plumcorundum,wickerbasalt\n".to_owned();
    for number in 0..60 {
        let answer = ["juniperskiff", "other", "third"][number % 3];
        let length = "x".repeat(number % 11);
        rows.push_str(&format!("Row {number} saffronquill {length},{answer}\n"));
    }
    std::fs::write(&file, rows).unwrap();
    let path = file.display().to_string();
    let project = studio.create_project("thimblemarsh").unwrap();
    let draft = Draft {
        prompt: "Say obelisklark. Then quagmirewort: {{plumcorundum}}".to_owned(),
        description: "fennelspire".to_owned(),
        locked: vec!["Say obelisklark.".to_owned()],
        ..project.draft
    };
    let id = project.id;
    studio.save_draft(id, &draft).unwrap();
    let choice = ImportChoice::default();
    studio.preview_data(&path, choice.clone()).unwrap();
    studio.keep_data(id, &path, choice).unwrap();
    studio.watch_data(id).unwrap();
    let estimate = studio.estimate(id).await.unwrap();
    assert!(estimate.train > 0);
    studio.measure(id, vec![], vec![]).await.unwrap();
    let run = studio.start_run(id).await.unwrap().id;
    while studio.active_run().is_some() || studio.must_be_idle().is_err() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let view = studio.run_view(run).unwrap();
    assert_eq!(view.run.state, RunState::Completed, "{:?}", view.run.error);
    let tags = ["larchsemaphor".to_owned()];
    studio
        .describe_run(run, "larchsemaphor", "larchsemaphor", &tags)
        .unwrap();
    let version = studio.project(id).unwrap().versions[0].id;
    studio
        .annotate_version(id, version, "larchsemaphor", true, &tags)
        .unwrap();
    studio
        .export_version(id, version, VersionFormat::Card)
        .unwrap();
    tried(&studio, id);
    let backup = folder.join("velvetgneiss.pmpo");
    studio.back_up(id, &backup, true).unwrap();
    studio.bring_back(&backup.display().to_string()).unwrap();

    // What fails names files, models and servers in its words.
    let missing = folder
        .join("missing velvetgneiss.csv")
        .display()
        .to_string();
    let error = studio.preview_data(&missing, ImportChoice::default());
    assert!(error.unwrap_err().message.contains("velvetgneiss"));
    let other = Draft {
        model_path: Some("/models/heatherzither.gguf".to_owned()),
        ..draft
    };
    studio.save_draft(id, &other).unwrap();
    let error = studio.start_run(id).await.unwrap_err();
    assert!(error.message.contains("heatherzither"), "{error:?}");
    let typed = ServerTyped {
        address: refuses(),
        key: Some("copperdormouse".to_owned()),
        model: None,
        template: None,
        window: None,
    };
    assert_eq!(studio.check_server(typed).await.unwrap_err().code, "server");
}

fn tried(studio: &Arc<Studio>, project: i64) {
    let (sender, answers) = channel();
    let sink = Arc::new(move |message: TryMessage| sender.send(message).unwrap());
    studio.try_prompt(
        project,
        "quagmirewort".to_owned(),
        "marzipanfjord".to_owned(),
        sink,
    );
    loop {
        match answers.recv_timeout(Duration::from_secs(20)).unwrap() {
            TryMessage::Text { .. } => {}
            TryMessage::Done { .. } => return,
            TryMessage::Failed { error } => panic!("{error:?}"),
        }
    }
}

/// The address of a server that wants another key.
fn refuses() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            // The whole question comes at once: it has no body.
            let mut asked = [0; 4096];
            let length = stream.read(&mut asked).unwrap();
            assert!(String::from_utf8_lossy(&asked[..length]).contains("copperdormouse"));
            let answer = "HTTP/1.1 401 Unauthorized\r\nContent-Length: 14\r\nConnection: close\r\n\r\ncopperdormouse";
            stream.write_all(answer.as_bytes()).unwrap();
        }
    });
    address
}

/// Panics whose words are made of texts, and another crate that says too much.
fn faults() {
    let text = "saffronquill";
    let quoting = [
        caught(|| panic!("no {text}")),
        // Not at the end of a letter.
        caught(|| Ok("é saffronquill".split_at(1).0.len())),
        caught(|| Ok(text.parse().map_err(|_| text).unwrap())),
    ];
    for error in quoting {
        // The person sees it.
        assert!(error.unwrap_err().message.contains(text));
    }
    caught::<()>(|| panic!("a fixed word")).unwrap_err();
    tracing::warn!(target: "mistralrs_core::engine", prompt = text, "cannot do {text}");
    tracing::info!(target: "mistralrs_core::engine", "says {text} at length");
}
