//! What the window asks, on a model that is a formula.

#![allow(clippy::unwrap_used)] // A test may stop at the first surprise.

mod common;

use std::sync::mpsc::{channel, Receiver};
use std::sync::Arc;
use std::time::Duration;

use common::studio;
use pmpo_app::data::AnswerColumns;
use pmpo_app::wire::{
    CurveAxis, CurveStyle, Draft, ExportFormat, ImportChoice, OverlayFormat, OverlayRequest,
    PictureWords, RunMessage, RunPhase, RunState, TryMessage,
};
use pmpo_app::{Preset, Studio};

fn watch(studio: &Studio, run: i64) -> Receiver<RunMessage> {
    let (sender, receiver) = channel();
    studio
        .watch_run(run, Box::new(move |message| sender.send(message).is_ok()))
        .unwrap();
    receiver
}

fn until_ended(messages: &Receiver<RunMessage>) -> Vec<RunMessage> {
    let mut all = Vec::new();
    loop {
        let message = messages.recv_timeout(Duration::from_secs(30)).unwrap();
        let ended = matches!(message, RunMessage::Ended { .. });
        all.push(message);
        if ended {
            return all;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sample_from_first_start_to_a_better_prompt() {
    let folder = tempfile::tempdir().unwrap();
    let studio = studio(folder.path(), 5);
    let home = studio.home().unwrap();
    assert!(home.projects.is_empty() && home.samples.len() >= 4);
    let project = studio.open_sample(&home.samples[0].name).unwrap();
    let again = studio.open_sample(&home.samples[0].name).unwrap();
    assert_eq!(project.id, again.id, "a sample is one project");
    let data = project.data.clone().unwrap();
    assert!(data.examples >= 80 && data.train > 0 && data.validation > 0);
    assert_eq!(data.preview.len(), 20);

    let estimate = studio.estimate(project.id).await.unwrap();
    assert!(estimate.tokens > 0 && estimate.minutes > 0.0);
    let check = studio
        .check_prompt(project.id, &project.draft.prompt, &[])
        .await
        .unwrap();
    assert!(check.tokens.unwrap() > 3 && check.window == Some(4096));
    let scored = studio
        .score_prompt(project.id, &project.draft.prompt)
        .await
        .unwrap();
    assert_eq!(scored.examples, data.train);

    let run = studio.start_run(project.id).await.unwrap();
    assert!(run.active && run.state == RunState::Running || run.state == RunState::Queued);
    assert_eq!(studio.start_run(project.id).await.unwrap_err().code, "busy");
    assert_eq!(studio.delete_run(run.id).unwrap_err().code, "busy");
    assert_eq!(studio.delete_project(project.id).unwrap_err().code, "busy");
    let messages = until_ended(&watch(&studio, run.id));
    assert!(matches!(messages[0], RunMessage::Snapshot { .. }));
    let RunMessage::Ended { view } = messages.last().unwrap() else {
        unreachable!()
    };
    assert_eq!(view.run.state, RunState::Completed);
    assert_eq!(view.phase, RunPhase::Ended);
    assert!(view.run.best_loss.unwrap() < view.run.start_loss.unwrap());
    // What was told and the snapshot before it are all that is stored.
    let RunMessage::Snapshot { view: first } = &messages[0] else {
        unreachable!()
    };
    let mut told: Vec<u32> = first.candidates.iter().map(|c| c.ordinal).collect();
    for message in &messages {
        if let RunMessage::Candidate { candidate } = message {
            told.push(candidate.ordinal);
        }
    }
    for candidate in &view.candidates {
        assert!(told.contains(&candidate.ordinal));
    }
    for segments in &view.segments {
        let whole: String = segments.pieces.iter().map(|p| p.text.as_str()).collect();
        let text = &view.candidates[segments.candidate as usize].text;
        assert_eq!(&whole, text);
        assert!(segments.pieces.iter().any(|piece| piece.finding.is_some()));
    }

    let result = studio.result(run.id).unwrap();
    assert_eq!(result.rows.len(), view.validation);
    assert_ne!(result.start, result.best);
    let version = result.best_version.unwrap();
    let project = studio.use_version(project.id, version.id).unwrap();
    assert_eq!(project.draft.prompt, result.best);
    assert_eq!(project.versions[0].labels, ["in use"]);
    assert_eq!(project.runs[0].id, run.id);

    let request = |x_range| OverlayRequest {
        runs: vec![run.id],
        style: CurveStyle::default(),
        prompts: true,
        width: 800,
        height: 400,
        dark: true,
        x_range,
        y_range: None,
    };
    let chart = studio.overlay(&request(None)).unwrap();
    let marks = chart.svg.matches("<circle").count();
    assert!(chart.svg.starts_with("<svg") && marks > 5);
    // The final check is there as triangles: of the start and of the best prompt.
    let checks = |svg: &str| svg.matches("<polygon").count();
    assert_eq!(checks(&chart.svg), 2);
    let near = studio.overlay(&request(Some((0.0, 3.0)))).unwrap();
    assert_eq!((near.frame.x.min, near.frame.x.max), (0.0, 3.0));
    let wrong = studio.overlay(&request(Some((3.0, 3.0))));
    assert_eq!(wrong.unwrap_err().code, "plot");
    for format in [
        ExportFormat::Txt,
        ExportFormat::Md,
        ExportFormat::Json,
        ExportFormat::Csv,
    ] {
        assert!(studio.export(run.id, format).unwrap().len() > 20);
    }
    let mut words = PictureWords::english(CurveAxis::Prompts);
    words.check = "Schlussprüfung".to_owned();
    let file = |format| {
        studio
            .export_overlay(&request(None), format, true, &words)
            .unwrap()
    };
    let picture = String::from_utf8(file(OverlayFormat::Svg)).unwrap();
    assert!(picture.contains("Schlussprüfung") && picture.contains(&run.name));
    assert!(file(OverlayFormat::Png).len() > 1000);
    assert_eq!(studio.home().unwrap().unfinished, []);
    studio.delete_run(run.id).unwrap();
    assert_eq!(studio.result(run.id).unwrap_err().code, "store");
    studio.delete_project(project.id).unwrap();
    assert!(studio.home().unwrap().projects.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn pause_stop_and_another_start_of_the_program() {
    let folder = tempfile::tempdir().unwrap();
    let first = studio(folder.path(), 40);
    let project = first.open_sample("review-mood").unwrap();
    let run = first.start_run(project.id).await.unwrap();
    let messages = watch(&first, run.id);
    // Pause once it tries candidates.
    loop {
        let message = messages.recv_timeout(Duration::from_secs(30)).unwrap();
        if matches!(message, RunMessage::Candidate { ref candidate } if candidate.ordinal >= 2) {
            break;
        }
    }
    first.pause_run(run.id).await;
    assert_eq!(first.active_run(), None);
    let view = first.run_view(run.id).unwrap();
    assert_eq!(view.run.state, RunState::Paused);
    assert_eq!(view.outcome, None);
    let kept = view.candidates.len();
    assert!(kept >= 3);
    assert_eq!(first.home().unwrap().unfinished[0].id, run.id);
    drop(first);

    let second = studio(folder.path(), 5);
    assert_eq!(second.home().unwrap().unfinished[0].id, run.id);
    let resumed = second.resume_run(run.id).await.unwrap();
    assert!(resumed.active);
    let all = until_ended(&watch(&second, run.id));
    let RunMessage::Ended { view } = all.last().unwrap() else {
        unreachable!()
    };
    assert_eq!(view.run.state, RunState::Completed);
    assert!(view.candidates.len() > kept);

    // Stop: the best so far is the result.
    let mut draft = project.draft.clone();
    draft.settings = Preset::Thorough.settings();
    second.save_draft(project.id, &draft).unwrap();
    let run = second.start_run(project.id).await.unwrap();
    let messages = watch(&second, run.id);
    loop {
        let message = messages.recv_timeout(Duration::from_secs(30)).unwrap();
        if matches!(message, RunMessage::Step { step, .. } if step.improved) {
            break;
        }
    }
    second.stop_run(run.id).await;
    let view = second.run_view(run.id).unwrap();
    assert_eq!(view.run.state, RunState::Cancelled);
    assert!(view.outcome.unwrap().best > 0);
    assert!(second.result(run.id).unwrap().best_version.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_of_ones_own() {
    let folder = tempfile::tempdir().unwrap();
    let studio = studio(folder.path(), 1);
    assert_eq!(studio.create_project("  ").unwrap_err().code, "name");
    let project = studio.create_project("Mail").unwrap();
    let other = studio.create_project("Mail").unwrap();
    assert_eq!(other.name, "Mail 2");
    assert!(studio.rename_project(other.id, "Mail").is_err());
    studio.rename_project(other.id, "Post").unwrap();
    assert_eq!(
        studio.start_run(project.id).await.unwrap_err().code,
        "no_data"
    );

    let file = folder.path().join("mine.csv");
    let mut text = "note,kind,id\n".to_owned();
    for number in 0..30 {
        let kind = ["bill", "plea", "thanks"][number % 3];
        text.push_str(&format!(
            "Note number {number} of a {kind}.,{kind},{number}\n"
        ));
    }
    text.push_str("No answer.,,31\n");
    std::fs::write(&file, text).unwrap();
    let path = file.to_str().unwrap();
    let guess = studio.preview_data(path, ImportChoice::default()).unwrap();
    let mapping = guess.mapping.unwrap();
    assert_eq!(mapping.inputs, ["note"]);
    assert!(
        matches!(&mapping.answer, AnswerColumns::Supervised { target, .. } if target == "kind")
    );
    assert_eq!((guess.total_rows, guess.rows.len()), (31, 20));
    let choice = ImportChoice {
        mapping: Some(mapping),
        ..ImportChoice::default()
    };
    let preview = studio.preview_data(path, choice.clone()).unwrap();
    assert_eq!(preview.examples, 30);
    assert_eq!(preview.findings[0].rows, [31]);
    let labels: Vec<&str> = preview
        .labels
        .iter()
        .map(|one| one.label.as_str())
        .collect();
    assert_eq!(labels, ["bill", "plea", "thanks"]);
    let missing = studio.preview_data("none.csv", ImportChoice::default());
    assert_eq!(missing.unwrap_err().code, "data");

    let project = studio.keep_data(project.id, path, choice).unwrap();
    assert_eq!(
        project.data.as_ref().unwrap().columns,
        ["id", "kind", "note"]
    );
    let draft = Draft {
        prompt: "Sort this: {{note}} ({{colour}})".to_owned(),
        ..project.draft.clone()
    };
    studio.save_draft(project.id, &draft).unwrap();
    let check = studio
        .check_prompt(project.id, &draft.prompt, &[])
        .await
        .unwrap();
    assert_eq!(check.unknown, ["colour"]);
    assert_eq!(
        studio.start_run(project.id).await.unwrap_err().code,
        "prompt"
    );
    let mut wrong = draft.clone();
    wrong.settings.top_p = 7.0;
    assert_eq!(
        studio.save_draft(project.id, &wrong).unwrap_err().code,
        "settings"
    );
    let mut elsewhere = draft.clone();
    elsewhere.model_path = Some("none.gguf".to_owned());
    studio.save_draft(project.id, &elsewhere).unwrap();
    assert_eq!(
        studio.start_run(project.id).await.unwrap_err().code,
        "model_file"
    );

    // Trying a prompt tells the text, then the end; stopping is told too.
    studio.save_draft(project.id, &project.draft).unwrap();
    let (sender, answers) = channel();
    let sink = Arc::new(move |message: TryMessage| sender.send(message).unwrap());
    studio.try_prompt(project.id, "Be kind.".to_owned(), "Hello".to_owned(), sink);
    let wait = Duration::from_secs(10);
    let TryMessage::Text { text } = answers.recv_timeout(wait).unwrap() else {
        panic!("the text comes first")
    };
    assert!(text.starts_with("Answer number"));
    loop {
        match answers.recv_timeout(wait).unwrap() {
            TryMessage::Text { .. } => {}
            TryMessage::Done { tokens, .. } => break assert_eq!(tokens, 20),
            TryMessage::Failed { error } => panic!("{error:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn breaking_off_before_anything_is_measured_is_no_fault() {
    let folder = tempfile::tempdir().unwrap();
    let studio = studio(folder.path(), 2000);
    let project = studio.open_sample("review-mood").unwrap();
    let run = studio.start_run(project.id).await.unwrap();
    let view = studio.run_view(run.id).unwrap();
    assert!(
        view.train > 0 && view.validation > 0,
        "known from the start"
    );
    studio.pause_run(run.id).await;
    let paused = studio.run_view(run.id).unwrap().run;
    assert_eq!((paused.state, paused.error), (RunState::Paused, None));
    assert_eq!(studio.home().unwrap().unfinished.len(), 1);

    studio.resume_run(run.id).await.unwrap();
    studio.stop_run(run.id).await;
    let stopped = studio.run_view(run.id).unwrap().run;
    assert_eq!((stopped.state, stopped.error), (RunState::Cancelled, None));
    assert!(studio.home().unwrap().unfinished.is_empty());
}

/// Looking whether a run is worked on takes its lock for a moment.
#[tokio::test(flavor = "multi_thread")]
async fn looking_at_runs_does_not_keep_one_from_starting() {
    let folder = tempfile::tempdir().unwrap();
    let studio = studio(folder.path(), 1);
    let project = studio.open_sample("review-mood").unwrap();
    let run = studio.start_run(project.id).await.unwrap();
    studio.pause_run(run.id).await;
    let looker = studio.clone();
    let looking = std::thread::spawn(move || {
        for _ in 0..400 {
            looker.home().unwrap();
        }
    });
    for _ in 0..10 {
        studio.resume_run(run.id).await.unwrap();
        studio.pause_run(run.id).await;
        let now = studio.run_view(run.id).unwrap().run;
        assert!(now.error.is_none(), "{:?}", now.error);
        if now.state == RunState::Completed {
            break;
        }
    }
    looking.join().unwrap();
}
