//! Runs laid over each other, prompts compared on any ground, files and backups, on a
//! model that is a formula.

#![allow(clippy::unwrap_used)] // A test may stop at the first surprise.

mod common;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use common::studio;
use pmpo_app::wire::{
    AnswerRole, ComparisonRequest, CurveAxis, CurveGroups, CurveKind, CurveStyle, Draft,
    GroundChoice, OverlayFormat, OverlayRequest, PictureWords, RunState, RunsPage, Subject,
    VersionFormat, VersionOrigin,
};
use pmpo_app::Studio;
use pmpo_core::loss::Verdict;
use pmpo_store::{ProjectId, Store};

async fn run(studio: &Arc<Studio>, project: i64) -> i64 {
    let run = studio.start_run(project).await.unwrap().id;
    for _ in 0..3000 {
        if studio.active_run().is_none() {
            assert_eq!(studio.run_view(run).unwrap().run.state, RunState::Completed);
            return run;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the run does not end");
}

fn change(studio: &Studio, project: i64, change: impl FnOnce(&mut Draft)) {
    let mut draft = studio.project(project).unwrap().draft;
    change(&mut draft);
    studio.save_draft(project, &draft).unwrap();
}

fn words(axis: CurveAxis) -> PictureWords {
    PictureWords::english(axis)
}

fn overlay(runs: &[i64]) -> OverlayRequest {
    OverlayRequest {
        runs: runs.to_vec(),
        style: CurveStyle::default(),
        prompts: false,
        width: 800,
        height: 400,
        dark: false,
        x_range: None,
        y_range: None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_are_laid_over_each_other_and_kept_apart_where_they_differ() {
    let folder = tempfile::tempdir().unwrap();
    let studio = studio(folder.path(), 0);
    let project = studio.open_sample("review-mood").unwrap().id;
    let first = run(&studio, project).await;
    change(&studio, project, |draft| {
        draft.prompt.push_str(" Be brief.")
    });
    let second = run(&studio, project).await;

    let lines = studio.runs(Some(project)).unwrap();
    assert_eq!(
        lines.iter().map(|one| one.run.id).collect::<Vec<_>>(),
        [second, first]
    );
    assert_eq!(lines[0].ground, lines[1].ground);
    assert_ne!(lines[0].colour, lines[1].colour);
    assert!(lines[0].pairs > 100 && lines[0].tokens > 0 && lines[0].steps > 0);
    assert!(lines[0].validation.is_some() && lines[0].start_version != lines[1].start_version);

    let laid = studio.overlay(&overlay(&[first, second])).unwrap();
    assert_eq!((laid.curves.len(), laid.grounds.len()), (2, 1));
    assert!(laid.svg.starts_with("<svg") && laid.empty.is_empty());
    for (curve, line) in laid.curves.iter().zip(lines.iter().rev()) {
        // What is drawn is what is stored, to the last digit.
        assert_eq!(
            curve.start.to_bits(),
            line.run.start_loss.unwrap().to_bits()
        );
        assert_eq!(curve.best.to_bits(), line.run.best_loss.unwrap().to_bits());
        assert_eq!(curve.colour, line.colour);
    }
    let last = laid.curves[0].end;
    let read = studio.overlay_at(&overlay(&[first, second]), last).unwrap();
    assert_eq!(
        read[0].value.unwrap().to_bits(),
        laid.curves[0].best.to_bits()
    );
    assert!(read[0].ordinal.is_some());
    let before = studio.overlay_at(&overlay(&[first]), -1.0).unwrap();
    assert_eq!(before[0].value, None);

    // The file holds every place of both curves that is shown, as stored.
    for axis in [
        CurveAxis::Steps,
        CurveAxis::Pairs,
        CurveAxis::Tokens,
        CurveAxis::Seconds,
    ] {
        let mut request = overlay(&[first, second]);
        request.style = CurveStyle {
            axis,
            kind: CurveKind::Each,
            smoothing: 0.5,
            ..CurveStyle::default()
        };
        let file = studio
            .export_overlay(&request, OverlayFormat::Csv, false, &words(axis))
            .unwrap();
        let mut reader = csv::Reader::from_reader(&file[..]);
        let mut rows = 0;
        for row in reader.records() {
            let row = row.unwrap();
            let (run, at): (i64, f64) = (row[1].parse().unwrap(), row[2].parse().unwrap());
            let key = usize::from(run == second);
            let read = &studio.overlay_at(&request, at).unwrap()[key];
            let loss: f64 = row[3].parse().unwrap();
            assert_eq!(read.value.unwrap().to_bits(), loss.to_bits());
            rows += 1;
        }
        assert!(rows > 4, "{axis:?}");
        for (format, large) in [(OverlayFormat::Svg, false), (OverlayFormat::Png, true)] {
            assert!(
                studio
                    .export_overlay(&request, format, large, &words(axis))
                    .unwrap()
                    .len()
                    > 1000
            );
        }
    }
    let mut grouped = overlay(&[first, second]);
    grouped.style.groups = CurveGroups::Model;
    assert_eq!(studio.overlay(&grouped).unwrap().curves.len(), 1);

    // Another kind of loss is another ground: never one group.
    change(&studio, project, |draft| draft.settings.end_of_turn = false);
    let third = run(&studio, project).await;
    grouped.runs = vec![first, second, third];
    let laid = studio.overlay(&grouped).unwrap();
    assert_eq!((laid.curves.len(), laid.grounds.len()), (2, 2));
    assert!(laid.grounds[1].differs.settings && !laid.grounds[1].differs.data);
    assert_eq!(
        laid.grounds[1].settings,
        [("end_of_turn".to_owned(), "false".to_owned())]
    );

    // Notes, colours, the archive, the bin.
    let tags = ["a".to_owned(), "<b>".to_owned()];
    studio
        .describe_run(first, " \u{202e}R\u{1f600}<i> ", "note", &tags)
        .unwrap();
    studio.colour_run(first, Some("#0a0B0c")).unwrap();
    studio.archive_run(first, true).unwrap();
    let line = studio.runs(None).unwrap().pop().unwrap();
    assert_eq!(
        (line.run.name.as_str(), line.archived),
        ("\u{202e}R\u{1f600}<i>", true)
    );
    assert_eq!((line.colour.as_str(), line.tags.len()), ("#0a0b0c", 2));
    let svg = studio
        .export_overlay(
            &overlay(&[first]),
            OverlayFormat::Svg,
            false,
            &words(CurveAxis::Prompts),
        )
        .unwrap();
    assert!(!String::from_utf8(svg).unwrap().contains("<i>"));
    for wrong in ["", "red", "#12345", "#12345g", "#1234567"] {
        assert!(studio.colour_run(first, Some(wrong)).is_err(), "{wrong}");
    }
    assert!(studio.describe_run(first, " ", "", &[]).is_err());
    studio.delete_run(first).unwrap();
    assert_eq!(studio.runs(None).unwrap().len(), 2);
    // A picture that is open elsewhere leaves it out.
    assert_eq!(
        studio
            .overlay(&overlay(&[first, second]))
            .unwrap()
            .curves
            .len(),
        1
    );
    assert_eq!(studio.storage().unwrap().binned, 1);
    studio.undelete_run(first).unwrap();
    assert_eq!(studio.runs(None).unwrap().pop().unwrap(), line);
    studio.delete_run(first).unwrap();
    assert_eq!(studio.compact_storage().unwrap().binned, 0);
    assert!(studio.undelete_run(first).is_err());
    assert!(studio.check_storage().unwrap().is_empty());

    let page = RunsPage {
        shown: Some(vec![second]),
        style: grouped.style,
        columns: vec!["name".to_owned()],
        ..RunsPage::default()
    };
    studio.save_runs_page(&page).unwrap();
    assert_eq!(studio.runs_page().unwrap(), page);
    assert!(studio.overlay(&overlay(&[])).is_err());
    assert!(studio.overlay(&overlay(&[second; 501])).is_err());
}

fn compare(
    project: i64,
    first: Subject,
    second: Subject,
    ground: GroundChoice,
) -> ComparisonRequest {
    ComparisonRequest {
        project,
        first,
        second,
        ground,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn prompts_are_compared_on_the_ground_of_a_run_example_by_example() {
    let folder = tempfile::tempdir().unwrap();
    let studio = studio(folder.path(), 0);
    let project = studio.open_sample("review-mood").unwrap().id;
    let first = run(&studio, project).await;
    let own = compare(
        project,
        Subject::RunStart { run: first },
        Subject::RunBest { run: first },
        GroundChoice::Run { run: first },
    );
    let found = studio.compare(&own).unwrap();
    // The run measured both on all its examples, so that nothing is missing.
    let result = studio.result(first).unwrap();
    assert_eq!(found.missing, 0);
    let figures = found.figures.unwrap();
    assert_eq!(figures.verdict, Verdict::Better);
    assert_eq!(found.rows.len(), found.rows_total);
    assert_eq!(found.first.text, result.start);
    assert!(found.first.segments.is_some() && found.first.run_name.is_some());
    assert!(found.second.version.is_some());
    for row in &result.rows {
        let same = found.rows.iter().find(|one| one.row == row.row).unwrap();
        assert_eq!(same.first.to_bits(), row.start_loss.to_bits());
        assert_eq!(same.second.to_bits(), row.best_loss.to_bits());
        assert_eq!(same.second_correct, row.best_correct);
    }
    let change = |at: usize| (found.rows[at].second - found.rows[at].first).abs();
    assert!((1..found.rows.len()).all(|at| change(at - 1) >= change(at)));
    let drawn = studio.scatter(&own, (500, 400), true).unwrap();
    assert!(drawn.svg.matches("<circle").count() == found.rows.len());
    let tokens = studio
        .compare_tokens(&own, found.rows[0].example)
        .await
        .unwrap();
    assert_eq!(tokens.answers[0].role, AnswerRole::Right);
    assert!(tokens.answers.len() > 1 && tokens.answers[1].role == AnswerRole::Wrong);
    let sum: f64 = tokens.answers[0].first.iter().map(|piece| piece.nats).sum();
    assert!(sum > 0.0 && tokens.answers[0].second.len() == 1);
    assert!(studio.compare_tokens(&own, 1_000_000).await.is_err());

    // The best prompt of a run on the data of a run of another project.
    let other = studio.open_sample(pmpo_app::SAMPLES[1]).unwrap().id;
    let second = run(&studio, other).await;
    let across = compare(
        other,
        Subject::RunBest { run: second },
        Subject::RunBest { run: first },
        GroundChoice::Run { run: second },
    );
    let before = studio.compare(&across).unwrap();
    assert!(before.figures.is_none() && before.missing > 0);
    let after = studio.measure_comparison(&across).await.unwrap();
    assert_eq!(after.missing, 0);
    assert_eq!(after.figures.unwrap().examples, after.rows_total);
    // Versions of other projects are none of this one's.
    let version = studio.project(project).unwrap().versions[0].id;
    let foreign = compare(
        other,
        Subject::Version { id: version },
        Subject::Draft,
        GroundChoice::Project,
    );
    assert!(studio.compare(&foreign).is_err());
    let empty = studio.create_project("Empty").unwrap().id;
    let nothing = compare(empty, Subject::Draft, Subject::Draft, GroundChoice::Project);
    assert_eq!(studio.compare(&nothing).unwrap().ground, None);
    assert!(studio.measure_comparison(&nothing).await.is_err());
    assert!(studio.scatter(&nothing, (100, 100), false).is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_tells_how_it_came_to_be_and_goes_to_files_and_back() {
    let folder = tempfile::tempdir().unwrap();
    let studio = studio(folder.path(), 0);
    let project = studio.open_sample("review-mood").unwrap().id;
    let first = run(&studio, project).await;
    let best = studio.result(first).unwrap().best_version.unwrap();
    let story = studio.version_story(project, best.id).unwrap().unwrap();
    assert_eq!((story.run, story.from), (Some(first), Some(1)));
    let view = studio.run_view(first).unwrap();
    assert!(!story.changes.is_empty());
    let last = story.changes.last().unwrap();
    assert_eq!(last.candidate, view.best.as_ref().unwrap().ordinal);
    assert_eq!(last.loss, view.best.unwrap().loss);
    assert!(story
        .changes
        .windows(2)
        .all(|pair| pair[0].step < pair[1].step));
    let start = studio.project(project).unwrap().versions.pop().unwrap();
    assert_eq!(studio.version_story(project, start.id).unwrap(), None);

    studio
        .measure(project, vec![best.id], vec![])
        .await
        .unwrap();
    let write = |format, name: &str| {
        let bytes = studio.export_version(project, best.id, format).unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, &bytes).unwrap();
        (path, String::from_utf8(bytes).unwrap())
    };
    let (txt, _) = write(VersionFormat::Txt, "p.txt");
    let (json, messages) = write(VersionFormat::Messages, "p.json");
    let (card, words) = write(VersionFormat::Card, "p.md");
    assert!(messages.contains("\"system\"") && messages.contains("{{input}}"));
    let cell = &studio.measurements(project).unwrap().cells[0];
    assert!(words.contains(&format!("{:.4} nats", cell.loss)), "{words}");
    // Each of them gives the very same prompt back, so that it is the same version.
    let versions = studio.project(project).unwrap().versions.len();
    for path in [txt, json, card] {
        let got = studio
            .import_prompt(project, &path.display().to_string())
            .unwrap();
        assert_eq!(got.draft.prompt, best.text, "{}", path.display());
        assert_eq!(got.versions.len(), versions);
    }
    let hostile = "\u{202e}<script>alert(1)</script> \u{1f600} \u{1b}[31m\n```\n# no title";
    let path = folder.path().join("h.txt");
    std::fs::write(&path, hostile).unwrap();
    change(&studio, project, |draft| {
        draft.prompt = "Not kept yet.".to_owned()
    });
    let got = studio
        .import_prompt(project, &path.display().to_string())
        .unwrap();
    assert_eq!(got.draft.prompt, hostile);
    // What was in the editor is a version now.
    assert!(got.versions.iter().any(|one| one.text == "Not kept yet."));
    let new = got.versions.iter().find(|one| one.text == hostile).unwrap();
    assert_eq!(
        new.origin,
        VersionOrigin::Imported {
            file: "h.txt".to_owned()
        }
    );
    let card = studio
        .export_version(project, new.id, VersionFormat::Card)
        .unwrap();
    let path = folder.path().join("h.md");
    std::fs::write(&path, card).unwrap();
    let again = studio
        .import_prompt(project, &path.display().to_string())
        .unwrap();
    assert_eq!(again.draft.prompt, hostile);
    assert!(studio.import_prompt(project, "/nowhere").is_err());
    // A million letters.
    let long = folder.path().join("long.txt");
    std::fs::write(&long, "Say it. ".repeat(125_000)).unwrap();
    let got = studio
        .import_prompt(project, &long.display().to_string())
        .unwrap();
    assert!(got.draft.prompt.len() > 999_000);
}

/// All that the window is told of a project.
fn everything(studio: &Studio, project: i64) -> String {
    let whole = studio.project(project).unwrap();
    let mut out = format!("{:?}\n{:?}", whole, studio.runs(Some(project)).unwrap());
    for run in &whole.runs {
        out += &format!("{:?}\n", studio.result(run.id).unwrap());
        let laid = studio.overlay(&overlay(&[run.id])).unwrap();
        out += &format!("{laid:?}\n");
    }
    out += &format!("{:?}", studio.measurements(project).unwrap());
    out += &format!("{:?}", studio.label_moves(project).unwrap());
    let version = whole.versions[0].id;
    let request = compare(
        project,
        Subject::Version { id: version },
        Subject::Draft,
        GroundChoice::Project,
    );
    out + &format!("{:?}", studio.compare(&request).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_that_was_deleted_comes_back_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let studio = studio(folder.path(), 0);
    let project = studio.open_sample("review-mood").unwrap().id;
    let first = run(&studio, project).await;
    let best = studio.result(first).unwrap().best_version.unwrap();
    studio.use_version(project, best.id).unwrap();
    studio
        .annotate_version(project, best.id, "good", true, &["t".to_owned()])
        .unwrap();
    change(&studio, project, |draft| {
        draft.prompt.push_str(" And more.")
    });
    studio.measure(project, vec![], vec![]).await.unwrap();
    studio
        .measure(project, vec![best.id], vec![])
        .await
        .unwrap();
    studio
        .describe_run(first, "Mine", "n", &["x".to_owned()])
        .unwrap();
    let before = everything(&studio, project);

    // What somebody may look at again stays when the database is made small.
    studio.compact_storage().unwrap();
    assert_eq!(everything(&studio, project), before);

    let name = studio.backup_name(project).unwrap();
    assert!(name.ends_with(".pmpo"));
    let file = folder.path().join(name);
    studio.back_up(project, &file, true).unwrap();
    studio.delete_project(project).unwrap();
    assert!(studio.home().unwrap().projects.is_empty());
    let back = studio.bring_back(&file.display().to_string()).unwrap();
    assert_eq!(back.id, project);
    assert_eq!(everything(&studio, project), before);

    // Beside the original, under another name, with numbers of its own.
    let twin = studio.bring_back(&file.display().to_string()).unwrap();
    assert_ne!((twin.id, &twin.name), (back.id, &back.name));
    assert_ne!(twin.runs[0].id, first);
    let story = twin
        .versions
        .iter()
        .find_map(|one| studio.version_story(twin.id, one.id).unwrap());
    assert_eq!(story.unwrap().run, Some(twin.runs[0].id));
    assert_eq!(everything(&studio, project), before);
    for wrong in [
        "/nowhere.pmpo",
        &file.with_extension("txt").display().to_string(),
    ] {
        assert!(studio.bring_back(wrong).is_err());
    }
    let place = Path::new("/nowhere/at/all.pmpo");
    assert!(studio.back_up(project, place, true).is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_newer_version_saved_is_told_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let studio = studio(folder.path(), 0);
    let project = studio.create_project("Letters").unwrap().id;
    change(&studio, project, |draft| {
        draft.prompt = "Be kind.".to_owned();
        draft.settings.steps = 7;
    });
    assert!(studio.project(project).unwrap().unread.is_empty());
    drop(studio);

    // As a later version of the program might write it.
    let mut store = Store::open(&folder.path().join("pmpo.sqlite")).unwrap();
    let id = ProjectId(project);
    let mut newer = store.project_row(id).unwrap().draft.unwrap();
    newer["settings"]["objective"] = serde_json::json!({ "mixed": 0.5 });
    newer["settings"]["later"] = serde_json::json!(3);
    newer["device"] = serde_json::json!(["cpu", "gpu0"]);
    newer["goals"] = serde_json::json!(["short"]);
    store.save_draft(id, &newer).unwrap();
    let odd = serde_json::json!({ "theme": "sepia", "language": "de", "advanced": true });
    store.set_preference("window", &odd).unwrap();
    drop(store);

    let studio = common::studio(folder.path(), 0);
    let found = studio.project(project).unwrap();
    assert_eq!(found.unread, ["settings.objective", "device"]);
    assert_eq!(found.draft.prompt, "Be kind.");
    assert_eq!(
        (found.draft.settings.steps, found.draft.device.as_str()),
        (7, "auto")
    );
    let preferences = studio.home().unwrap().preferences;
    assert_eq!(
        (preferences.language.as_str(), preferences.advanced),
        ("de", true)
    );

    // What the person changes is saved; the rest waits for the version that knows it.
    change(&studio, project, |draft| {
        draft.prompt.push_str(" And brief.")
    });
    studio.save_preferences(&preferences).unwrap();
    drop(studio);
    let store = Store::open(&folder.path().join("pmpo.sqlite")).unwrap();
    newer["prompt"] = serde_json::json!("Be kind. And brief.");
    assert_eq!(store.project_row(id).unwrap().draft.unwrap(), newer);
    assert_eq!(
        store.preference("window").unwrap().unwrap()["theme"],
        "sepia"
    );
}
