//! Conversations of many turns, by the templates of models: each text below is what
//! the template makes of the turns, written by hand.

#![allow(clippy::unwrap_used)] // A test may stop at the first surprise.
#![allow(unreachable_pub)] // The tiny models are shared with another crate's tests.

#[path = "../../packed/tests/common/mod.rs"]
mod tiny;
mod words;

use pmpo_core::model::{LanguageModel, ScoreItem};
use pmpo_core::prompt::{Conversation, Role, Turn};
use pmpo_engine::{Engine, EngineOptions, LoadOptions};
use tiny::Tiny;
use tokio_util::sync::CancellationToken;

/// As SmolLM and Qwen: every turn between marks.
const MARKS: &str = "{% for m in messages %}{{ '<im>' + m['role'] + '\\n' + m['content'] + '</im>\\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<im>assistant\\n' }}{% endif %}";
/// As Llama 3: texts lose blanks at both ends.
const TRIMS: &str = "{% for m in messages %}{{ '<h>' + m['role'] + '</h>' + m['content'] | trim + '<eot>' }}{% endfor %}{% if add_generation_prompt %}{{ '<h>assistant</h>' }}{% endif %}";
/// As Gemma: no system message, and another name for the model.
const REFUSES: &str = "{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}{% for m in messages %}{% if m['role'] == 'assistant' %}{% set role = 'model' %}{% else %}{% set role = m['role'] %}{% endif %}{{ '<t>' + role + '\\n' + m['content'] | trim + '</t>\\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<t>model\\n' }}{% endif %}";
/// As Mistral: the system message is told with the last question, so that what stands
/// around a turn depends on its place. Only answers lose blanks.
const LAST: &str = "{% if messages[0]['role'] == 'system' %}{% set told = messages[0]['content'] %}{% set rest = messages[1:] %}{% else %}{% set told = '' %}{% set rest = messages %}{% endif %}{% for m in rest %}{% if m['role'] == 'user' %}{% if loop.last and told != '' %}{{ '[I] ' + told + '\\n\\n' + m['content'] + '[/I]' }}{% else %}{{ '[I] ' + m['content'] + '[/I]' }}{% endif %}{% else %}{{ ' ' + m['content'] | trim + '</e>' }}{% endif %}{% endfor %}";
/// Of its own kind: turns are numbered.
const NUMBERS: &str = "{% for m in messages %}{{ '(' + loop.index | string + m['role'] + ')' + m['content'] }}{% endfor %}{% if add_generation_prompt %}{{ '(me)' }}{% endif %}";

