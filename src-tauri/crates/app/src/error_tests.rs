//! Every error of the crates below, and that nothing of it reaches a person in one language
//! only.

use std::collections::BTreeSet;
use std::path::PathBuf;

use pmpo_core::message;
use pmpo_core::message::Param;
use pmpo_core::model::ModelError;
use pmpo_core::optimize::{JournalError, OptimizeError};
use pmpo_core::prompt::{FreezeError, TemplateError};
use pmpo_engine::LoadError;
use pmpo_hub::{HubError, RepoId};
use pmpo_remote::{Address, Missing, RemoteError, Way};
use pmpo_store::StoreError;

use super::*;
use crate::data::DataError;
use pmpo_plot::PlotError;

/// A name, as whatever stands in a place.
const NAME: &str = "Ada-7";

fn name() -> String {
    NAME.to_owned()
}

fn path() -> PathBuf {
    PathBuf::from(NAME)
}

fn of_data() -> Vec<AppError> {
    use DataError as E;
    let why = || Param::from(NAME);
    let all = [
        E::NotFound(name()),
        E::Unreadable(name(), why()),
        E::TooLarge(name(), 512),
        E::LineTooLong {
            file: name(),
            line: 7,
            most_mb: 4,
        },
        E::TooManyColumns(name(), 7),
        E::TooManyCells(name(), 7),
        E::Empty(name()),
        E::NoSuchColumn {
            name: name(),
            known: name(),
        },
        E::NoSuchSheet {
            name: name(),
            known: name(),
        },
        E::Unclear(name()),
        E::SameColumn(name()),
        E::BadPattern {
            pattern: name(),
            why: name(),
        },
        E::BadJson {
            file: name(),
            line: 7,
            why: why(),
        },
        E::Folder(name(), 0, 7),
        E::OtherColumns {
            file: name(),
            found: name(),
            expected: name(),
        },
        E::TooFew(3),
        E::UnknownKind(name()),
        E::Damaged {
            file: name(),
            kind: "workbook",
            why: name(),
        },
        E::Damaged {
            file: name(),
            kind: "Parquet",
            why: name(),
        },
    ];
    all.map(AppError::from).to_vec()
}

fn of_store() -> Vec<AppError> {
    use StoreError as E;
    let all = [
        E::Damaged { path: path() },
        E::Newer { found: 9, known: 8 },
        E::ReadOnly { path: path() },
        E::Full { path: path() },
        E::Locked { path: path() },
        E::Unreadable { path: path() },
        E::Unwritable { path: path() },
        E::Refused {
            path: path(),
            why: message!("backup.tables").into(),
        },
        E::NotFound {
            what: message!("thing.run", id = 3_i64),
        },
        E::Other(NAME.into()),
    ];
    all.map(AppError::from).to_vec()
}

fn of_models() -> Vec<AppError> {
    use LoadError as L;
    use ModelError as M;
    use OptimizeError as O;
    let loading = [
        L::Missing { path: name() },
        L::Unreadable {
            path: name(),
            why: NAME.into(),
        },
        L::NotGguf { path: name() },
        L::CutShort {
            path: name(),
            expected: 9,
            found: 7,
        },
        L::UnsupportedArchitecture {
            path: name(),
            found: name(),
        },
        L::UnsupportedTokenizer {
            path: name(),
            found: name(),
        },
        L::TooLarge {
            path: name(),
            needs_mib: 9,
            free_mib: 7,
        },
        L::Incomplete {
            path: name(),
            missing: name(),
        },
        L::NoSuchDevice { name: name() },
        L::Failed {
            path: name(),
            why: name(),
        },
    ];
    let failing = [
        M::Cancelled,
        M::TooLong {
            item: 0,
            tokens: 9,
            window: 7,
        },
        M::EmptyAnswer { item: 0 },
        M::Failed(name()),
        M::Told {
            words: name(),
            told: message!("model.not_a_number"),
        },
        M::Changed(message!("other_device.other_file", path = NAME)),
        M::Device(name()),
    ];
    let running = [
        O::Settings(message!("settings.beta")),
        O::Template(TemplateError { name: name() }),
        O::Freeze(FreezeError { text: name() }),
        O::EmptyPrompt,
        O::TooFewExamples { usable: 1 },
        O::PromptTooLong {
            tokens: 9,
            window: 7,
        },
        O::Model(M::Cancelled),
        O::Journal(JournalError(message!("store.full", path = NAME))),
    ];
    let mut all = loading.map(AppError::from).to_vec();
    all.extend(failing.map(AppError::from));
    all.extend(running.map(AppError::from));
    all
}

