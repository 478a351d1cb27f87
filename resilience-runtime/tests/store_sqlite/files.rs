//! Files that can be opened, and files that are refused.

use std::path::Path;

use resilience_runtime::error::Effect;
use resilience_runtime::idempotency::Digest;
use resilience_runtime::idempotency::store::{Claim, IdempotencyStore, Record};
use resilience_runtime::saga::journal::{Journal, Started, Status};
use resilience_runtime::store::sqlite::SqliteStore;

use crate::{claiming, counts, execute, granted, known, open, record, saga, shell};

async fn refusal(path: &Path) -> String {
    SqliteStore::open(path).await.unwrap_err().to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_file_can_be_opened_by_many_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let opening: Vec<_> = (0..8)
        .map(|_| {
            let path = path.clone();
            tokio::spawn(async move { open(&path).await })
        })
        .collect();
    let mut stores = Vec::new();
    for opened in opening {
        stores.push(opened.await.unwrap());
    }
    for store in &stores {
        let started = store.start(saga("a")).await.unwrap();
        assert!(matches!(started, Started::New(_)));
    }
    let counts = counts(&stores[0]).await;
    assert_eq!(counts, [(Status::Running, 8)]);
}

#[tokio::test]
async fn a_file_is_found_under_each_of_its_names() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a ? # %20 ü.db");
    let link = folder.path().join("link.db");
    let here = open(&path).await;
    std::os::unix::fs::symlink(&path, &link).unwrap();
    let there = open(&link).await;
    here.start(saga("a")).await.unwrap();
    let taken = there.take_over(known(&["a"]), 9).await.unwrap();
    assert!(taken.is_empty(), "its owner is alive under the other name");
    assert_eq!(counts(&there).await, [(Status::Running, 1)]);
}

#[tokio::test]
async fn a_newer_schema_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let newer = "CREATE TABLE resilience_schema (version INTEGER NOT NULL);
                 INSERT INTO resilience_schema VALUES (7);";
    execute(&path, newer).await;
    let before = std::fs::read(&path).unwrap();
    let text = refusal(&path).await;
    assert!(text.contains("schema version 7"), "{text}");
    assert!(text.contains("knows 3 at most"), "{text}");
    assert!(text.contains("upgrade the crate"), "{text}");
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[tokio::test]
async fn a_database_of_the_user_is_shared_and_keeps_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shop.db");
    let theirs = "CREATE TABLE orders (id); INSERT INTO orders VALUES (42);
                  PRAGMA user_version = 4711;";
    execute(&path, theirs).await;
    for sagas in 1..=2 {
        let store = open(&path).await;
        store.start(saga("a")).await.unwrap();
        assert_eq!(counts(&store).await, [(Status::Running, sagas)]);
        store.close().await.unwrap();
        let mut shell = shell(&path).await;
        for (query, expected) in [
            ("PRAGMA user_version", 4711),
            ("SELECT id FROM orders", 42),
            ("SELECT version FROM resilience_schema", 3),
        ] {
            let found: i64 = sqlx::query_scalar(query)
                .fetch_one(&mut shell)
                .await
                .unwrap();
            assert_eq!(found, expected, "{query}");
        }
    }
}

/// Results that were stored by the first version are answered, and its attempts are counted on.
#[tokio::test]
async fn a_file_of_the_first_schema_keeps_its_records() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    execute(
        &path,
        include_str!("../../migrations/sqlite/0001_initial.sql"),
    )
    .await;
    execute(
        &path,
        "CREATE TABLE resilience_schema (version INTEGER NOT NULL);
         INSERT INTO resilience_schema VALUES (1);
         INSERT INTO resilience_sagas
         VALUES ('5', 'a', NULL, '{}', 'completed', 1, 'nobody', '1', NULL, 0, 0);",
    )
    .await;
    let keys = [1, 2, 3, 4].map(|number| Digest::from_bytes([number; 32]));
    let mut shell = shell(&path).await;
    let far = 1e12;
    for (key, state, attempt, result, expires_at) in [
        (keys[0], "completed", 1, Some("[1]"), Some(far)),
        (keys[1], "completed", 1, Some("[2]"), Some(1.0)),
        (keys[2], "running", 1, None, None),
        (keys[3], "running", 2, None, None),
    ] {
        sqlx::query(
            "INSERT INTO resilience_idempotency_records VALUES (?, ?, ?, 'n', ?, ?, ?, ?, 0)",
        )
        .bind(key.to_string())
        .bind(key.to_string())
        .bind(state)
        .bind("3c1f0a52-5f0e-4d5a-8d3c-0d5d3f1b9a11")
        .bind(attempt)
        .bind(result)
        .bind(expires_at)
        .execute(&mut shell)
        .await
        .unwrap();
    }
    let store = open(&path).await;
    let Claim::Completed(found) = store.claim(claiming(keys[0])).await.unwrap() else {
        panic!("not completed");
    };
    // Nobody knows from which type it was written.
    let expected = Record {
        schema: "".into(),
        ..record(keys[0], "[1]")
    };
    assert_eq!(found, expected);
    // Expired; left behind by its first run, and by its second.
    let granted = [
        granted(&store, keys[1]).await,
        granted(&store, keys[2]).await,
        granted(&store, keys[3]).await,
    ];
    assert_eq!(granted, [(1, false), (2, true), (3, true)]);
    let counts = counts(&store).await;
    assert_eq!(counts, [(Status::Completed, 1)]);
}