/// Conversations, and what a template makes of each.
type Made = [(Vec<Turn>, &'static str); 4];

async fn engine(place: &std::path::Path, template: &str) -> Engine {
    let tiny = Tiny {
        layers: 1,
        ..Tiny::llama()
    };
    let folder = tiny.write_folder(&tiny.weights(), place);
    words::write(&folder, tiny.vocabulary, false);
    let config = serde_json::json!({
        "bos_token": "<299>", "eos_token": "<300>", "chat_template": template,
    });
    std::fs::write(folder.join("tokenizer_config.json"), config.to_string()).unwrap();
    let load = LoadOptions::new(&folder);
    let engine = Engine::load(&load, EngineOptions::default()).await.unwrap();
    assert!(engine.description().has_chat_template);
    engine
}

#[tokio::test(flavor = "multi_thread")]
async fn conversations_are_what_each_template_makes_of_them() {
    pmpo_engine::prepare_process();
    let turn = |role, text: &str| Turn::new(role, text);
    let system = || turn(Role::System, " Be kind.");
    let shown = || {
        vec![
            turn(Role::User, "One? "),
            turn(Role::Assistant, " 1\n"),
            turn(Role::User, "\nTwo?"),
            turn(Role::Assistant, "2"),
            turn(Role::User, "Three?"),
            turn(Role::Assistant, "3"),
            turn(Role::User, " Four?"),
        ]
    };
    let told = || [vec![system()], shown()].concat();
    let asked = || vec![turn(Role::User, " Four?")];
    let short = || [vec![system()], asked()].concat();
    let cases: [(&str, Made); 5] = [
        (
            MARKS,
            [
                (asked(), "<im>user\n Four?</im>\n<im>assistant\n"),
                (short(), "<im>system\n Be kind.</im>\n<im>user\n Four?</im>\n<im>assistant\n"),
                (shown(), "<im>user\nOne? </im>\n<im>assistant\n 1\n</im>\n<im>user\n\nTwo?</im>\n<im>assistant\n2</im>\n<im>user\nThree?</im>\n<im>assistant\n3</im>\n<im>user\n Four?</im>\n<im>assistant\n"),
                (told(), "<im>system\n Be kind.</im>\n<im>user\nOne? </im>\n<im>assistant\n 1\n</im>\n<im>user\n\nTwo?</im>\n<im>assistant\n2</im>\n<im>user\nThree?</im>\n<im>assistant\n3</im>\n<im>user\n Four?</im>\n<im>assistant\n"),
            ],
        ),
        (
            TRIMS,
            [
                (asked(), "<h>user</h>Four?<eot><h>assistant</h>"),
                (short(), "<h>system</h>Be kind.<eot><h>user</h>Four?<eot><h>assistant</h>"),
                (shown(), "<h>user</h>One?<eot><h>assistant</h>1<eot><h>user</h>Two?<eot><h>assistant</h>2<eot><h>user</h>Three?<eot><h>assistant</h>3<eot><h>user</h>Four?<eot><h>assistant</h>"),
                (told(), "<h>system</h>Be kind.<eot><h>user</h>One?<eot><h>assistant</h>1<eot><h>user</h>Two?<eot><h>assistant</h>2<eot><h>user</h>Three?<eot><h>assistant</h>3<eot><h>user</h>Four?<eot><h>assistant</h>"),
            ],
        ),
        (
            REFUSES,
            [
                (asked(), "<t>user\nFour?</t>\n<t>model\n"),
                (short(), "<t>user\nBe kind.\n\n Four?</t>\n<t>model\n"),
                (shown(), "<t>user\nOne?</t>\n<t>model\n1</t>\n<t>user\nTwo?</t>\n<t>model\n2</t>\n<t>user\nThree?</t>\n<t>model\n3</t>\n<t>user\nFour?</t>\n<t>model\n"),
                (told(), "<t>user\nBe kind.\n\nOne?</t>\n<t>model\n1</t>\n<t>user\nTwo?</t>\n<t>model\n2</t>\n<t>user\nThree?</t>\n<t>model\n3</t>\n<t>user\nFour?</t>\n<t>model\n"),
            ],
        ),
        (
            LAST,
            [
                (asked(), "[I]  Four?[/I]"),
                (short(), "[I]  Be kind.\n\n Four?[/I]"),
                (shown(), "[I] One? [/I] 1</e>[I] \nTwo?[/I] 2</e>[I] Three?[/I] 3</e>[I]  Four?[/I]"),
                (told(), "[I] One? [/I] 1</e>[I] \nTwo?[/I] 2</e>[I] Three?[/I] 3</e>[I]  Be kind.\n\n Four?[/I]"),
            ],
        ),
        (
            NUMBERS,
            [
                (asked(), "(1user) Four?(me)"),
                (short(), "(1system) Be kind.(2user) Four?(me)"),
                (shown(), "(1user)One? (2assistant) 1\n(3user)\nTwo?(4assistant)2(5user)Three?(6assistant)3(7user) Four?(me)"),
                (told(), "(1system) Be kind.(2user)One? (3assistant) 1\n(4user)\nTwo?(5assistant)2(6user)Three?(7assistant)3(8user) Four?(me)"),
            ],
        ),
    ];
    let cancel = CancellationToken::new();
    for (template, cases) in cases {
        let place = tempfile::tempdir().unwrap();
        let engine = engine(place.path(), template).await;
        for (turns, expected) in cases {
            let items = [true, false].map(|end_of_turn| ScoreItem {
                conversation: Conversation::Chat {
                    turns: turns.clone(),
                },
                answer: "4".to_owned(),
                end_of_turn,
            });
            let (scores, _) = engine.score_detailed(&items, &cancel).await.unwrap();
            let ids = engine.token_ids(expected).await.unwrap();
            assert_eq!(scores[0].before, ids, "{expected:?} by {template}");
            // The end is looked at in any case, and is part of the loss where it is to be.
            assert_eq!(scores[0].likeliest, scores[1].likeliest);
            for (score, counted) in scores.iter().zip([2, 1]) {
                assert_eq!(score.log_probs.len(), counted);
                assert_eq!(score.answer.len(), counted);
                assert_eq!(score.likeliest.len(), 2);
                assert!(score.to_the_end);
            }
            assert!((scores[0].log_probs[0] - scores[1].log_probs[0]).abs() < 1e-6);
            let measured = engine.measure(&items).await.unwrap();
            assert_eq!((measured[0].answer, measured[1].answer), (2, 1));
        }
    }
}
