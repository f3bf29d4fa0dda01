//! Downloads that meet with faults: each ends as promised, and what arrives in
//! the end is what the hub has, byte for byte.

#![allow(clippy::unwrap_used)] // A test may stop at the first surprise.

mod common;

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use common::*;
use pmpo_hub::{Hub, HubError, HubOptions, Outcome, Stage};

const FILE: &str = "m.gguf";

/// A hub with one large file of 300,000 bytes, and a folder for the cache.
async fn one() -> (TestHub, tempfile::TempDir, Vec<u8>) {
    let (hub, cache) = (TestHub::new().await, tempfile::tempdir().unwrap());
    let bytes = weights(300_000, 21);
    hub.put(FILE, &bytes, true);
    (hub, cache, bytes)
}

async fn download(client: &Hub) -> Result<Outcome, HubError> {
    let download = client.download(&repo(), &names(&[FILE])).unwrap();
    download.outcome().await
}

/// Downloads, and says whether it is the same.
async fn arrives(client: &Hub, bytes: &[u8]) {
    let outcome = download(client).await;
    let Ok(Outcome::Ready(paths)) = outcome else {
        panic!("{outcome:?}");
    };
    assert!(fs::read(&paths[0]).unwrap() == bytes, "other bytes");
    assert!(parts(client.cache()).is_empty());
}

async fn fails(client: &Hub) -> HubError {
    let error = download(client).await.unwrap_err();
    assert!(snapshots(client.cache()).is_empty());
    assert_eq!(client.local(&repo(), &names(&[FILE])), None);
    for text in [error.to_string(), format!("{error:?}")] {
        assert!(!text.is_empty());
        assert!(!text.contains(TOKEN) && !text.contains(SIGNATURE), "{text}");
    }
    error
}

#[tokio::test]
async fn a_cut_connection_is_made_again_where_it_was() {
    let (hub, cache, bytes) = one().await;
    hub.trick("/content/", Trick::Cut(50_000), 4);
    // Four cuts, each after some progress, and three failures are allowed.
    arrives(&hub.hub(cache.path()), &bytes).await;
    let starts = [
        None,
        Some(50_000),
        Some(100_000),
        Some(150_000),
        Some(200_000),
    ];
    assert_eq!(hub.starts(), starts);
    // Only if it is still the same file.
    let tag = format!("\"x{}\"", hub.etag(FILE));
    for request in &hub.asked("/content/")[1..] {
        assert_eq!(request.header("if-range"), Some(&*tag));
    }
}

#[tokio::test]
async fn a_connection_that_stands_still_is_given_up() {
    let (hub, cache, bytes) = one().await;
    hub.trick("/content/", Trick::Stall(100_000), 1);
    let begun = Instant::now();
    arrives(&hub.hub(cache.path()), &bytes).await;
    assert!(begun.elapsed() >= Duration::from_millis(200));
    assert_eq!(hub.starts(), [None, Some(100_000)]);
}

#[tokio::test]
async fn a_slow_connection_is_not_given_up() {
    let (hub, cache, bytes) = one().await;
    hub.trick(
        "/content/",
        Trick::Slow(30_000, Duration::from_millis(30)),
        1,
    );
    arrives(&hub.hub(cache.path()), &bytes).await;
    assert_eq!(hub.starts(), [None]);
}

#[tokio::test]
async fn without_progress_it_ends_and_what_is_here_is_kept() {
    let (hub, cache, bytes) = one().await;
    let client = hub.hub(cache.path());
    hub.trick("/content/", Trick::Cut(50_000), 1);
    hub.trick("/content/", Trick::Cut(0), 3);
    let error = fails(&client).await;
    assert!(matches!(error, HubError::Broken { .. }), "{error}");
    assert_eq!(hub.starts().len(), 1 + 3);
    assert_eq!(parts(cache.path()), [50_000]);
    hub.clear_log();
    arrives(&client, &bytes).await;
    assert_eq!(hub.starts(), [Some(50_000)]);
}

