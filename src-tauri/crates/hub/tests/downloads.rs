//! Downloads from a hub that does what it should.

#![allow(clippy::unwrap_used)] // A test may stop at the first surprise.

mod common;

use std::fs;
use std::time::Duration;

use common::*;
use pmpo_hub::{Format, Hub, HubError, HubOptions, Outcome, RepoId, Stage};

#[tokio::test]
async fn a_model_arrives_whole_and_where_other_programs_look() {
    let (hub, cache) = (TestHub::new().await, tempfile::tempdir().unwrap());
    let (a, b) = (weights(200_000, 1), weights(70_000, 2));
    hub.put("model-00001-of-00002.gguf", &a, true);
    hub.put("sub/model-00002-of-00002.gguf", &b, true);
    hub.put("config.json", b"{}", false);
    hub.put("empty.txt", b"", false);
    let client = hub.signed_in(cache.path(), TOKEN);
    let files = names(&[
        "config.json",
        "model-00001-of-00002.gguf",
        "sub/model-00002-of-00002.gguf",
        "empty.txt",
    ]);
    assert_eq!(client.local(&repo(), &files), None);
    let download = client.download(&repo(), &files).unwrap();
    let Outcome::Ready(paths) = download.outcome().await.unwrap() else {
        panic!("not ready");
    };
    for (path, bytes) in paths.iter().zip([b"{}", &a[..], &b[..], b""]) {
        assert_eq!(fs::read(path).unwrap(), bytes);
    }
    let folder = cache.path().join("models--ada--model-GGUF");
    let snapshot = folder.join("snapshots").join(hub.commit());
    assert_eq!(paths[2], snapshot.join("sub/model-00002-of-00002.gguf"));
    assert_eq!(
        fs::read_to_string(folder.join("refs/main")).unwrap(),
        hub.commit()
    );
    let blob = folder
        .join("blobs")
        .join(hub.etag("model-00001-of-00002.gguf"));
    assert_eq!(fs::read(blob).unwrap(), a);
    assert!(parts(cache.path()).is_empty());

    // Hugging Face's own client finds it.
    let other = hf_hub::Cache::new(cache.path().to_owned()).model(REPO.to_owned());
    assert_eq!(
        other.get("sub/model-00002-of-00002.gguf").unwrap(),
        paths[2]
    );

    // The branch was looked up once, and the token stayed with the hub.
    assert_eq!(hub.asked("/api/").len(), 1);
    for request in hub.log() {
        let token = request.header("authorization");
        assert_eq!(
            token,
            (!request.elsewhere).then_some("Bearer hf_verysecret")
        );
    }
    let log = hub.asked("/content/");
    assert!(log.len() == 2 && log.iter().all(|request| request.elsewhere));

    // What is here is not asked for again.
    let progress = download.progress();
    let last = progress.borrow().clone();
    assert_eq!((last.done, last.total), (270_002, 270_002));
    assert_eq!(
        (last.files_done, last.files, last.stage),
        (4, 4, Stage::Ended)
    );
    let again = client.download(&repo(), &files).unwrap();
    assert_eq!(again.outcome().await, Ok(Outcome::Ready(paths.clone())));
    assert_eq!(hub.asked("/content/").len(), 2);

    // Without the hub.
    drop(hub);
    assert_eq!(client.local(&repo(), &files), Some(paths));
}

#[tokio::test]
async fn a_paused_download_goes_on_where_it_was() {
    let (hub, cache) = (TestHub::new().await, tempfile::tempdir().unwrap());
    let bytes = weights(300_000, 3);
    hub.put("m.gguf", &bytes, true);
    let client = hub.patient(cache.path());
    let files = names(&["m.gguf"]);
    hub.trick("/content/", Trick::Stall(120_000), 1);
    let download = client.download(&repo(), &files).unwrap();
    until("some is here", || parts(cache.path()) == [120_000]).await;
    download.pause();
    assert_eq!(download.outcome().await, Ok(Outcome::Paused));
    assert_eq!(parts(cache.path()), [120_000]);
    assert!(snapshots(cache.path()).is_empty());
    assert_eq!(client.local(&repo(), &files), None);
    assert_eq!(client.installed()[0].unfinished, 120_000);

    // Another one, as after a restart of the program.
    let client = hub.hub(cache.path());
    let download = client.download(&repo(), &files).unwrap();
    let Outcome::Ready(paths) = download.outcome().await.unwrap() else {
        panic!("not ready");
    };
    assert_eq!(fs::read(&paths[0]).unwrap(), bytes);
    assert_eq!(hub.starts(), [None, Some(120_000)]);
    assert_eq!(client.installed()[0].unfinished, 0);
}

