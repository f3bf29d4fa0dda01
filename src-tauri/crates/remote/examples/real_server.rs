//! Compares a real server with reference losses, by hand:
//!
//! ```text
//! PMPO_SERVER=127.0.0.1:8000 PMPO_TEMPLATE=chatml PMPO_WINDOW=1024 \
//!     cargo run --release -p pmpo-remote --example real_server -- losses.json
//! ```
//!
//! `PMPO_TEMPLATE` names a family, `plain`, or `server` (the default); `PMPO_MODEL` and
//! `PMPO_KEY` are needed where the server has several models or wants a key. The file
//! has `rows` with `prompt`, `input`, `target`, `kind`, `logprobs` and
//! `ends_with_end_of_turn`, as shared/data/reference/losses.json has.

use std::env::{args, var};
use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;

use pmpo_core::model::{GenerateRequest, LanguageModel, ScoreItem};
use pmpo_core::prompt::Conversation;
use pmpo_remote::{
    check, Address, Family, Key, Limits, ModelChoice, Scorer, Server, TemplateChoice,
};
use serde::Deserialize;
use tokio_util::sync::CancellationToken;

#[derive(Deserialize)]
struct Reference {
    rows: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    kind: String,
    prompt: String,
    input: String,
    target: String,
    ends_with_end_of_turn: bool,
    logprobs: Vec<f64>,
}

impl Row {
    fn item(&self) -> ScoreItem {
        let conversation = match self.kind.starts_with("plain") {
            true => Conversation::Text {
                before: format!("{}{}", self.prompt, self.input),
                joint: String::new(),
            },
            false => Conversation::ask(Some(&self.prompt), self.input.clone()),
        };
        ScoreItem {
            conversation,
            answer: self.target.clone(),
            end_of_turn: self.ends_with_end_of_turn,
        }
    }
}

fn template() -> Result<TemplateChoice, String> {
    let named = var("PMPO_TEMPLATE").unwrap_or_else(|_| "server".to_owned());
    match named.as_str() {
        "server" => Ok(TemplateChoice::OfServer),
        "plain" => Ok(TemplateChoice::Plain),
        other => Family::ALL
            .into_iter()
            .find(|family| family.name() == other)
            .map(TemplateChoice::Named)
            .ok_or_else(|| format!("there is no template family {other}")),
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    match compare().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

async fn compare() -> Result<(), Box<dyn Error>> {
    let file = args().nth(1).ok_or("name the file with reference losses")?;
    let reference: Reference = serde_json::from_str(&std::fs::read_to_string(file)?)?;
    let key = var("PMPO_KEY").ok().map(|key| Key::new(&key)).transpose()?;
    let address = Address::parse(&var("PMPO_SERVER")?)?;
    let server = Server::new(address, key, Limits::default())?;
    let choice = ModelChoice {
        model: var("PMPO_MODEL").ok(),
        template: template()?,
        window: var("PMPO_WINDOW")
            .ok()
            .map(|text| text.parse())
            .transpose()?,
        parameters: None,
    };
    let cancel = CancellationToken::new();
    let report = check(&server, &choice, &cancel).await?;
    for told in report.messages() {
        println!("{told}");
    }
    println!("conversations: {:?}", report.chat_scoring);
    println!("plain text: {:?}", report.text_scoring);
    println!("tokens counted by: {:?}", report.counter);
    let scorer = Scorer::new(server, &report)?;
    println!("{:#?}", scorer.description());

    println!("row  tokens  reference  server     loss ref  server    off      worst token");
    let (mut sums, mut offs) = ([0.0; 2], Vec::new());
    for (at, row) in reference.rows.iter().enumerate() {
        let items = [row.item()];
        let pieces = match scorer.surprises(&items, &cancel).await {
            Ok(mut pieces) => pieces.swap_remove(0),
            Err(why) => {
                println!("{at:3}  {} not scored: {why}", row.kind);
                continue;
            }
        };
        let scored = scorer.score(&items, &cancel).await?.scores[0];
        let measured = scorer.measure(&items).await?[0];
        let own = [
            -row.logprobs.iter().sum::<f64>() / row.logprobs.len() as f64,
            -scored.sum / scored.tokens as f64,
        ];
        let worst = pieces.iter().zip(&row.logprobs);
        let worst = worst.map(|(piece, p)| (piece.nats + p).abs());
        let off = own[1] / own[0] - 1.0;
        println!(
            "{at:3}  {:3}/{:<3} {:3}+{:<3} {:9.5} {:9.5} {:+8.3} %  {:.4}{}",
            scored.tokens,
            row.logprobs.len(),
            measured.before,
            measured.answer,
            own[0],
            own[1],
            off * 100.0,
            worst.fold(0.0, f64::max),
            if pieces.len() == row.logprobs.len() {
                ""
            } else {
                " (pieces joined)"
            },
        );
        sums[0] += own[0];
        sums[1] += own[1];
        offs.push(off.abs());
    }
    let count = offs.len() as f64;
    println!(
        "{} rows: mean loss {:.5} and {:.5}, off {:+.3} %; mean of the rows' differences {:.3} %, \
         largest {:.3} %",
        offs.len(),
        sums[0] / count,
        sums[1] / count,
        (sums[1] / sums[0] - 1.0) * 100.0,
        offs.iter().sum::<f64>() / count * 100.0,
        offs.iter().copied().fold(0.0, f64::max) * 100.0,
    );
    let request = GenerateRequest {
        conversation: Conversation::ask(None, "Write one sentence about the sea."),
        temperature: 0.9,
        top_p: 0.95,
        seed: u64::MAX,
        max_tokens: 40,
        stop: vec![".".to_owned()],
    };
    let tell = Arc::new(|text: &str| println!("writes: {text}"));
    let told = scorer.generate_telling(&request, &cancel, tell).await?;
    let again = scorer.generate(&request, &cancel).await?;
    println!("{told:?}; the same again: {}", told == again);
    Ok(())
}
