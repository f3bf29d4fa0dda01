//! A prompt tried on an input of the person's own.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use pmpo_core::model::{GenerateRequest, TextSink};
use pmpo_core::prompt::{Columns, Conversation, Prompt};
use pmpo_store::ProjectId;
use tokio_util::sync::CancellationToken;

use crate::blocking::blocking_on;
use crate::data::Mapping;
use crate::database::Database;
use crate::drafts::draft;
use crate::locks::held;
use crate::models::{ModelHost, Purpose};
use crate::wire::TryMessage;
use crate::AppError;

/// Longest answer, in tokens.
const LONGEST_ANSWER: usize = 512;

/// Takes an answer while it is written.
pub type TrySink = Arc<dyn Fn(TryMessage) + Send + Sync>;

/// Answers that are being written.
pub(crate) struct Tries {
    database: Arc<Database>,
    models: Arc<ModelHost>,
    going: Mutex<HashMap<u32, CancellationToken>>,
    next: AtomicU32,
}

impl Tries {
    pub(crate) fn new(database: Arc<Database>, models: Arc<ModelHost>) -> Self {
        Self {
            database,
            models,
            going: Mutex::default(),
            next: AtomicU32::new(1),
        }
    }

    /// Lets the model answer an input under a prompt, always the likeliest token.
    ///
    /// Every placeholder but `{{input}}` that the data has stays empty. The
    /// number returned stops it.
    pub(crate) fn begin(
        self: &Arc<Self>,
        project: ProjectId,
        prompt: String,
        input: String,
        sink: TrySink,
    ) -> u32 {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let cancel = CancellationToken::new();
        held(&self.going).insert(number, cancel.clone());
        let tries = self.clone();
        let own = sink.clone();
        let answer = blocking_on(async move {
            let done = tries.answer(project, &prompt, &input, &cancel, &own);
            done.await
        });
        let tries = self.clone();
        tokio::spawn(async move {
            let message = match answer.await {
                Ok(done) => done,
                Err(error) => TryMessage::Failed { error },
            };
            held(&tries.going).remove(&number);
            sink(message);
        });
        number
    }

    /// Stops an answer that is being written.
    pub(crate) fn stop(&self, number: u32) {
        if let Some(cancel) = held(&self.going).get(&number) {
            cancel.cancel();
        }
    }

    async fn answer(
        &self,
        project: ProjectId,
        prompt: &str,
        input: &str,
        cancel: &CancellationToken,
        sink: &TrySink,
    ) -> Result<TryMessage, AppError> {
        let draft = draft(&*self.database.read()?, project)?;
        let (mapped, mut columns) = {
            let store = self.database.read()?;
            match store.project_row(project)?.dataset {
                Some(dataset) => {
                    let mapping =
                        serde_json::from_value::<Mapping>(store.dataset(dataset)?.columns);
                    let first = store.first_examples(dataset, 1)?.into_iter().next();
                    // What is typed stands for the first input column.
                    let mapped = mapping
                        .ok()
                        .and_then(|mapping| mapping.inputs.into_iter().next());
                    (mapped, first.map_or_else(Columns::new, |one| one.columns))
                }
                None => (None, Columns::new()),
            }
        };
        columns.values_mut().for_each(String::clear);
        if let Some(place) = mapped.and_then(|name| columns.get_mut(&name)) {
            *place = input.to_owned();
        }
        let model = self
            .models
            .acquire(&draft.scorer(), &draft.device, Purpose::Trying)
            .await?;
        let conversation = Prompt::parse(prompt)
            .render(input, &columns, model.description().has_chat_template)
            .map_err(pmpo_core::optimize::OptimizeError::from)?;
        // A base model knows no end of turn: past a blank line it makes up the next text.
        let stop = match conversation {
            Conversation::Text { .. } => vec!["\n\n".to_owned()],
            Conversation::Chat { .. } => Vec::new(),
        };
        let request = GenerateRequest {
            conversation,
            temperature: 0.0,
            top_p: 1.0,
            seed: draft.settings.seed,
            max_tokens: LONGEST_ANSWER,
            stop,
        };
        let pieces = Arc::new(Pieces {
            sink: sink.clone(),
            told: Mutex::new(String::new()),
        });
        let teller = pieces.clone();
        let tell: TextSink = Arc::new(move |text| teller.tell(text));
        let clock = Instant::now();
        tracing::info!(project = project.0, "a prompt is tried");
        let written = model.generate_telling(&request, cancel, tell).await?;
        pieces.tell(&written.text);
        Ok(TryMessage::Done {
            tokens: written.tokens.computed,
            seconds: clock.elapsed().as_secs_f64(),
        })
    }
}

/// Cuts a growing text into the pieces by which it grew.
struct Pieces {
    sink: TrySink,
    told: Mutex<String>,
}

impl Pieces {
    fn tell(&self, text: &str) {
        // A letter of several bytes that is not whole yet is held back.
        let text = text.trim_end_matches(char::REPLACEMENT_CHARACTER);
        let mut told = held(&self.told);
        if let Some(new) = text.strip_prefix(told.as_str()).filter(|t| !t.is_empty()) {
            (self.sink)(TryMessage::Text {
                text: new.to_owned(),
            });
            *told = text.to_owned();
        }
    }
}
