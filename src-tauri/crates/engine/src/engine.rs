use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use candle_core::{Device, IndexOp};
use mistralrs::core::{DefaultSchedulerMethod, MistralRsBuilder, SchedulerConfig};
use mistralrs::{
    CustomLogitsProcessor, MistralRs, NormalRequest, Request, RequestMessage, Response,
    SamplingParams,
};
use pmpo_core::loss::AnswerScore;
use pmpo_core::model::{
    Finish, GenerateRequest, Generated, LanguageModel, Measured, MemoryUse, ModelDescription,
    ModelError, ScoreItem, ScoredBatch, Surprise, TextSink, TokenCount,
};
use tokio::sync::{mpsc, Mutex};
use tokio_util::sync::CancellationToken;

use crate::device::{is_of_a_device, of_candle, told_of_a_device, used_on};
use crate::error::{failed, LoadError};
use crate::generate::Force;
use crate::model_file::ModelKind;
use crate::options::LoadOptions;
use crate::packed::{pack, Scorer};
use crate::pipeline::load_pipeline;
use crate::rows::{join, log_prob, Found, TokenScores};
use crate::tokenize::{Begins, Encoded, Tokens};

/// A shorter shared beginning is not worth a request of its own.
const SHORTEST_PREFIX: usize = 16;
/// Time between two looks at whether a model has left memory.
const LOOK: Duration = Duration::from_millis(20);
/// Looks after which nobody waits for it any more: ten seconds.
const LOOKS: usize = 500;
/// How often mistral.rs is started before the model counts as broken.
const STARTS: usize = 3;
/// Beyond every vocabulary. (The largest number itself stands for "no token" in candle.)
const NO_TOKEN: u32 = u32::MAX - 1;

/// What is said of mistral.rs where it does not answer any more.
const STOPPED: &str = "the engine stopped";

/// How the engine works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EngineOptions {
    /// Whether what the items of a batch share is computed once.
    pub prefix_reuse: bool,
    /// Whether the packed scorer is used where it knows the model and a second
    /// copy of the weights fits into memory.
    pub packed: bool,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self {
            prefix_reuse: true,
            packed: true,
        }
    }
}

impl EngineOptions {
    /// Through mistral.rs alone: slower, for every model, the reference.
    pub const REFERENCE: Self = Self {
        prefix_reuse: true,
        packed: false,
    };
}

/// A loaded model. Requests wait for each other: the model has one user at a time.
pub struct Engine {
    runner: Arc<MistralRs>,
    pub(crate) tokens: Tokens,
    pub(crate) description: ModelDescription,
    device: Device,
    options: EngineOptions,
    packed: Option<Scorer>,
    /// Whether mistral.rs holds cached prefixes; the lock is the queue.
    pub(crate) turn: Mutex<bool>,
}

/// Models that are gone for their users, but whose memory is not free yet.
static LEAVING: AtomicUsize = AtomicUsize::new(0);

/// Waits until what was dropped has left memory, so that what is free is known.
async fn all_left() {
    for _ in 0..LOOKS {
        if LEAVING.load(Ordering::Acquire) == 0 {
            return;
        }
        tokio::time::sleep(LOOK).await;
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // The thread of mistral.rs lets go of the weights when it has heard of it.
        let pipeline = self.tokens.pipeline();
        LEAVING.fetch_add(1, Ordering::AcqRel);
        let waiter = std::thread::Builder::new().name("model leaves".to_owned());
        let started = waiter.spawn(move || {
            for _ in 0..LOOKS {
                std::thread::sleep(LOOK);
                if pipeline.strong_count() == 0 {
                    break;
                }
            }
            pmpo_heap::give_back();
            LEAVING.fetch_sub(1, Ordering::AcqRel);
        });
        if started.is_err() {
            LEAVING.fetch_sub(1, Ordering::AcqRel);
        }
    }
}

/// Starts mistral.rs, again where that failed by chance.
///
/// In 0.8.1 its thread and its builder take the same lock in their first moments, the
/// builder without waiting: on a busy computer it may panic. The thread of the failed
/// start idles on, with nothing to do.
async fn started<T, F>(start: impl Fn() -> F) -> Result<T, String>
where
    T: Send + 'static,
    F: std::future::Future<Output = T> + Send + 'static,
{
    let mut why = String::new();
    for _ in 0..STARTS {
        match tokio::spawn(start()).await {
            Ok(runner) => return Ok(runner),
            Err(fault) => {
                tracing::warn!("mistral.rs did not start; once more");
                why = fault.to_string();
            }
        }
    }
    Err(why)
}

