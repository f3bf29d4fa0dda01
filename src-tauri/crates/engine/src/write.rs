use pmpo_core::model::{Finish, GenerateRequest, Generated, ModelError, TextSink, TokenCount};
use tokio_util::sync::CancellationToken;

use mistralrs::SamplingParams;

use crate::engine::{check, Engine};
use crate::error::failed;
use crate::generate::SeededSampler;

impl Engine {
    /// Writes a text, and tells it while it grows.
    pub(crate) async fn write(
        &self,
        request: &GenerateRequest,
        cancel: &CancellationToken,
        tell: Option<TextSink>,
    ) -> Result<Generated, ModelError> {
        let ids = self.tokens.open(&request.conversation).await?;
        let room = self.description.context_window.saturating_sub(ids.len());
        if room == 0 {
            return Err(ModelError::TooLong {
                item: 0,
                tokens: ids.len() + 1,
                window: self.description.context_window,
            });
        }
        let end = self
            .tokens
            .eos()
            .ok_or_else(|| failed("the model has no end token"))?;
        let mut turn = self.turn.lock().await;
        self.evict(&mut turn).await?;
        check(cancel)?;
        *turn = true;
        let read = ids.len();
        let decode = self.tokens.decoder();
        let stop = request.stop.clone();
        let finished = move |written: &[u32]| {
            let text = decode(written);
            if let Some(tell) = &tell {
                tell(until_stop(&text, &stop));
            }
            // Text that has not begun yet cannot have ended.
            stop.iter()
                .any(|stop| text.trim_start().contains(stop.as_str()))
        };
        // Writing also ends when the caller goes away.
        let given_up = cancel.child_token();
        let _guard = given_up.clone().drop_guard();
        let sampler = SeededSampler::new(
            request.temperature,
            request.top_p,
            request.seed,
            end,
            given_up.clone(),
            Box::new(finished),
        );
        let mut sampling = SamplingParams::deterministic();
        sampling.max_len = Some(request.max_tokens.min(room).max(1));
        let answer = self
            .send(ids, sampling, false, Some(sampler.clone()))
            .await?;
        let ended = self.finish(answer).await?;
        check(cancel)?;
        let written = sampler.written();
        let text = self.tokens.decode(&written)?;
        let until = until_stop(&text, &request.stop);
        // A text to stop at may be whole with the very last token.
        let finish = match until.len() < text.len() {
            true => Finish::Stop,
            false => ended,
        };
        Ok(Generated {
            text: until.to_owned(),
            finish,
            tokens: TokenCount {
                computed: (read + written.len()) as u64,
                reused: 0,
            },
        })
    }
}

/// The text up to the first stop text, blanks at its start aside.
fn until_stop<'a>(text: &'a str, stops: &[String]) -> &'a str {
    let lead = text.len() - text.trim_start().len();
    let cut = stops
        .iter()
        .filter_map(|stop| text[lead..].find(stop.as_str()))
        .min();
    cut.map_or(text, |at| &text[..lead + at])
}
