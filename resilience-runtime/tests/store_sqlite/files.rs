//! Files that can be opened, and files that are refused.

use std::path::Path;

use resilience_runtime::saga::journal::{Journal, Started, Status};
use resilience_runtime::store::sqlite::SqliteStore;

use crate::{execute, open, saga, shell};

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
        assert!(matches!(started, Started::New));
    }
    let counts = stores[0].counts().await.unwrap();
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
    let taken = there.take_over(vec!["a".to_owned()], 9).await.unwrap();
    assert!(taken.is_empty(), "its owner is alive under the other name");
    assert_eq!(there.counts().await.unwrap(), [(Status::Running, 1)]);
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
    assert!(text.contains("knows 1 at most"), "{text}");
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
        assert_eq!(store.counts().await.unwrap(), [(Status::Running, sagas)]);
        store.close().await.unwrap();
        let mut shell = shell(&path).await;
        for (query, expected) in [
            ("PRAGMA user_version", 4711),
            ("SELECT id FROM orders", 42),
            ("SELECT version FROM resilience_schema", 1),
        ] {
            let found: i64 = sqlx::query_scalar(query)
                .fetch_one(&mut shell)
                .await
                .unwrap();
            assert_eq!(found, expected, "{query}");
        }
    }
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
    let text = refusal(&folder.path().join("missing/a.db")).await;
    assert!(text.contains("missing of"), "{text}");
    assert!(text.contains("does not exist; create it first"), "{text}");
    // Nobody can create a file there, not even root, for whom permissions mean nothing.
    let text = refusal(Path::new("/proc/self/a.db")).await;
    assert!(text.contains("cannot be written"), "{text}");
    assert!(text.contains("must be writable by this process"), "{text}");
}
