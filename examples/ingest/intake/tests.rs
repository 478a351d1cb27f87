use std::fs::write;

use super::*;
use crate::audit::audit;
use crate::chaos::Chaos;
use crate::runtime;

/// On the heap: a debug build's future of it is large, and the test has many.
async fn take_in(library: &Library, path: &Path) -> Outcome {
    Box::pin(super::take_in(library, path)).await
}

/// What the four stores hold, which must be the same.
async fn ids(library: &Library) -> Vec<String> {
    let audit = audit(library).await.unwrap();
    assert_eq!(audit.differences(), []);
    library.rows.entries().await.unwrap().into_keys().collect()
}

/// One test, because a process has one runtime.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_in_the_stores_once_whatever_happens_to_it() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().canonicalize().unwrap();
    let (data, file) = (root.join("data"), root.join("a.md"));
    let library = Library::open(&data, Chaos::none()).await.unwrap();
    let runtime = runtime::open(&runtime::Servers::default(), &data, &library)
        .await
        .unwrap();

    write(&file, "# One").unwrap();
    assert!(matches!(
        take_in(&library, &file).await,
        Outcome::Stored { retired: 0, .. }
    ));
    let first = ids(&library).await;
    assert_eq!(first.len(), 1);

    // The same again.
    take_in(&library, &file).await;
    assert_eq!(ids(&library).await, first);

    // Changed, and changed back: another version each time, and only the newest is kept.
    write(&file, "# Two").unwrap();
    assert!(matches!(
        take_in(&library, &file).await,
        Outcome::Stored {
            retired: 1,
            left: None
        }
    ));
    let second = ids(&library).await;
    write(&file, "# One").unwrap();
    assert!(matches!(
        take_in(&library, &file).await,
        Outcome::Stored {
            retired: 1,
            left: None
        }
    ));
    let third = ids(&library).await;
    assert_eq!((second.len(), third.len()), (1, 1));
    assert!(first != second && second != third && third != first);

    // Several at the same time.
    let together = (0..5).map(|_| {
        let (library, file) = (library.clone(), file.clone());
        tokio::spawn(async move { take_in(&library, &file).await })
    });
    for one in together.collect::<Vec<_>>() {
        assert!(matches!(
            one.await.unwrap(),
            Outcome::Replayed | Outcome::Stored { .. }
        ));
    }
    assert_eq!(ids(&library).await, third);

    // What a run leaves behind that is killed before it has deleted the older version.
    let path = file.to_str().unwrap();
    let newer = Document::version(path, "other", 1, Some(&third[0]));
    let held = library
        .sources
        .hold(&newer, crate::read::parse(&file, "# Four"));
    Box::pin(ingest(&library, newer.clone())).await.unwrap();
    drop(held);
    assert_eq!(ids(&library).await.len(), 2);
    assert_eq!(retire_left_overs(&library).await.unwrap(), 1);
    assert_eq!(ids(&library).await, [newer.id]);

    // No document any more.
    write(&file, "").unwrap();
    assert!(matches!(
        take_in(&library, &file).await,
        Outcome::BadInput(InputError::Empty)
    ));
    runtime.shutdown().await;
}
