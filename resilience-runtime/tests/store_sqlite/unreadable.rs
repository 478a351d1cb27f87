//! Rows that no version of this crate has written.

use resilience_runtime::saga::journal::{Journal, NewSaga};

use crate::{counts, execute, known, open, saga, shell};

#[tokio::test]
async fn rows_that_cannot_be_read_stop_no_others_and_are_left_as_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let crashes = open(&path).await;
    for name in ["a", "b", "c", "d", "e", "f", "g"] {
        let saga: NewSaga = saga(name);
        crashes.start(saga).await.unwrap();
    }
    crashes.close().await.unwrap();
    execute(
        &path,
        "UPDATE resilience_sagas SET status = 'pondering' WHERE name = 'a';
         UPDATE resilience_sagas SET key = 'not a digest' WHERE name = 'b';
         UPDATE resilience_sagas SET input = x'00ff' WHERE name = 'c';
         INSERT INTO resilience_saga_steps
         SELECT id, -1, 'step', 0, '{}', NULL, 0, 0, 'done', NULL FROM resilience_sagas WHERE name = 'd';
         UPDATE resilience_sagas SET owner = x'ff' WHERE name = 'e';",
    )
    .await;
    let store = open(&path).await;
    let known = known(&["a", "b", "c", "d", "e", "f", "g"]);
    // A page is smaller than what cannot be read at its start.
    for expected in ["f", "g"] {
        let taken = store.take_over(known.clone(), 1).await.unwrap();
        assert_eq!(taken.len(), 1);
        assert_eq!(taken[0].name, expected);
    }
    assert!(store.take_over(known, 9).await.unwrap().is_empty());
    let untouched: i64 =
        sqlx::query_scalar("SELECT count(*) FROM resilience_sagas WHERE epoch = 1 AND name < 'f'")
            .fetch_one(&mut shell(&path).await)
            .await
            .unwrap();
    assert_eq!(untouched, 5);
    counts(&store).await;
}