#[tokio::test]
async fn who_lets_go_of_a_download_pauses_it() {
    let (hub, cache) = (TestHub::new().await, tempfile::tempdir().unwrap());
    hub.put("m.gguf", &weights(300_000, 4), true);
    let client = hub.patient(cache.path());
    hub.trick("/content/", Trick::Stall(100_000), 1);
    let download = client.download(&repo(), &names(&["m.gguf"])).unwrap();
    until("some is here", || parts(cache.path()) == [100_000]).await;
    drop(download);
    // Free for the next one.
    let download = client.download(&repo(), &names(&["m.gguf"])).unwrap();
    assert!(matches!(download.outcome().await, Ok(Outcome::Ready(_))));
}

#[tokio::test]
async fn a_cancelled_download_leaves_nothing_half_ready() {
    let (hub, cache) = (TestHub::new().await, tempfile::tempdir().unwrap());
    hub.put("a.gguf", &weights(50_000, 5), true);
    hub.put("b.gguf", &weights(300_000, 6), true);
    hub.put("ready.gguf", &weights(10_000, 7), true);
    let client = hub.patient(cache.path());
    let ready = client.download(&repo(), &names(&["ready.gguf"])).unwrap();
    ready.outcome().await.unwrap();

    let b = format!("/content/{}", hub.etag("b.gguf"));
    hub.trick(&b, Trick::Stall(100_000), 2);
    let both = names(&["a.gguf", "b.gguf"]);
    let download = client.download(&repo(), &both).unwrap();
    until("the second is begun", || parts(cache.path()) == [100_000]).await;
    // The first is whole, and not to be found before the second is.
    assert_eq!(snapshots(cache.path()).len(), 1);
    download.cancel();
    assert_eq!(download.outcome().await, Ok(Outcome::Cancelled));
    let blobs = cache.path().join("models--ada--model-GGUF/blobs");
    assert_eq!(files_in(&blobs), [blobs.join(hub.etag("ready.gguf"))]);
    assert!(client.local(&repo(), &names(&["ready.gguf"])).is_some());

    // So does one that was paused and is given up then.
    let download = client.download(&repo(), &both).unwrap();
    until("the second is begun", || parts(cache.path()) == [100_000]).await;
    download.pause();
    download.outcome().await.unwrap();
    assert_eq!(client.discard(&repo()), Ok(150_000));
    assert_eq!(files_in(&blobs).len(), 1);
}

#[tokio::test]
async fn cancelling_one_leaves_what_another_has_begun() {
    let (hub, cache) = (TestHub::new().await, tempfile::tempdir().unwrap());
    hub.put("a.gguf", &weights(50_000, 25), true);
    hub.put("b.gguf", &weights(60_000, 26), true);
    hub.trick("/content/", Trick::Stall(10_000), 1);
    hub.trick("/content/", Trick::Stall(20_000), 1);
    let client = hub.patient(cache.path());
    let paused = client.download(&repo(), &names(&["a.gguf"])).unwrap();
    until("one is begun", || parts(cache.path()) == [10_000]).await;
    paused.pause();
    paused.outcome().await.unwrap();
    let cancelled = client.download(&repo(), &names(&["b.gguf"])).unwrap();
    until("both are begun", || {
        parts(cache.path()).iter().sum::<u64>() == 30_000
    })
    .await;
    cancelled.cancel();
    cancelled.outcome().await.unwrap();
    assert_eq!(parts(cache.path()), [10_000]);
}

#[tokio::test]
async fn several_files_have_one_progress_that_never_falls() {
    let (hub, cache) = (TestHub::new().await, tempfile::tempdir().unwrap());
    for (index, name) in ["a.gguf", "b.gguf", "c.gguf"].iter().enumerate() {
        hub.put(name, &weights(60_000, 8 + index as u64), true);
    }
    hub.trick(
        "/content/",
        Trick::Slow(6_000, Duration::from_millis(20)),
        3,
    );
    let client = hub.hub(cache.path());
    let download = client
        .download(&repo(), &names(&["a.gguf", "b.gguf", "c.gguf"]))
        .unwrap();
    let mut progress = download.progress();
    let mut seen = vec![progress.borrow().clone()];
    while progress.changed().await.is_ok() {
        let now = progress.borrow_and_update().clone();
        if now.stage == Stage::Ended {
            break;
        }
        seen.push(now);
    }
    download.outcome().await.unwrap();
    assert!(seen.windows(2).all(|pair| pair[0].done <= pair[1].done));
    assert!(seen.iter().skip(2).all(|now| now.total == 180_000));
    assert!(seen.len() > 6, "{seen:?}");
    // Some 60,000 bytes in 200 ms.
    let speeds: Vec<f64> = seen.iter().filter_map(|now| now.bytes_per_second).collect();
    assert!(
        speeds.iter().any(|speed| (50_000.0..2e6).contains(speed)),
        "{speeds:?}"
    );
    assert!(seen
        .iter()
        .any(|now| now.seconds_left.is_some_and(|left| left < 10.0)));
}