impl Engine {
    /// Loads a model from a file or folder, without any network.
    ///
    /// # Errors
    /// Names the file and what to do; a panic inside the engine is caught and
    /// reported as [`LoadError::Failed`].
    pub async fn load(load: &LoadOptions, options: EngineOptions) -> Result<Self, LoadError> {
        all_left().await;
        let clock = Instant::now();
        let path = load.path.clone();
        let broken = |why: String| LoadError::Failed {
            path: path.display().to_string(),
            why,
        };
        let load = load.clone();
        let packs = options.packed;
        // A fresh thread reads anew whether weights are to be unpacked.
        let (sender, receiver) = tokio::sync::oneshot::channel();
        std::thread::Builder::new()
            .name("load model".to_owned())
            .spawn(move || {
                let _ = sender.send(load_pipeline(&load, packs));
            })
            .map_err(|why| broken(why.to_string()))?;
        let (pipeline, mut file, device, used, packed) = receiver
            .await
            .map_err(|_| broken("the engine gave up while reading it".to_owned()))??;
        file.description.device = used;
        let scheduler = SchedulerConfig::DefaultScheduler {
            method: DefaultSchedulerMethod::Fixed(1.try_into().map_err(|_| broken(String::new()))?),
        };
        let begins = match file.kind {
            ModelKind::Gguf => Begins::With(file.bos.filter(|_| file.add_bos)),
            ModelKind::Folder => Begins::AsTokenizerSays,
        };
        let tokens = Tokens::new(
            pipeline.clone(),
            begins,
            file.description.context_window,
            file.description.has_chat_template,
            &file.pre,
        )
        .await
        .map_err(|why| broken(why.to_string()))?;
        let runner = started(|| {
            MistralRsBuilder::new(pipeline.clone(), scheduler.clone(), false, None)
                .with_prefix_cache_n(16)
                .build()
        })
        .await
        .map_err(broken)?;
        tracing::info!(
            sha256 = file.description.sha256,
            parameters = file.description.parameters,
            device = ?device.location(),
            precision = ?file.description.device.precision,
            scorer = ?file.description.device.scorer,
            seconds = clock.elapsed().as_secs_f64(),
            "a model was loaded"
        );
        Ok(Self {
            runner,
            tokens,
            description: file.description,
            device,
            options,
            packed,
            turn: Mutex::new(false),
        })
    }

    /// Token ids of a text by itself, without a token that begins it.
    pub async fn token_ids(&self, text: &str) -> Result<Vec<u32>, ModelError> {
        self.tokens.plain(text).await
    }

    /// Log-probabilities of every answer token of every item.
    pub async fn score_detailed(
        &self,
        items: &[ScoreItem],
        cancel: &CancellationToken,
    ) -> Result<(Vec<TokenScores>, TokenCount), ModelError> {
        let mut encoded = Vec::with_capacity(items.len());
        for (at, item) in items.iter().enumerate() {
            encoded.push(self.tokens.item(at, item).await?);
        }
        self.score_encoded(encoded, cancel).await
    }

    /// As [`Self::score_detailed`], from token ids: what comes before, and the answer; neither empty.
    pub async fn score_tokens(
        &self,
        items: &[(Vec<u32>, Vec<u32>)],
        cancel: &CancellationToken,
    ) -> Result<(Vec<TokenScores>, TokenCount), ModelError> {
        let mut encoded = Vec::with_capacity(items.len());
        for (at, (before, answer)) in items.iter().enumerate() {
            if before.is_empty() || answer.is_empty() {
                return Err(ModelError::EmptyAnswer { item: at });
            }
            encoded.push(Encoded {
                before: before.clone(),
                answer: answer.clone(),
                counted: answer.len(),
                to_the_end: false,
            });
        }
        self.score_encoded(encoded, cancel).await
    }

    /// What mistral.rs says went wrong. A fault that is the GPU's own is told as such: the
    /// model is right, but cannot go on here.
    fn fault(&self, why: &impl std::fmt::Display) -> ModelError {
        match !self.device.is_cpu() && is_of_a_device(why) {
            true => ModelError::Device(told_of_a_device(why)),
            false => failed(why),
        }
    }

    fn unexpected(&self, response: Response) -> ModelError {
        match response.as_result() {
            Ok(_) => failed("the engine answered something else"),
            Err(why) => self.fault(&why),
        }
    }

