//! While stores fail, hang and answer late: everything is in all stores or in none, and dead
//! letters explain the rest.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use resilience::dead_letters::RetryOutcome;
use resilience::saga::Status;

use crate::audit::audit;
use crate::chaos::Chaos;
use crate::intake::{Outcome, retire_left_overs};
use crate::library::Library;
use crate::scenario::{DISTINCT, Kind, Operation, at_once, operations};
use crate::{in_processes, ledger, runtime};

#[test]
fn a_fifth_of_all_calls_failing_leaves_nothing_half_stored() {
    in_processes(
        "failing::a_fifth_of_all_calls_failing_leaves_nothing_half_stored",
        &["1", "2", "3", "4"],
        async |seed| {
            let folder = resilience_test_support::scratch::folder("flagship");
            let operations = operations(&folder.path().join("documents")).unwrap();
            assert_eq!(operations.len(), 20);
            let chaos = Chaos::new(0.2, seed.parse().unwrap());
            outcomes_explain_the_stores(folder.path(), &operations, chaos).await;
        },
    );
}

#[test]
fn every_call_failing_leaves_what_to_do_in_the_queue() {
    in_processes(
        "failing::every_call_failing_leaves_what_to_do_in_the_queue",
        &["1"],
        async |seed| {
            let folder = resilience_test_support::scratch::folder("flagship");
            let mut operations = operations(&folder.path().join("documents")).unwrap();
            // The five versions would wait for each other for long.
            operations.retain(|operation| operation.kind != Kind::Write);
            let chaos = Chaos::new(1.0, seed.parse().unwrap());
            let ended = outcomes_explain_the_stores(folder.path(), &operations, chaos).await;
            let (stored, dead) = (0, DISTINCT + 1);
            assert_eq!(ended, Ended { stored, dead });
        },
    );
}

/// How many documents ended how.
#[derive(Debug, PartialEq, Eq)]
struct Ended {
    stored: usize,
    dead: usize,
}

async fn outcomes_explain_the_stores(
    folder: &Path,
    operations: &[Operation],
    chaos: Chaos,
) -> Ended {
    let data = folder.join("data");
    let library = Library::open(&data, chaos).await.unwrap();
    let runtime = runtime::open(&runtime::Servers::default(), &data, &library)
        .await
        .unwrap();
    let outcomes = at_once(&library, operations).await;
    assert_eq!(runtime.shutdown().await.left, 0);
    drop(runtime);
    assert!(library.attempts.repeated() > 0, "nothing went wrong");

    // Every caller was served, and told how its document stands.
    assert_eq!(outcomes.len(), operations.len());
    let mut stored: BTreeSet<PathBuf> = BTreeSet::new();
    let mut dead: BTreeSet<PathBuf> = BTreeSet::new();
    for (operation, outcome) in outcomes {
        match outcome {
            Outcome::Stored { .. } | Outcome::Replayed => {
                stored.insert(operation.file);
            }
            Outcome::DeadLettered(_) => {
                dead.insert(operation.file);
            }
            Outcome::Compensated(_) => {}
            other => panic!("{}: {other:?}", operation.file.display()),
        }
    }
    drop(library);

    // The next process, while nothing fails.
    let library = Library::open_existing(&data).await.unwrap();
    let runtime = runtime::open(&runtime::Servers::default(), &data, &library)
        .await
        .unwrap();
    assert_eq!(library.attempts.finish_all(), 0, "a saga was left over");
    let letters = ledger::letters(&runtime).await;
    let subjects = letters
        .iter()
        .map(|(_, document)| PathBuf::from(&document.path));
    assert_eq!(subjects.collect::<BTreeSet<_>>(), dead);
    assert_eq!(
        ledger::sagas_in(&runtime, Status::CompensationFailed).await > 0,
        !dead.is_empty()
    );

    // Where the stores disagree, a letter says so; and it has what is needed to finish it.
    retire_left_overs(&library).await.unwrap();
    let ids: BTreeSet<&String> = letters.iter().map(|(_, document)| &document.id).collect();
    for difference in audit(&library).await.unwrap().differences() {
        assert!(ids.contains(&difference.id), "{difference}");
    }
    let mut retried = BTreeSet::new();
    for (letter, _) in &letters {
        // The other letters of a saga go along with its first one.
        if !retried.insert(&letter.saga) {
            continue;
        }
        let retried = runtime
            .dead_letters()
            .retry(letter.id, "ada")
            .await
            .unwrap();
        assert_eq!(retried, RetryOutcome::Settled, "{}", letter.work.operation);
    }
    runtime.shutdown().await;

    let ids = ledger::ids(&library).await;
    assert_eq!(ids.len(), stored.len());
    let count = u64::try_from(stored.len()).unwrap();
    for (store, documents) in ledger::counts(&data, &library).await {
        assert_eq!(documents, count, "{store}");
    }
    assert_eq!(ledger::paths(&data).await, count);
    for id in &ids {
        let row = library.rows.get(id).await.unwrap().unwrap();
        assert!(stored.contains(Path::new(&row.document.path)));
    }
    Ended {
        stored: stored.len(),
        dead: dead.len(),
    }
}
