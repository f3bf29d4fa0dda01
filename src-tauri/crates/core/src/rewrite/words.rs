use crate::dataset::{Answer, Example, LabelSet};
use crate::optimize::{SegmentFinding, SegmentVerdict, Wording};
use crate::prompt::Conversation;

/// What a rewrite is based on (paper, step 4).
pub struct RewriteBrief<'a> {
    /// The task in a sentence.
    pub task: &'a str,
    /// The text to be rewritten.
    pub prompt: &'a str,
    /// What the prompt's units do.
    pub findings: &'a [SegmentFinding],
    /// The hard example.
    pub example: &'a Example,
}

/// The task in a sentence, from the data alone.
pub fn task_description(example: &Example, labels: Option<&LabelSet>) -> String {
    match (&example.answer, labels) {
        (_, Some(set)) => format!(
            "Read the text and answer with one of: {}.",
            set.labels.join(", ")
        ),
        (Answer::Preference { .. }, None) => {
            "Write the reply that people prefer to the text.".to_owned()
        }
        (Answer::Supervised { .. }, None) => "Turn the text into the expected answer.".to_owned(),
    }
}

/// The request for one rewrite and the texts at which the model should stop.
///
/// `wording` must not be [`Wording::Auto`]; that is read as short instructions.
pub fn rewrite_request(brief: &RewriteBrief<'_>, wording: Wording) -> (Conversation, Vec<String>) {
    match wording {
        Wording::LargeInstruct => (instructed(large(brief)), vec!["</prompt>".to_owned()]),
        Wording::SmallInstruct | Wording::Auto => {
            (instructed(small(brief)), vec!["</prompt>".to_owned()])
        }
        Wording::Completion => (
            Conversation::Text {
                before: completion(brief),
                joint: " ".to_owned(),
            },
            vec!["\n".to_owned()],
        ),
    }
}

/// The request to mark a prompt's units.
pub fn segment_request(prompt: &str, max_segments: usize) -> Conversation {
    instructed(format!(
        "Below is a prompt for a language model. Find at most {max_segments} parts of it that do \
         different jobs and could each be taken away by itself: a rule, an example, a note on the \
         format. Copy the prompt letter by letter, and put <mask> before and </mask> after each of \
         these parts. Change nothing else and write nothing else.\n\n<prompt>\n{prompt}\n</prompt>"
    ))
}

fn instructed(user: String) -> Conversation {
    Conversation::ask(None, user)
}

fn findings_in_words(findings: &[SegmentFinding]) -> String {
    if findings.is_empty() {
        return "(not measured)".to_owned();
    }
    let lines = findings.iter().map(|finding| {
        let what = match finding.verdict {
            SegmentVerdict::Helps => "helps; keep its content",
            SegmentVerdict::Hurts => "hurts; change or drop it",
            SegmentVerdict::NoClearEffect => "makes no clear difference",
        };
        format!("- \"{}\" {what}", shortened(&finding.segment.text, 200))
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn shortened(text: &str, most: usize) -> String {
    let mut out: String = text.chars().take(most).collect();
    if out.len() < text.len() {
        out.push('…');
    }
    out
}

fn large(brief: &RewriteBrief<'_>) -> String {
    let RewriteBrief {
        task,
        prompt,
        findings,
        example,
    } = brief;
    let findings = findings_in_words(findings);
    let input = shortened(&example.input, 1500);
    let wanted = shortened(example.answer.best(), 800);
    format!(
        "You improve prompts for a language model. The model reads the prompt and then a text, and \
         must give the expected answer.\n\n\
         Task: {task}\n\n\
         Current prompt:\n<current>\n{prompt}\n</current>\n\n\
         What measuring showed about its parts:\n{findings}\n\n\
         The current prompt does badly on this text:\n<text>\n{input}\n</text>\n\
         Expected answer (it shows the form only; never copy it or the text into the prompt):\n\
         <expected>\n{wanted}\n</expected>\n\n\
         First write one or two sentences on why the current prompt makes the expected answer \
         unlikely. Then write a better prompt. You may restructure it, add or drop a rule, say \
         something in other words, make it simpler, explain more, merge parts, look at the task \
         from another side, or make the instructions more varied. It must serve every text of the \
         task, not this one alone. Keep anything in double braces as it is.\n\n\
         Put the new prompt between <prompt> and </prompt>."
    )
}

fn small(brief: &RewriteBrief<'_>) -> String {
    let RewriteBrief {
        task,
        prompt,
        findings,
        example,
    } = brief;
    let findings = findings_in_words(findings);
    let input = shortened(&example.input, 600);
    let wanted = shortened(example.answer.best(), 300);
    format!(
        "Improve this prompt.\n\nTask: {task}\nPrompt: {prompt}\n\nParts:\n{findings}\n\n\
         A text it fails on: {input}\nThe form of the right answer (do not copy it): {wanted}\n\n\
         Say in one sentence what is wrong. Then write a clearer prompt for all texts of the task \
         (reorder, add or drop a rule, rephrase, shorten, expand). Write it between <prompt> and \
         </prompt>."
    )
}

fn completion(brief: &RewriteBrief<'_>) -> String {
    let wanted = shortened(&one_line(brief.example.answer.best()), 120);
    let hurting = brief
        .findings
        .iter()
        .find(|finding| finding.verdict == SegmentVerdict::Hurts)
        .map_or_else(String::new, |finding| {
            format!(
                "Leave out: {}\n",
                shortened(&one_line(&finding.segment.text), 120)
            )
        });
    format!(
        "Task: Sort letters to a city hall. An answer looks like: taxes\n\
         Weak instruction: Look at the letter.\n\
         Better instruction: Read the letter and name its subject with one word: taxes, roads or \
         schools. Write only that word.\n\n\
         Task: Shorten news for a notice board. An answer looks like: The bridge opens on Monday.\n\
         Weak instruction: You are a genius. Do something with this news.\n\
         Better instruction: Sum up the news in one plain sentence of at most ten words.\n\n\
         Task: {} An answer looks like: {wanted}\n{hurting}\
         Weak instruction: {}\n\
         Better instruction:",
        one_line(brief.task),
        one_line(brief.prompt)
    )
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_wording_holds_the_prompt_and_the_example() {
        let example = Example {
            input: "the text".into(),
            columns: Default::default(),
            answer: Answer::Supervised {
                targets: vec!["the target".into()],
            },
            row: 1,
            id: None,
            part: None,
            weight: None,
        };
        let brief = RewriteBrief {
            task: "A task.",
            prompt: "The\nprompt.",
            findings: &[],
            example: &example,
        };
        for wording in [Wording::LargeInstruct, Wording::SmallInstruct] {
            let (conversation, stop) = rewrite_request(&brief, wording);
            let user = conversation.question();
            for part in [
                "A task.",
                "The\nprompt.",
                "the text",
                "the target",
                "<prompt>",
            ] {
                assert!(user.contains(part), "{part}");
            }
            assert_eq!(stop, ["</prompt>"]);
        }
        let (conversation, _) = rewrite_request(&brief, Wording::Completion);
        let Conversation::Text { before, .. } = conversation else {
            panic!("a base model continues text");
        };
        assert!(before.ends_with("Weak instruction: The prompt.\nBetter instruction:"));
    }
}