fn of_hub() -> Vec<AppError> {
    use HubError as E;
    let repo = || RepoId::new("ada/model").unwrap();
    let host = name;
    let all = [
        E::BadName {
            name: name(),
            why: NAME,
        },
        E::BadEndpoint { endpoint: name() },
        E::NoHome,
        E::NoNetwork {
            host: host(),
            why: name(),
        },
        E::NotAHub {
            host: host(),
            why: name(),
        },
        E::SignIn { repo: repo() },
        E::BadToken,
        E::Gated {
            repo: repo(),
            address: name(),
            signed_in: false,
        },
        E::Gated {
            repo: repo(),
            address: name(),
            signed_in: true,
        },
        E::Forbidden { repo: repo() },
        E::NoRepo { repo: repo() },
        E::NoFile {
            repo: repo(),
            file: name(),
        },
        E::Busy { repo: repo() },
        E::TooManyRequests { seconds: 7 },
        E::Failing {
            host: host(),
            status: 503,
        },
        E::Broken {
            host: host(),
            why: "stands still",
        },
        E::Broken {
            host: host(),
            why: "was cut",
        },
        E::BadRedirect { host: host() },
        E::WrongSize { file: name() },
        E::WrongChecksum { file: name() },
        E::Changed { file: name() },
        E::NoSpace {
            folder: path(),
            needed: 9,
            free: 7,
        },
        E::DiskFull { folder: path() },
        E::Folder {
            path: path(),
            kind: std::io::ErrorKind::PermissionDenied,
            why: name(),
        },
        E::Folder {
            path: path(),
            kind: std::io::ErrorKind::Other,
            why: name(),
        },
        E::Ended,
    ];
    all.map(AppError::from).to_vec()
}

fn of_servers() -> Vec<AppError> {
    use RemoteError as E;
    let server = || Address::parse("http://localhost:1").unwrap();
    let mut all = vec![
        E::Address {
            given: name(),
            why: name(),
        },
        E::NotAKey,
        E::Unreachable {
            server: server(),
            why: name(),
        },
        E::Cut { server: server() },
        E::Silent {
            server: server(),
            seconds: 7,
        },
        E::Key { server: server() },
        E::SendsOn {
            server: server(),
            to: name(),
        },
        E::Lacks {
            server: server(),
            path: name(),
        },
        E::Busy {
            server: server(),
            seconds: None,
        },
        E::Busy {
            server: server(),
            seconds: Some(7),
        },
        E::TooLong {
            server: server(),
            tokens: 9,
            window: 7,
        },
        E::Refused {
            server: server(),
            status: 422,
            said: name(),
        },
        E::Failed {
            server: server(),
            status: 500,
            said: name(),
        },
        E::TooLarge {
            server: server(),
            megabytes: 64,
        },
        E::Nonsense {
            server: server(),
            what: name(),
        },
        E::NoModel {
            server: server(),
            model: name(),
            there: name(),
        },
        E::NoModel {
            server: server(),
            model: String::new(),
            there: name(),
        },
        E::NoWindow { server: server() },
        E::Keyring { why: name() },
        E::NoClient { why: name() },
        E::Cancelled,
    ];
    for what in [
        "score",
        "write",
        "answer conversations",
        "go on from plain text",
    ] {
        all.push(E::Unable {
            server: server(),
            what,
            why: name(),
        });
    }
    let of_a_run = ModelError::from(E::Cut { server: server() });
    let mut all: Vec<AppError> = all.into_iter().map(AppError::from).collect();
    all.push(of_a_run.into());
    let lacks = [
        Missing::Models,
        Missing::Completions,
        Missing::Chat,
        Missing::Streams,
        Missing::Counter,
        Missing::Template,
        Missing::Window,
        Missing::PromptLogprobs,
        Missing::Echo,
        Missing::Logprobs,
        Missing::Wrong {
            way: Way::Echo,
            what: name(),
        },
        Missing::Wrong {
            way: Way::PromptLogprobs,
            what: name(),
        },
        Missing::Steadiness { spread: 0.5 },
    ];
    all.extend(lacks.iter().map(|one| AppError::from(one.message())));
    all
}

/// All texts that stand in places, those of inner messages too.
fn texts<'a>(told: &'a Message, found: &mut Vec<&'a str>) {
    for param in told.params.values() {
        match param {
            Param::Text(text) => found.push(text),
            Param::Message(inner) => texts(inner, found),
            Param::Number(_) | Param::Device(_) => {}
        }
    }
}

#[test]
fn nothing_that_the_crates_tell_is_a_sentence_in_one_language() {
    let plots = [
        PlotError::NotFinite,
        PlotError::Nothing,
        PlotError::EmptyRange,
        PlotError::Drawing(name()),
    ];
    let mut all = of_data();
    all.extend(of_store());
    all.extend(of_models());
    all.extend(of_hub());
    all.extend(of_servers());
    all.extend(plots.map(AppError::from));
    let keys: BTreeSet<&str> = all.iter().map(|error| error.told.key).collect();
    assert!(keys.len() > 100, "{}", keys.len());
    for error in &all {
        let key = error.told.key;
        let english = said(&error.told, Language::English);
        let german = said(&error.told, Language::German);
        assert!(english != german && !german.0.starts_with(key), "{key}");
        assert!(
            error.message.ends_with(['.', '!', '?']),
            "{}",
            error.message
        );
        assert!(
            key.starts_with("report.") || !error.hint.is_empty(),
            "{key}"
        );
        // What stands in places is what was given, and it is told in both languages.
        let mut given = Vec::new();
        texts(&error.told, &mut given);
        for text in given {
            let fits = [
                NAME,
                "{{Ada-7}}",
                "ada/model",
                "http://localhost:1",
                "Parquet",
                "0.5000",
            ];
            // The kinds of models that can be used are names, many of them.
            let fits = fits.contains(&text) || key == "model_file.architecture";
            assert!(fits, "{key}: {text}");
            let own = text.replace('.', ",");
            let told = |words: &(String, String)| {
                [&words.0, &words.1]
                    .iter()
                    .any(|one| one.contains(text) || one.contains(&own))
            };
            assert!(told(&english) && told(&german), "{key}: {text}");
        }
    }
}