#[tokio::test]
async fn a_moving_branch_does_not_mix_commits() {
    let (hub, cache) = (TestHub::new().await, tempfile::tempdir().unwrap());
    let (a, b) = (weights(50_000, 11), weights(60_000, 12));
    hub.put("a.gguf", &a, true);
    hub.put("b.gguf", &b, true);
    let begun = hub.commit();
    hub.trick(
        "/content/",
        Trick::Slow(25_000, Duration::from_millis(50)),
        1,
    );
    let client = hub.hub(cache.path());
    let download = client
        .download(&repo(), &names(&["a.gguf", "b.gguf"]))
        .unwrap();
    until("it is begun", || !hub.asked("/content/").is_empty()).await;
    hub.put("c.gguf", b"new", true);
    let Outcome::Ready(paths) = download.outcome().await.unwrap() else {
        panic!("not ready");
    };
    assert!(paths
        .iter()
        .all(|path| path.to_string_lossy().contains(&begun)));
    assert!(hub
        .asked("/resolve/")
        .iter()
        .all(|request| request.path.contains(&begun)));
}

#[tokio::test]
async fn what_has_not_changed_is_not_downloaded_again_for_a_new_commit() {
    let (hub, cache) = (TestHub::new().await, tempfile::tempdir().unwrap());
    hub.put("a.gguf", &weights(50_000, 13), true);
    hub.put("config.json", b"{}", false);
    let client = hub.hub(cache.path());
    let files = names(&["a.gguf", "config.json"]);
    let old = client
        .download(&repo(), &files)
        .unwrap()
        .outcome()
        .await
        .unwrap();
    hub.put("config.json", b"{\"a\": 1}", false);
    hub.clear_log();
    let new = client
        .download(&repo(), &files)
        .unwrap()
        .outcome()
        .await
        .unwrap();
    assert_ne!(old, new);
    assert_eq!(hub.asked("/content/").len(), 0);
    let Outcome::Ready(paths) = new else {
        panic!("not ready");
    };
    assert_eq!(fs::read(&paths[1]).unwrap(), b"{\"a\": 1}");
    // The old commit's settings stay as long as nobody removes them.
    assert_eq!(client.installed()[0].bytes, 50_000 + 2 + 8);
    assert_eq!(
        client.remove_files(&repo(), &names(&["config.json"])),
        Ok(10)
    );
    assert_eq!(client.remove(&repo()), Ok(50_000 + 40));
    assert!(client.installed().is_empty());
    assert_eq!(client.local(&repo(), &files), None);
}

#[tokio::test]
async fn two_downloads_of_one_file_do_not_get_into_each_others_way() {
    let (hub, cache) = (TestHub::new().await, tempfile::tempdir().unwrap());
    let bytes = weights(200_000, 14);
    hub.put("m.gguf", &bytes, true);
    hub.trick(
        "/content/",
        Trick::Slow(50_000, Duration::from_millis(20)),
        1,
    );
    let files = names(&["m.gguf"]);
    let first = hub.hub(cache.path()).download(&repo(), &files).unwrap();
    until("it is begun", || !parts(cache.path()).is_empty()).await;
    let client = hub.hub(cache.path());
    let second = client.download(&repo(), &files).unwrap();
    let stage = second.progress();
    until("the second waits", || {
        stage.borrow().stage == Stage::Waiting
    })
    .await;
    let busy = HubError::Busy { repo: repo() };
    assert_eq!(client.remove(&repo()), Err(busy));
    assert_eq!(client.discard(&repo()), Ok(0));
    assert_eq!(first.outcome().await, second.outcome().await);
    assert_eq!(hub.starts(), [None]);
    let paths = client.local(&repo(), &files).unwrap();
    assert_eq!(fs::read(&paths[0]).unwrap(), bytes);
}