#[tokio::test]
async fn a_wrong_checksum_is_noticed_also_when_most_was_here() {
    let (hub, cache, bytes) = one().await;
    hub.trick("/content/", Trick::Cut(200_000), 1);
    hub.trick("/content/", Trick::Corrupt, 1);
    arrives(&hub.hub(cache.path()), &bytes).await;
    assert_eq!(hub.starts(), [None, Some(200_000), None]);
}

#[tokio::test]
async fn a_checksum_that_is_wrong_twice_is_told_and_nothing_is_kept() {
    let (hub, cache, bytes) = one().await;
    let client = hub.hub(cache.path());
    hub.trick("/content/", Trick::Corrupt, 2);
    let error = fails(&client).await;
    assert!(error.to_string().contains("checksum"), "{error}");
    assert!(parts(cache.path()).is_empty());
    arrives(&client, &bytes).await;
}

#[tokio::test]
async fn damage_to_what_was_kept_is_noticed() {
    let (hub, cache, bytes) = one().await;
    let blobs = cache.path().join("models--ada--model-GGUF/blobs");
    fs::create_dir_all(&blobs).unwrap();
    let part = blobs.join(format!("{}.pmpo.part", hub.etag(FILE)));
    // Zeros at the end, as after a power cut.
    let mut damaged = bytes[..150_000].to_vec();
    damaged[140_000..].fill(0);
    fs::write(&part, damaged).unwrap();
    arrives(&hub.hub(cache.path()), &bytes).await;
    assert_eq!(hub.starts(), [Some(150_000), None]);
    // Longer than the whole.
    fs::remove_dir_all(cache.path().join("models--ada--model-GGUF")).unwrap();
    fs::create_dir_all(&blobs).unwrap();
    fs::write(&part, vec![0; 300_001]).unwrap();
    hub.clear_log();
    arrives(&hub.hub(cache.path()), &bytes).await;
    assert_eq!(hub.starts(), [None]);
}

#[tokio::test]
async fn a_file_that_changed_since_a_pause_is_begun_anew() {
    let (hub, cache, _) = one().await;
    let client = hub.patient(cache.path());
    hub.trick("/content/", Trick::Stall(100_000), 1);
    let first = client.download(&repo(), &names(&[FILE])).unwrap();
    until("some is here", || parts(cache.path()) == [100_000]).await;
    first.pause();
    first.outcome().await.unwrap();
    let changed = weights(310_000, 22);
    hub.put(FILE, &changed, true);
    arrives(&client, &changed).await;
    assert_eq!(hub.starts(), [None, None]);
    assert_eq!(client.installed()[0].bytes, 310_000);
}

#[tokio::test]
async fn a_file_that_changes_meanwhile_is_looked_up_once_more() {
    let (hub, cache, bytes) = one().await;
    hub.trick("/content/", Trick::Cut(100_000), 1);
    hub.trick("/resolve/", Trick::Status(500, vec![]), 0);
    let client = hub.hub(cache.path());
    let first = client.download(&repo(), &names(&[FILE])).unwrap();
    // After the cut, the hub says that it is another file.
    until("it was cut", || parts(cache.path()) == [100_000]).await;
    hub.trick("/resolve/", Trick::OtherTag, 1);
    let outcome = first.outcome().await;
    assert!(matches!(outcome, Ok(Outcome::Ready(_))), "{outcome:?}");
    let paths = client.local(&repo(), &names(&[FILE])).unwrap();
    assert!(fs::read(&paths[0]).unwrap() == bytes);

    client.remove(&repo()).unwrap();
    hub.trick("/resolve/", Trick::OtherTag, 2);
    let error = fails(&client).await;
    assert_eq!(
        error,
        HubError::Changed {
            file: FILE.to_owned()
        }
    );
    assert!(parts(cache.path()).is_empty());
}

#[tokio::test]
async fn another_content_between_two_parts_is_not_joined_to_the_first() {
    // A small file: no checksum would tell.
    let (hub, cache) = (TestHub::new().await, tempfile::tempdir().unwrap());
    let old = weights(5000, 23);
    hub.put("tokenizer.json", &old, false);
    hub.trick("/resolve/", Trick::Cut(2000), 1);
    let client = hub.hub(cache.path());
    let files = names(&["tokenizer.json"]);
    let first = client.download(&repo(), &files).unwrap();
    until("it was cut", || parts(cache.path()) == [2000]).await;
    let new = weights(5000, 24);
    hub.put("tokenizer.json", &new, false);
    let Ok(Outcome::Ready(paths)) = first.outcome().await else {
        panic!("not ready");
    };
    let found = fs::read(&paths[0]).unwrap();
    assert!(found == old || found == new);
}