    async fn score_encoded(
        &self,
        items: Vec<Encoded>,
        cancel: &CancellationToken,
    ) -> Result<(Vec<TokenScores>, TokenCount), ModelError> {
        let mut turn = self.turn.lock().await;
        if let Some(packed) = &self.packed {
            check(cancel)?;
            if let Some(done) = pack(packed.clone(), &items, cancel).await? {
                return Ok(done);
            }
        }
        self.evict(&mut turn).await?;
        let mut count = TokenCount::default();
        let shared = self.shared_prefix(&items);
        if shared > 0 {
            check(cancel)?;
            *turn = true;
            let prefix = items[0].before[..shared].to_vec();
            let mut sampling = SamplingParams::deterministic();
            sampling.max_len = Some(1);
            // mistral.rs keeps the keys of `prefix` under these tokens and the one it
            // draws, although that one has no keys yet; it checks the length against
            // the capacity only. An item that went on with it would read stale
            // memory, so a token is forced that no item goes on with.
            let next: Vec<u32> = items.iter().map(|item| item.before[shared]).collect();
            let unused = (0..)
                .find(|id| !next.contains(id) && !self.tokens.ends_with(*id))
                .unwrap_or(0);
            let forced: Arc<dyn CustomLogitsProcessor> = Arc::new(Force(unused));
            self.finish(self.send(prefix, sampling, false, Some(forced)).await?)
                .await?;
            count.computed += shared as u64;
        }
        let mut scores = Vec::with_capacity(items.len());
        for item in items {
            check(cancel)?;
            let (found, rows) = self.raw(&item).await?;
            count.computed += rows as u64;
            count.reused += (item.len() - rows) as u64;
            scores.push(TokenScores::new(&item, found));
        }
        Ok((scores, count))
    }

    /// Length of the beginning that all items share and that no answer needs a row of.
    fn shared_prefix(&self, items: &[Encoded]) -> usize {
        let Some((first, rest)) = items.split_first().filter(|(_, rest)| !rest.is_empty()) else {
            return 0;
        };
        if !self.options.prefix_reuse {
            return 0;
        }
        let shared = rest.iter().fold(first.before.len() - 1, |shared, item| {
            let most = shared.min(item.before.len() - 1);
            let same = |at: &usize| first.before[*at] == item.before[*at];
            (0..most).take_while(same).count()
        });
        if shared < SHORTEST_PREFIX {
            0
        } else {
            shared
        }
    }

    /// Makes mistral.rs forget cached prefixes.
    ///
    /// On a processor it never evicts them by itself, and after a failed
    /// forward pass it drops them all: a token beyond the vocabulary fails at
    /// the first lookup, in milliseconds. Doing so before each batch keeps
    /// memory level, and makes results independent of what ran before.
    pub(crate) async fn evict(&self, cached: &mut bool) -> Result<(), ModelError> {
        if !*cached {
            return Ok(());
        }
        let sampling = SamplingParams {
            max_len: Some(1),
            ..SamplingParams::deterministic()
        };
        let mut answer = self.send(vec![NO_TOKEN], sampling, false, None).await?;
        match answer.recv().await {
            Some(Response::CompletionModelError(..) | Response::ModelError(..)) => {}
            Some(_) => {}
            None => return Err(self.fault(&STOPPED)),
        }
        *cached = false;
        Ok(())
    }

    /// One forward pass over an item: `ln p` of its answer tokens and whether each is
    /// the likeliest, and how many rows were computed.
    async fn raw(&self, item: &Encoded) -> Result<(Found, usize), ModelError> {
        let mut ids = item.before.clone();
        ids.extend(&item.answer);
        let total = ids.len();
        let sampling = SamplingParams {
            max_len: Some(0),
            ..SamplingParams::neutral()
        };
        let mut answer = self.send(ids, sampling, true, None).await?;
        let chunks = match answer.recv().await {
            Some(Response::Raw { logits_chunks, .. }) => logits_chunks,
            Some(other) => return Err(self.unexpected(other)),
            None => return Err(self.fault(&STOPPED)),
        };
        let rows = join(&chunks).map_err(of_candle)?;
        let computed = rows.dim(0).map_err(of_candle)?;
        // Row i predicts the token after its own position; reused positions have no rows.
        let first = item.before.len() - 1;
        let Some(start) = (first + computed).checked_sub(total) else {
            return Err(failed("the engine left out rows that an answer needs"));
        };
        let found = item
            .answer
            .iter()
            .enumerate()
            .map(|(at, &token)| log_prob(&rows.i(start + at)?, token))
            .collect::<candle_core::Result<Found>>()
            .map_err(of_candle)?;
        Ok((found, computed))
    }

