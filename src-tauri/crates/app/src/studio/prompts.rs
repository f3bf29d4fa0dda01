//! Prompts cut into what the editor shows, and measured.

use std::time::Instant;

use pmpo_core::dataset::{split, Example};
use pmpo_core::optimize::{prompt_tokens, Task};
use pmpo_core::prompt::{locate_frozen, split_into_segments, Prompt, Template};
use pmpo_store::ProjectId;
use tokio_util::sync::CancellationToken;

use super::Studio;
use crate::drafts::{draft, task};
use crate::models::Purpose;
use crate::rows::column_names;
use crate::wire::{PromptCheck, PromptPiece, ScoredPrompt};
use crate::{score_prompt, AppError};

impl Studio {
    /// Cuts a prompt into what the editor shows.
    pub async fn check_prompt(
        &self,
        project: i64,
        prompt: &str,
        locked: &[String],
    ) -> Result<PromptCheck, AppError> {
        let (draft, example) = {
            let store = self.reader()?;
            let id = ProjectId(project);
            let draft = draft(&store, id)?;
            let example = match store.project_row(id)?.dataset {
                Some(dataset) => store.first_examples(dataset, 1)?.into_iter().next(),
                None => None,
            };
            (draft, example)
        };
        // Demonstrations are shown by themselves: they hold no parts and no places.
        let parsed = Prompt::parse(prompt);
        let mut check = cut(
            &parsed.text,
            locked,
            draft.settings.max_segments,
            example.as_ref(),
        );
        if let Some(model) = self.models.if_loaded(&draft.scorer(), &draft.device) {
            check.window = Some(model.description().context_window);
            if check.unknown.is_empty() {
                let counted = prompt_tokens(prompt, example.as_ref(), &*model).await;
                check.tokens = counted.ok();
            }
        }
        Ok(check)
    }

    /// Measures a prompt on the examples that choose.
    pub async fn score_prompt(&self, project: i64, prompt: &str) -> Result<ScoredPrompt, AppError> {
        let id = ProjectId(project);
        let (draft, task) = {
            let store = self.reader()?;
            (draft(&store, id)?, task(&store, id)?)
        };
        let task = Task {
            prompt: prompt.to_owned(),
            frozen: Vec::new(),
            ..task
        };
        let parts = split(&task.examples, &draft.settings.split, draft.settings.seed);
        let model = self
            .models
            .acquire(&draft.scorer(), &draft.device, Purpose::Scoring)
            .await?;
        let clock = Instant::now();
        let cancel = CancellationToken::new();
        let scored = score_prompt(
            self.database.writer(),
            &task,
            &parts.train,
            &draft.settings,
            &*model,
            &cancel,
        )
        .await?;
        Ok(ScoredPrompt::new(&scored, clock.elapsed().as_secs_f64()))
    }
}

/// Cuts a prompt at segments, placeholders and locked texts.
fn cut(
    prompt: &str,
    locked: &[String],
    max_segments: usize,
    example: Option<&Example>,
) -> PromptCheck {
    let (frozen, problem) = match locate_frozen(prompt, locked) {
        Ok(ranges) => (ranges, None),
        Err(error) => {
            let error = pmpo_core::optimize::OptimizeError::from(error);
            (Vec::new(), Some(AppError::from(error)))
        }
    };
    let plain = |text: &str| PromptPiece {
        text: text.to_owned(),
        segment: None,
        placeholder: None,
        known: true,
        locked: false,
    };
    let template = Template::parse(prompt);
    let names = column_names(example);
    let knows = |name: &str| name == "input" || names.iter().any(|known| known == name);
    let mut marks = Vec::new();
    for range in &frozen {
        let mut piece = plain(&prompt[range.clone()]);
        piece.locked = true;
        marks.push((range.clone(), piece));
    }
    for hole in template.placeholders() {
        let mut piece = plain(&prompt[hole.range.clone()]);
        piece.known = knows(&hole.name);
        piece.placeholder = Some(hole.name.clone());
        marks.push((hole.range.clone(), piece));
    }
    let segments = split_into_segments(prompt, &frozen, max_segments);
    for (number, segment) in segments.into_iter().enumerate() {
        let mut piece = plain(&segment.text);
        piece.segment = Some(number);
        marks.push((segment.range, piece));
    }
    marks.sort_by_key(|(range, _)| (range.start, std::cmp::Reverse(range.end)));
    let mut pieces = Vec::new();
    let mut from = 0;
    for (range, piece) in marks {
        // A placeholder inside locked text is part of that piece.
        if range.start < from {
            continue;
        }
        if range.start > from {
            pieces.push(plain(&prompt[from..range.start]));
        }
        from = range.end;
        pieces.push(piece);
    }
    if from < prompt.len() {
        pieces.push(plain(&prompt[from..]));
    }
    let mut unknown: Vec<String> = Vec::new();
    for hole in template.placeholders() {
        if !knows(&hole.name) && !unknown.contains(&hole.name) {
            unknown.push(hole.name.clone());
        }
    }
    PromptCheck {
        pieces,
        tokens: None,
        window: None,
        unknown,
        problem,
    }
}

#[cfg(test)]
mod tests {
    use super::cut;

    #[test]
    fn pieces_put_together_are_the_prompt() {
        let prompt = "You are {{role}}. Be kind.\n\nText: {{input}}\nAnswer:";
        let check = cut(prompt, &["Be kind.".to_owned()], 5, None);
        let whole: String = check.pieces.iter().map(|p| p.text.as_str()).collect();
        assert_eq!(whole, prompt);
        assert_eq!(check.unknown, ["role"]);
        let locked: Vec<_> = check.pieces.iter().filter(|p| p.locked).collect();
        assert_eq!(locked.len(), 1);
        assert_eq!(locked[0].text, "Be kind.");
        assert!(check.pieces.iter().any(|p| p.segment.is_some()));
        let lost = cut(prompt, &["Be rude.".to_owned()], 5, None);
        assert!(lost.problem.is_some());
    }
}