#[tokio::test]
async fn who_waits_for_another_program_can_stop_waiting() {
    let (hub, cache) = (TestHub::new().await, tempfile::tempdir().unwrap());
    hub.put("m.gguf", &weights(1000, 15), true);
    let locks = cache.path().join(".locks/models--ada--model-GGUF");
    fs::create_dir_all(&locks).unwrap();
    // The lock of Hugging Face's own programs.
    let lock = fs::File::create(locks.join(format!("{}.lock", hub.etag("m.gguf")))).unwrap();
    lock.lock().unwrap();
    let client = hub.hub(cache.path());
    let download = client.download(&repo(), &names(&["m.gguf"])).unwrap();
    let progress = download.progress();
    until("it waits", || progress.borrow().stage == Stage::Waiting).await;
    download.cancel();
    assert_eq!(download.outcome().await, Ok(Outcome::Cancelled));
    let download = client.download(&repo(), &names(&["m.gguf"])).unwrap();
    lock.unlock().unwrap();
    assert!(matches!(download.outcome().await, Ok(Outcome::Ready(_))));
}

#[tokio::test]
async fn a_model_is_looked_up_before_it_is_downloaded() {
    let (hub, cache) = (TestHub::new().await, tempfile::tempdir().unwrap());
    hub.put("m-Q8_0.gguf", &weights(900, 16), true);
    hub.put("m-Q4_K_M.gguf", &weights(500, 17), true);
    hub.put("README.md", b"hello", false);
    let client = hub.hub(cache.path());
    let found = client.look_up(&repo()).await.unwrap();
    assert_eq!(found.commit, hub.commit());
    let sizes: Vec<_> = found
        .files
        .iter()
        .map(|file| (&*file.name, file.bytes))
        .collect();
    assert_eq!(
        sizes,
        [
            ("README.md", 5),
            ("m-Q4_K_M.gguf", 500),
            ("m-Q8_0.gguf", 900)
        ]
    );
    let choices = found.choices();
    assert_eq!(choices.len(), 2);
    assert_eq!(choices[0].quantisation.as_deref(), Some("Q4_K_M"));
    assert_eq!(choices[0].format, Format::Gguf);
    assert_eq!(client.page(&repo()), format!("{}/{REPO}", hub.address));
    assert!(files_in(cache.path()).is_empty());
}

#[tokio::test]
async fn redirects_within_the_hub_are_followed() {
    let (hub, cache) = (TestHub::new().await, tempfile::tempdir().unwrap());
    let bytes = weights(5000, 18);
    hub.put("m.gguf", &bytes, true);
    hub.put("config.json", b"{}", false);
    let client = hub.signed_in(cache.path(), TOKEN);
    // The hub knows the model under another spelling.
    let list = format!("/api/models/{REPO}/revision/main?blobs=true");
    hub.trick(
        "/api/models/Ada",
        Trick::Status(307, vec![("Location", list)]),
        1,
    );
    let other = RepoId::new("Ada/Model-gguf").unwrap();
    let files = names(&["m.gguf", "config.json"]);
    let download = client.download(&other, &files).unwrap();
    let Outcome::Ready(paths) = download.outcome().await.unwrap() else {
        panic!("not ready");
    };
    assert_eq!(fs::read(&paths[0]).unwrap(), bytes);
    let log = hub.log();
    assert!(log
        .iter()
        .all(|request| request.header("authorization").is_some() != request.elsewhere));
}

#[tokio::test]
async fn a_file_of_any_name_is_asked_for_under_it() {
    let (hub, cache) = (TestHub::new().await, tempfile::tempdir().unwrap());
    let client = hub.hub(cache.path());
    for name in ["../up", "/etc/passwd", "a\\b", ""] {
        let refused = client.download(&repo(), &names(&[name]));
        assert!(matches!(refused, Err(HubError::BadName { .. })), "{name}");
        assert_eq!(client.local(&repo(), &names(&[name])), None);
    }
    // Encoded, or it would be a query.
    hub.put("a b?c#d.gguf", b"x", false);
    let download = client.download(&repo(), &names(&["a b?c#d.gguf"])).unwrap();
    let _ = download.outcome().await;
    assert!(
        hub.asked("/a%20b%3Fc%23d.gguf").len() == 1,
        "{:?}",
        hub.log()
    );
}

#[tokio::test]
async fn nothing_is_made_before_it_is_needed() {
    let cache = tempfile::tempdir().unwrap();
    let missing = cache.path().join("not there");
    let client = Hub::new(HubOptions::new(&missing)).unwrap();
    assert!(client.installed().is_empty());
    assert_eq!(client.local(&repo(), &names(&["m.gguf"])), None);
    assert_eq!(client.remove(&repo()), Ok(0));
    assert_eq!(client.discard(&repo()), Ok(0));
    assert!(!missing.exists());
}