#[tokio::test]
async fn a_server_that_knows_no_parts_sends_the_whole_again() {
    let (hub, cache, bytes) = one().await;
    hub.trick("/content/", Trick::Cut(200_000), 1);
    hub.trick("/content/", Trick::NoRange, 1);
    arrives(&hub.hub(cache.path()), &bytes).await;
    assert_eq!(hub.starts(), [None, Some(200_000)]);
}

#[tokio::test]
async fn a_part_that_was_not_asked_for_is_not_taken() {
    let (hub, cache, bytes) = one().await;
    hub.trick("/content/", Trick::Cut(200_000), 1);
    hub.trick("/content/", Trick::OtherPart, 1);
    let client = hub.hub(cache.path());
    arrives(&client, &bytes).await;
    assert_eq!(hub.starts(), [None, Some(200_000), None]);

    client.remove(&repo()).unwrap();
    hub.clear_log();
    hub.trick("/content/", Trick::Cut(150_000), 1);
    hub.trick("/content/", Trick::Status(416, vec![]), 1);
    arrives(&client, &bytes).await;
    assert_eq!(hub.starts(), [None, Some(150_000), None]);
}

#[tokio::test]
async fn a_wrong_length_is_noticed() {
    let (hub, cache, bytes) = one().await;
    let client = hub.hub(cache.path());
    hub.trick("/content/", Trick::Length(-1), 1);
    hub.trick("/content/", Trick::Length(5), 1);
    hub.trick("/content/", Trick::TooLong, 1);
    arrives(&client, &bytes).await;

    client.remove(&repo()).unwrap();
    hub.trick("/content/", Trick::Length(5), 4);
    let error = fails(&client).await;
    assert_eq!(
        error,
        HubError::WrongSize {
            file: FILE.to_owned()
        }
    );
}

#[tokio::test]
async fn the_hub_is_given_the_time_it_asks_for() {
    let (hub, cache, bytes) = one().await;
    let client = hub.hub(cache.path());
    let wait = |seconds: &str| vec![("Retry-After", seconds.to_owned())];
    hub.trick("/resolve/", Trick::Status(429, wait("1")), 1);
    let begun = Instant::now();
    let first = client.download(&repo(), &names(&[FILE])).unwrap();
    let progress = first.progress();
    let retries = |stage: &Stage| matches!(stage, Stage::Retrying { seconds, attempt: 1, .. } if *seconds >= 1.0);
    until("it waits", || retries(&progress.borrow().stage)).await;
    first.outcome().await.unwrap();
    assert!(begun.elapsed() >= Duration::from_secs(1));
    assert_eq!(hub.asked("/resolve/").len(), 2);

    client.remove(&repo()).unwrap();
    hub.trick("/resolve/", Trick::Status(429, wait("86400")), 1);
    let error = fails(&client).await;
    assert_eq!(error, HubError::TooManyRequests { seconds: 86400 });
    arrives(&client, &bytes).await;
}

#[tokio::test]
async fn a_failing_server_is_asked_again_and_then_no_more() {
    let (hub, cache, bytes) = one().await;
    let client = hub.hub(cache.path());
    for status in [500, 503, 408] {
        hub.trick("/api/", Trick::Status(status, vec![]), 1);
        hub.trick("/content/", Trick::Status(status, vec![]), 1);
    }
    // The address of a large file is good for a while only.
    hub.trick("/content/", Trick::Status(403, vec![]), 0);
    arrives(&client, &bytes).await;

    client.remove(&repo()).unwrap();
    hub.clear_log();
    hub.trick("/content/", Trick::Status(502, vec![]), 9);
    let error = fails(&client).await;
    assert!(
        matches!(error, HubError::Failing { status: 502, .. }),
        "{error}"
    );
    assert_eq!(hub.starts().len(), 4);
}

