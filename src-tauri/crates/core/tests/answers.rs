//! Whole runs with a model whose loss and answers disagree.

#![allow(clippy::unwrap_used)] // A test may stop at the first surprise.

mod scripted;

use async_trait::async_trait;
use pmpo_core::dataset::Answer;
use pmpo_core::loss::Verdict;
use pmpo_core::model::*;
use pmpo_core::optimize::*;
use scripted::*;
use tokio_util::sync::CancellationToken;

const START: &str = "You are a poet. Answer the text.";

/// The scripted model, which says the right answer always on the examples that choose, and
/// on the others with the start prompt alone.
struct Forgetful {
    inner: Scripted,
    /// Inputs of held-out examples.
    held: Vec<String>,
    /// What it writes where it is right.
    right: String,
}

impl Forgetful {
    async fn of(task: &Task, right: &str) -> Self {
        let inner = Scripted::new();
        let plan = plan(task, &quick(), &inner).await.unwrap();
        let held = plan.split.validation.iter();
        Self {
            held: held.map(|&at| task.examples[at].input.clone()).collect(),
            inner,
            right: right.into(),
        }
    }

    fn is_right(&self, conversation: &pmpo_core::prompt::Conversation) -> bool {
        let (prompt, input) = texts(conversation);
        prompt == START || !self.held.contains(&input)
    }
}

#[async_trait]
impl LanguageModel for Forgetful {
    fn description(&self) -> &ModelDescription {
        self.inner.description()
    }

    async fn measure(&self, items: &[ScoreItem]) -> Result<Vec<Measured>, ModelError> {
        self.inner.measure(items).await
    }

    async fn score(
        &self,
        items: &[ScoreItem],
        cancel: &CancellationToken,
    ) -> Result<ScoredBatch, ModelError> {
        let mut batch = self.inner.score(items, cancel).await?;
        for (score, item) in batch.scores.iter_mut().zip(items) {
            score.likeliest = Some(self.is_right(&item.conversation));
        }
        Ok(batch)
    }

    async fn generate(
        &self,
        request: &GenerateRequest,
        cancel: &CancellationToken,
    ) -> Result<Generated, ModelError> {
        self.inner.generate(request, cancel).await
    }

    async fn answer(
        &self,
        request: &GenerateRequest,
        _: &CancellationToken,
    ) -> Result<Generated, ModelError> {
        let right = self.is_right(&request.conversation);
        Ok(Generated {
            text: if right {
                self.right.clone()
            } else {
                "Hm".into()
            },
            tokens: TokenCount::default(),
            finish: Finish::Stop,
        })
    }
}

async fn end(task: &Task, model: &Forgetful) -> Outcome {
    run(task, &quick(), model, &mut Memory::default()).await
}

#[tokio::test]
async fn a_run_that_is_surer_and_less_right_is_not_called_better() {
    let task = task(START, 40);
    let outcome = end(&task, &Forgetful::of(&task, "answer").await).await;
    let check = outcome.validation.unwrap();
    assert!(outcome.improved() && check.best_loss < check.start_loss - 0.5);
    assert_eq!(check.verdict, Verdict::SurerButLessRight);
    let asked = check.asked.unwrap();
    assert_eq!((asked.before, asked.after), (1.0, 0.0));
    assert_eq!(outcome.answers.len(), quick().answers);
}

#[tokio::test]
async fn where_answers_are_json_all_held_out_examples_are_written_and_counted() {
    let mut task = task(START, 40);
    for example in &mut task.examples {
        example.answer = Answer::Supervised {
            targets: vec![r#"{"things": ["one"], "count": 1}"#.into()],
        };
    }
    let written = r#"{ "count": 1.0, "things": ["one"] }"#;
    let outcome = end(&task, &Forgetful::of(&task, written).await).await;
    let check = outcome.validation.unwrap();
    assert_eq!(outcome.answers.len(), check.examples);
    assert!(outcome
        .answers
        .iter()
        .all(|one| one.right == Some((true, false))));
    let asked = check.asked.unwrap();
    assert_eq!((asked.before, asked.after), (1.0, 0.0));
    assert_eq!(check.verdict, Verdict::SurerButLessRight);
}