#[tokio::test]
async fn what_is_not_a_database_is_refused_and_not_touched() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let mut damaged = b"SQLite format 3\0".to_vec();
    damaged.extend((0..8000_u32).map(|n| n.to_le_bytes()[0]));
    for content in [&b"dear diary, today"[..], b"x", &damaged] {
        std::fs::write(&path, content).unwrap();
        let text = refusal(&path).await;
        assert!(
            text.contains("not an SQLite database, or is damaged"),
            "{text}"
        );
        assert!(text.contains("a.db"), "{text}");
        assert!(std::fs::read(&path).unwrap() == content);
    }
    assert!(!folder.path().join("a.db.workers").exists());
}

#[tokio::test]
async fn a_file_that_was_cut_off_is_refused_and_not_touched() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    open(&path).await.close().await.unwrap();
    let whole = std::fs::read(&path).unwrap();
    let cut = &whole[..4096];
    std::fs::write(&path, cut).unwrap();
    let text = refusal(&path).await;
    assert!(text.contains("is damaged"), "{text}");
    assert!(std::fs::read(&path).unwrap() == cut);
}

#[tokio::test]
async fn a_place_where_no_file_can_be_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let text = refusal(folder.path()).await;
    assert!(text.contains("is a directory"), "{text}");
    let pipe = folder.path().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    let text = refusal(&pipe).await;
    assert!(text.contains("pipe is no file"), "{text}");
    let text = refusal(&folder.path().join("missing/a.db")).await;
    assert!(text.contains("missing of"), "{text}");
    assert!(text.contains("does not exist; create it first"), "{text}");
    let text = refusal(Path::new(":memory:")).await;
    assert!(text.contains("has the URL `memory:`"), "{text}");
    // Nobody can create a file there, not even root, for whom permissions mean nothing.
    let text = refusal(Path::new("/proc/self/a.db")).await;
    assert!(text.contains("cannot be written"), "{text}");
    assert!(text.contains("must be writable by this process"), "{text}");
}

/// What was written there would be lost with the file, and who opens the new one knows nothing of it.
#[tokio::test]
async fn nothing_is_written_into_a_file_that_was_moved_or_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let (path, aside) = (folder.path().join("a.db"), folder.path().join("aside.db"));
    let store = open(&path).await;
    let [before, during, after] = [1, 2, 3].map(|byte| claiming(Digest::from_bytes([byte; 32])));
    assert!(matches!(
        store.claim(before).await.unwrap(),
        Claim::Granted(_)
    ));
    std::fs::rename(&path, &aside).unwrap();
    let moved = store.claim(during.clone()).await.map(drop).unwrap_err();
    assert!(moved.to_string().contains("moved"), "{moved}");
    // Nor read: SQLite would take what is there for the file that the log belongs to.
    let read = Journal::statistics(&store).await.unwrap_err();
    assert!(read.to_string().contains("moved"), "{read}");
    std::fs::write(&path, "").unwrap();
    let replaced = store.claim(during).await.map(drop).unwrap_err();
    assert_eq!([moved.effect(), replaced.effect()], [Effect::DidNotRun; 2]);
    std::fs::rename(&aside, &path).unwrap();
    assert!(matches!(
        store.claim(after).await.unwrap(),
        Claim::Granted(_)
    ));
}