    pub(crate) async fn send(
        &self,
        ids: Vec<u32>,
        sampling: SamplingParams,
        raw: bool,
        processor: Option<Arc<dyn CustomLogitsProcessor>>,
    ) -> Result<mpsc::Receiver<Response>, ModelError> {
        let (sender, mut receiver) = mpsc::channel(4);
        let mut request = NormalRequest::new_simple(
            RequestMessage::CompletionTokens(ids),
            sampling,
            sender,
            0,
            None,
            None,
        );
        request.return_raw_logits = raw;
        request.logits_processors = processor.map(|one| vec![one]);
        self.runner
            .get_sender(None)
            .map_err(|why| failed(format!("{why:?}")))?
            .send(Request::Normal(Box::new(request)))
            .await
            .map_err(|_| self.fault(&STOPPED))?;
        // mistral.rs 0.8.1 panics, and is lost for good, when the receiver of an
        // answer is gone: it is kept even if the caller goes away.
        let (forward, answer) = mpsc::channel(4);
        tokio::spawn(async move {
            while let Some(response) = receiver.recv().await {
                // Nobody waits any more: nothing to do about it.
                let _ = forward.send(response).await;
            }
        });
        Ok(answer)
    }

    /// Waits for the end of a text, and says why it ended.
    pub(crate) async fn finish(
        &self,
        mut answer: mpsc::Receiver<Response>,
    ) -> Result<Finish, ModelError> {
        match answer.recv().await {
            Some(Response::CompletionDone(done)) => {
                let mut reasons = done.choices.iter().map(|choice| &choice.finish_reason);
                Ok(match reasons.any(|reason| reason == "length") {
                    true => Finish::Length,
                    false => Finish::Stop,
                })
            }
            Some(other) => Err(self.unexpected(other)),
            None => Err(self.fault(&STOPPED)),
        }
    }
}

pub(crate) fn check(cancel: &CancellationToken) -> Result<(), ModelError> {
    if cancel.is_cancelled() {
        return Err(ModelError::Cancelled);
    }
    Ok(())
}

#[async_trait]
impl LanguageModel for Engine {
    fn description(&self) -> &ModelDescription {
        &self.description
    }

    fn memory(&self) -> Option<MemoryUse> {
        used_on(&self.device)
    }

    async fn measure(&self, items: &[ScoreItem]) -> Result<Vec<Measured>, ModelError> {
        let mut out = Vec::with_capacity(items.len());
        for (at, item) in items.iter().enumerate() {
            let encoded = self.tokens.measure(at, item).await?;
            out.push(Measured {
                before: encoded.before.len(),
                answer: encoded.counted,
            });
        }
        Ok(out)
    }

    async fn score(
        &self,
        items: &[ScoreItem],
        cancel: &CancellationToken,
    ) -> Result<ScoredBatch, ModelError> {
        let (detailed, tokens) = self.score_detailed(items, cancel).await?;
        let scores = detailed
            .iter()
            .map(|item| AnswerScore {
                sum: item.log_probs.iter().sum(),
                tokens: item.log_probs.len(),
                likeliest: item.said_by_itself(),
            })
            .collect();
        Ok(ScoredBatch { scores, tokens })
    }

    async fn surprises(
        &self,
        items: &[ScoreItem],
        cancel: &CancellationToken,
    ) -> Result<Vec<Vec<Surprise>>, ModelError> {
        let (detailed, _) = self.score_detailed(items, cancel).await?;
        detailed
            .iter()
            .map(|item| self.tokens.pieces(&item.answer, &item.log_probs))
            .collect()
    }

    fn shares_among_prompts(&self) -> bool {
        self.packed.is_some()
    }

    async fn generate(
        &self,
        request: &GenerateRequest,
        cancel: &CancellationToken,
    ) -> Result<Generated, ModelError> {
        self.write(request, cancel, None).await
    }

    async fn generate_telling(
        &self,
        request: &GenerateRequest,
        cancel: &CancellationToken,
        tell: TextSink,
    ) -> Result<Generated, ModelError> {
        self.write(request, cancel, Some(tell)).await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::Arc;

    use super::{started, STARTS};

    /// Panics until the given attempt, counted from one.
    async fn start(attempts: Arc<AtomicUsize>, good: usize) -> &'static str {
        let attempt = attempts.fetch_add(1, Ordering::SeqCst) + 1;
        assert!(attempt >= good, "the lock is taken");
        "running"
    }

    #[tokio::test]
    async fn a_start_that_fails_by_chance_is_tried_again() {
        let attempts = Arc::new(AtomicUsize::new(0));
        let runner = started(|| start(attempts.clone(), 2)).await;
        assert_eq!(runner, Ok("running"));
        assert_eq!(attempts.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn a_start_that_always_fails_says_why() {
        let attempts = Arc::new(AtomicUsize::new(0));
        let why = started(|| start(attempts.clone(), usize::MAX)).await;
        assert!(why.is_err_and(|why| why.contains("the lock is taken")));
        assert_eq!(attempts.load(Ordering::SeqCst), STARTS);
    }
}
