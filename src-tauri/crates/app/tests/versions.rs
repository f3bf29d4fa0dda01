//! Versions noted, labelled and compared, on a model that is a formula.

#![allow(clippy::unwrap_used)] // A test may stop at the first surprise.

mod common;

use common::studio;
use pmpo_app::wire::{ComparisonRequest, Draft, GroundChoice, Subject};
use pmpo_app::Studio;
use pmpo_core::loss::Verdict;

/// The sample with two versions: the first says less.
fn project(studio: &std::sync::Arc<Studio>) -> (i64, i64) {
    let project = studio.open_sample("review-mood").unwrap();
    (project.id, project.versions[0].id)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_noted_stays_and_too_much_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let studio = studio(folder.path(), 0);
    let (id, version) = project(&studio);
    let tags = [
        " short ".to_owned(),
        "<b>bold</b>".to_owned(),
        "short".to_owned(),
    ];
    let noted = studio.annotate_version(id, version, "A note.\n\u{202e}abc", true, &tags);
    let noted = noted.unwrap().versions[0].clone();
    assert_eq!(noted.tags, ["<b>bold</b>", "short"]);
    assert_eq!(
        (noted.note.as_str(), noted.starred),
        ("A note.\n\u{202e}abc", true)
    );
    let long = "x".repeat(41);
    for tags in [
        vec![long.clone()],
        vec![" ".to_owned()],
        vec!["x".to_owned(); 21],
    ] {
        let refused = studio.annotate_version(id, version, "", false, &tags);
        assert_eq!(refused.unwrap_err().code, "version");
    }
    let note = "x".repeat(20_001);
    assert!(studio
        .annotate_version(id, version, &note, false, &[])
        .is_err());
    assert_eq!(studio.project(id).unwrap().versions[0].tags, noted.tags);
    // Of another project, and of none.
    let other = studio.create_project("Other").unwrap().id;
    assert!(studio
        .annotate_version(other, version, "", false, &[])
        .is_err());
    assert!(studio.annotate_version(id, 999, "", false, &[]).is_err());

    let labelled = studio
        .label_version(id, "favourite", Some(version))
        .unwrap();
    assert_eq!(labelled.versions[0].labels, ["favourite"]);
    assert!(studio.label_version(id, &long, Some(version)).is_err());
    assert!(studio.label_version(id, "in use", None).is_err());
    assert!(studio
        .label_version(other, "favourite", Some(version))
        .is_err());
    let without = studio.label_version(id, "favourite", None).unwrap();
    assert!(without.versions[0].labels.is_empty());
    let moves = studio.label_moves(id).unwrap();
    assert_eq!(moves.len(), 2);
    assert_eq!((moves[0].version, moves[1].version), (None, Some(version)));
}

/// `None` is the prompt in the editor.
fn beside(project: i64, first: Option<i64>, second: Option<i64>) -> ComparisonRequest {
    let subject = |version| match version {
        Some(id) => Subject::Version { id },
        None => Subject::Draft,
    };
    ComparisonRequest {
        project,
        first: subject(first),
        second: subject(second),
        ground: GroundChoice::Project,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_prompts_are_compared_on_what_both_were_measured_on() {
    let folder = tempfile::tempdir().unwrap();
    let studio = studio(folder.path(), 0);
    let (id, version) = project(&studio);
    let draft = studio.project(id).unwrap().draft;
    let prompt = format!(
        "{} Read every word of it and say it in one word.",
        draft.prompt
    );
    studio
        .save_draft(
            id,
            &Draft {
                prompt: prompt.clone(),
                ..draft
            },
        )
        .unwrap();
    let before = studio.compare(&beside(id, Some(version), None)).unwrap();
    assert_eq!((before.figures, before.second.text), (None, prompt));
    assert_eq!(before.missing, before.ground.unwrap().examples);
    // The prompt in the editor alone is not enough.
    studio.measure(id, vec![], vec![]).await.unwrap();
    assert_eq!(
        studio
            .compare(&beside(id, Some(version), None))
            .unwrap()
            .figures,
        None
    );
    let found = studio.measure(id, vec![version], vec![]).await.unwrap();
    let compared = studio.compare(&beside(id, Some(version), None)).unwrap();
    let figures = compared.figures.unwrap();
    let cell = found
        .cells
        .iter()
        .find(|one| one.version == version)
        .unwrap();
    assert!((figures.first_loss - cell.loss).abs() < 1e-9);
    assert_eq!(figures.examples, cell.examples);
    assert!(figures.second_loss < figures.first_loss);
    assert_eq!(figures.verdict, Verdict::Better);
    let turned = studio.compare(&beside(id, None, Some(version))).unwrap();
    assert_eq!(turned.figures.unwrap().verdict, Verdict::Worse);
    let same = studio
        .compare(&beside(id, Some(version), Some(version)))
        .unwrap();
    assert_eq!(same.figures.unwrap().verdict, Verdict::NoClearDifference);
}