#[tokio::test]
async fn an_address_that_ran_out_is_asked_for_anew() {
    let (hub, cache, bytes) = one().await;
    hub.trick("/content/", Trick::Cut(100_000), 1);
    hub.trick("/content/", Trick::Status(403, vec![]), 1);
    arrives(&hub.hub(cache.path()), &bytes).await;
    assert_eq!(hub.asked("/resolve/").len(), 3);
    assert_eq!(hub.starts(), [None, Some(100_000), Some(100_000)]);
}

#[tokio::test]
async fn who_may_not_is_told_where_to_ask() {
    let (hub, cache, bytes) = one().await;
    let stranger = hub.hub(cache.path());
    hub.let_in(TOKEN);
    let error = fails(&stranger).await;
    assert_eq!(error, HubError::SignIn { repo: repo() });
    assert_eq!(stranger.look_up(&repo()).await.unwrap_err(), error);

    let other = hub.signed_in(cache.path(), "hf_wrong");
    assert_eq!(fails(&other).await, HubError::BadToken);

    hub.gate();
    let error = fails(&stranger).await;
    let page = format!("{}/{REPO}", hub.address);
    assert!(error.to_string().contains(&page), "{error}");
    assert!(matches!(
        error,
        HubError::Gated {
            signed_in: false,
            ..
        }
    ));
    let friend = hub.signed_in(cache.path(), TOKEN);
    let refused = fails(&friend).await;
    assert!(matches!(
        refused,
        HubError::Gated {
            signed_in: true,
            ..
        }
    ));
    // Nobody asks again and again.
    assert_eq!(hub.asked("/resolve/").len(), 2);

    let (hub, cache, _) = one().await;
    hub.let_in(TOKEN);
    arrives(&hub.signed_in(cache.path(), TOKEN), &bytes).await;
}

#[tokio::test]
async fn what_is_not_there_is_told() {
    let (hub, cache, _) = one().await;
    let client = hub.signed_in(cache.path(), TOKEN);
    let nobody = pmpo_hub::RepoId::new("nobody/nothing").unwrap();
    let found = client.look_up(&nobody).await;
    assert_eq!(found, Err(HubError::NoRepo { repo: nobody }));
    let missing = client.download(&repo(), &names(&["missing.gguf"])).unwrap();
    let file = "missing.gguf".to_owned();
    assert_eq!(
        missing.outcome().await,
        Err(HubError::NoFile { repo: repo(), file })
    );
    // Gone between the list and the file.
    hub.trick("/resolve/", Trick::Status(404, vec![]), 1);
    assert!(matches!(fails(&client).await, HubError::NoFile { .. }));
    assert_eq!(hub.asked("/resolve/").len(), 1);
}

#[tokio::test]
async fn without_a_network_what_is_here_can_be_used() {
    let (hub, cache, bytes) = one().await;
    arrives(&hub.hub(cache.path()), &bytes).await;
    let mut options = hub.options(cache.path());
    // Nobody listens there.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    options.endpoint = format!("http://{}", free.local_addr().unwrap());
    drop(free);
    let client = Hub::new(options.clone()).unwrap();
    let error = client.look_up(&repo()).await.unwrap_err();
    let HubError::NoNetwork { host, .. } = &error else {
        panic!("{error:?}");
    };
    assert!(options.endpoint.ends_with(host));
    assert!(download(&client).await.is_err());
    assert!(client.local(&repo(), &names(&[FILE])).is_some());
    assert_eq!(client.installed().len(), 1);
}

