//! Prompts read from files: plain text, Markdown, and JSON as several programs write it.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use pmpo_core::message;
use pmpo_core::message::Param;
use serde_json::Value;

use crate::{fault, AppError};

/// Largest file, in bytes.
const LARGEST: u64 = 4 << 20;

/// The prompt of a file.
pub(crate) fn read(path: &Path) -> Result<String, AppError> {
    let unreadable = |why: Param| fault!("prompt_file.unreadable", file = path, why = why);
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes))
        .map_err(|why| unreadable((&why).into()))?;
    if bytes.len() as u64 > LARGEST {
        return Err(unreadable(
            message!("prompt_file.large", most = LARGEST).into(),
        ));
    }
    let text = String::from_utf8(bytes)
        .map_err(|_| unreadable(message!("prompt_file.utf8").into()))?
        .replace("\r\n", "\n");
    let text = text.trim_start_matches('\u{feff}');
    let ending = path.extension().map(|one| one.to_ascii_lowercase());
    let prompt = match ending.as_deref().and_then(|one| one.to_str()) {
        Some("json") => of_json(text).map_err(unreadable)?,
        Some("md" | "markdown") => of_markdown(text),
        _ => text.to_owned(),
    };
    let prompt = prompt.trim();
    if prompt.is_empty() {
        return Err(unreadable(message!("prompt_file.empty").into()));
    }
    if prompt.contains('\0') {
        return Err(unreadable(message!("prompt_file.no_text").into()));
    }
    Ok(prompt.to_owned())
}

/// Of a card as this program writes it the prompt, else the whole text. A card is a
/// title, then a code block.
fn of_markdown(text: &str) -> String {
    let mut lines = text.lines().skip_while(|line| line.trim().is_empty());
    let title = lines.next().is_some_and(|line| line.starts_with("# "));
    let mut lines = lines.skip_while(|line| line.trim().is_empty());
    let fence = lines.next().unwrap_or_default();
    let marks: String = fence.chars().take_while(|c| *c == '`').collect();
    if !title || marks.len() < 3 || fence[marks.len()..].trim() != "text" {
        return text.to_owned();
    }
    let block: Vec<&str> = lines.take_while(|line| line.trim_end() != marks).collect();
    block.join("\n")
}

fn of_json(text: &str) -> Result<String, Param> {
    let value: Value = serde_json::from_str(text)
        .map_err(|why| Param::from(message!("prompt_file.json", why = why.to_string())))?;
    prompt_of(&value).ok_or_else(|| message!("prompt_file.nowhere").into())
}

fn prompt_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Array(messages) => of_messages(messages),
        Value::Object(fields) => {
            if let Some(Value::Array(messages)) = fields.get("messages") {
                return of_messages(messages);
            }
            // "best" is what an exported run calls its prompt.
            let names = [
                "prompt",
                "best",
                "text",
                "system_prompt",
                "system",
                "content",
            ];
            let named = names.into_iter().find_map(|name| fields.get(name));
            named.and_then(Value::as_str).map(str::to_owned)
        }
        _ => None,
    }
}

/// The system's message; without one the first message.
fn of_messages(messages: &[Value]) -> Option<String> {
    let system = messages
        .iter()
        .find(|one| matches!(one["role"].as_str(), Some("system" | "developer")));
    content(system.or(messages.first())?)
}

fn content(message: &Value) -> Option<String> {
    match &message["content"] {
        Value::String(text) => Some(text.clone()),
        // Content in parts, of which only text can be a prompt.
        Value::Array(parts) => {
            let texts: Vec<&str> = parts
                .iter()
                .filter_map(|one| one["text"].as_str())
                .collect();
            (!texts.is_empty()).then(|| texts.join("\n"))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &str, text: impl AsRef<[u8]>) -> Result<String, AppError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        read(&path)
    }

    #[test]
    fn each_kind_of_file_gives_its_prompt() {
        assert_eq!(
            of("a.txt", "\u{feff}Say it.\r\nNow. \n").unwrap(),
            "Say it.\nNow."
        );
        assert_eq!(
            of("a.md", "# My rules\n\nBe brief.").unwrap(),
            "# My rules\n\nBe brief."
        );
        let card = "# A\n\n````text\nUse ```code```.\n```\nb\n````\n\n## How it was measured\n";
        assert_eq!(of("a.MD", card).unwrap(), "Use ```code```.\n```\nb");
        for json in [
            r#"{"messages":[{"role":"user","content":"hi"},{"role":"system","content":"P"}]}"#,
            r#"[{"role":"user","content":[{"type":"text","text":"P"},{"type":"image"}]}]"#,
            r#"{"best":"P","start":"S"}"#,
            r#"{"prompt":"P"}"#,
            r#""P""#,
        ] {
            assert_eq!(of("a.json", json).unwrap(), "P", "{json}");
        }
    }

    #[test]
    fn what_is_no_prompt_is_told() {
        let long = vec![b'a'; LARGEST as usize + 1];
        for (name, bytes) in [
            ("a.txt", b" \n ".to_vec()),
            ("a.txt", b"a\0b".to_vec()),
            ("a.txt", vec![0xff, 0xfe, 0x41]),
            ("a.txt", long),
            ("a.json", b"{\"messages\":[]}".to_vec()),
            ("a.json", b"{\"a\":".to_vec()),
            ("a.json", b"[1,2]".to_vec()),
        ] {
            assert_eq!(of(name, bytes).unwrap_err().code, "prompt_file");
        }
        assert!(read(Path::new("/nowhere/a.txt")).is_err());
    }
}