#[tokio::test]
async fn what_is_no_hub_is_told() {
    let (hub, cache, _) = one().await;
    let client = hub.hub(cache.path());
    hub.trick("/api/", Trick::Page, 1);
    let error = client.look_up(&repo()).await.unwrap_err();
    assert!(matches!(error, HubError::NotAHub { .. }), "{error}");
    hub.trick("/api/", Trick::Status(418, vec![]), 1);
    let error = client.look_up(&repo()).await.unwrap_err();
    assert!(matches!(error, HubError::NotAHub { .. }), "{error}");
    // A network that asks to sign in answers with a page of its own.
    hub.trick("/resolve/", Trick::Page, 4);
    assert!(matches!(fails(&client).await, HubError::WrongSize { .. }));

    let with = |endpoint: &str| {
        let mut options = HubOptions::new(cache.path());
        options.endpoint = endpoint.to_owned();
        Hub::new(options).map(|_| ())
    };
    assert_eq!(with("https://mirror.example/hub/"), Ok(()));
    for endpoint in [
        "",
        "huggingface.co",
        "ftp://host",
        "file:///etc",
        "user:secret@x",
    ] {
        let error = with(endpoint).unwrap_err();
        assert!(matches!(error, HubError::BadEndpoint { .. }));
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}

#[tokio::test]
async fn redirects_that_lead_nowhere_good_are_not_followed() {
    let (hub, cache, _) = one().await;
    let client = hub.signed_in(cache.path(), TOKEN);
    let to = |place: &str| Trick::Status(302, vec![("Location", place.to_owned())]);
    hub.trick("/resolve/", to("file:///etc/passwd"), 1);
    assert!(matches!(fails(&client).await, HubError::BadRedirect { .. }));
    hub.trick("/resolve/", Trick::Status(302, vec![]), 1);
    assert!(matches!(fails(&client).await, HubError::BadRedirect { .. }));
    hub.trick("/resolve/", to(&format!("/{REPO}/resolve/round")), 20);
    assert!(matches!(fails(&client).await, HubError::NotAHub { .. }));
}

#[tokio::test]
async fn the_token_is_nowhere_to_be_read() {
    let (hub, cache, _) = one().await;
    let client = hub.signed_in(cache.path(), TOKEN);
    let shown = format!("{client:?} {:?}", hub.options(cache.path()));
    assert!(!shown.contains(TOKEN), "{shown}");
    hub.trick("/content/", Trick::Stall(1000), 1);
    let first = client.download(&repo(), &names(&[FILE])).unwrap();
    let progress = first.progress();
    let retries = |stage: &Stage| matches!(stage, Stage::Retrying { .. });
    until("it is tried again", || retries(&progress.borrow().stage)).await;
    let shown = format!("{first:?}");
    assert!(
        !shown.contains(TOKEN) && !shown.contains(SIGNATURE),
        "{shown}"
    );
    first.outcome().await.unwrap();
    for path in files_in(cache.path()) {
        let text = fs::read(path).unwrap();
        assert!(!text
            .windows(TOKEN.len())
            .any(|part| part == TOKEN.as_bytes()));
    }
}

#[tokio::test]
async fn too_little_space_is_told_before_anything_is_downloaded() {
    let (hub, cache, bytes) = one().await;
    let mut options = hub.options(cache.path());
    options.reserve = u64::MAX / 2;
    let client = Hub::new(options).unwrap();
    let error = fails(&client).await;
    let HubError::NoSpace {
        needed,
        free,
        folder,
    } = error
    else {
        panic!("{error:?}");
    };
    assert!(needed > free && free > 0);
    assert_eq!(folder, cache.path());
    assert!(hub.asked("/resolve/").is_empty());
    // Nothing is needed for what is here.
    arrives(&hub.hub(cache.path()), &bytes).await;
    arrives(&client, &bytes).await;
}

#[tokio::test]
async fn a_cache_that_cannot_be_written_is_told() {
    let (hub, cache, _) = one().await;
    let file = cache.path().join("file");
    fs::write(&file, "not a folder").unwrap();
    let client = hub.hub(&file.join("cache"));
    let error = download(&client).await.unwrap_err();
    assert!(matches!(error, HubError::Folder { .. }), "{error}");
}

/// A device on which there is never room.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_full_disk_is_told() {
    let (hub, cache, _) = one().await;
    let blobs = cache.path().join("models--ada--model-GGUF/blobs");
    fs::create_dir_all(&blobs).unwrap();
    let part = blobs.join(format!("{}.pmpo.part", hub.etag(FILE)));
    std::os::unix::fs::symlink(Path::new("/dev/full"), part).unwrap();
    let error = fails(&hub.hub(cache.path())).await;
    let folder = cache.path().to_owned();
    assert_eq!(error, HubError::DiskFull { folder });
    // Nobody tried again and again.
    assert_eq!(hub.starts().len(), 1);
}
