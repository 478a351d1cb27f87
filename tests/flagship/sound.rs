//! While nothing fails: how often everything ran is known exactly.

use std::collections::BTreeMap;
use std::path::Path;

use resilience::saga::Status;
use tokio::task::JoinSet;

use crate::chaos::Chaos;
use crate::document::Document;
use crate::intake::Outcome;
use crate::library::Library;
use crate::scenario::{DISTINCT, DOCUMENTS, DUPLICATES, Kind, WRITES, at_once, operations};
use crate::{in_processes, ledger, pipeline, runtime};

#[test]
fn twenty_operations_at_once_leave_twelve_documents_in_each_store() {
    in_processes(
        "sound::twenty_operations_at_once_leave_twelve_documents_in_each_store",
        &["0"],
        async |_| {
            let folder = resilience_test_support::scratch::folder("flagship");
            twenty_operations(folder.path()).await;
        },
    );
}

async fn twenty_operations(folder: &Path) {
    let data = folder.join("data");
    let library = Library::open(&data, Chaos::none()).await.unwrap();
    let runtime = runtime::open(&runtime::Servers::default(), &data, &library)
        .await
        .unwrap();
    let operations = operations(&folder.join("documents")).unwrap();
    assert_eq!(operations.len(), 20);
    let outcomes = at_once(&library, &operations).await;

    // Every caller was served: by a run, or with the result of one.
    assert_eq!(outcomes.len(), 20);
    let mut stored: BTreeMap<Kind, u64> = BTreeMap::new();
    let mut replayed: BTreeMap<Kind, u64> = BTreeMap::new();
    let mut deleted = 0;
    for (operation, outcome) in outcomes {
        match outcome {
            Outcome::Stored {
                retired,
                left: None,
            } => {
                *stored.entry(operation.kind).or_default() += 1;
                deleted += retired;
            }
            Outcome::Replayed => *replayed.entry(operation.kind).or_default() += 1,
            other => panic!("{}: {other:?}", operation.file.display()),
        }
    }
    // How many of the five versions were read before the next was written is not determined, but
    // each of these was stored once, and all but the last were deleted.
    let versions = stored[&Kind::Write];
    let count = |number: usize| u64::try_from(number).unwrap();
    assert!((1..=count(WRITES)).contains(&versions));
    assert_eq!(deleted, versions - 1);
    assert_eq!(stored[&Kind::Distinct], count(DISTINCT));
    assert_eq!(stored[&Kind::Duplicate], 1);
    assert_eq!(
        replayed.remove(&Kind::Duplicate),
        Some(count(DUPLICATES - 1))
    );
    assert_eq!(
        replayed.remove(&Kind::Write).unwrap_or(0),
        count(WRITES) - versions
    );
    assert_eq!(replayed, BTreeMap::new());

    // No step ran twice, and there is nothing else in the journal.
    let runs = count(DISTINCT) + 1 + versions;
    assert_eq!(
        ledger::sagas(&runtime).await,
        BTreeMap::from([(format!("{:?}", Status::Completed), runs)])
    );
    assert_eq!(library.attempts.repeated(), 0);
    assert_eq!(library.attempts.finish_all(), 0);
    assert_eq!(ledger::letters(&runtime).await, []);
    assert_eq!(runtime.shutdown().await.left, 0);

    let ids = ledger::ids(&library).await;
    assert_eq!(ids.len(), DOCUMENTS);
    for (store, documents) in ledger::counts(&data, &library).await {
        assert_eq!(documents, count(DOCUMENTS), "{store}");
    }
    assert_eq!(ledger::paths(&data).await, count(DOCUMENTS));
    newest_version_is_there(&library, &folder.join("documents/written.md")).await;

    // It is on the disk.
    drop((library, runtime));
    let library = Library::open_existing(&data).await.unwrap();
    assert_eq!(ledger::ids(&library).await, ids);
    let inspected = runtime::inspect(&runtime::Servers::default(), &data)
        .await
        .unwrap();
    let left = runtime::unfinished_and_dead(&inspected).await.unwrap();
    assert_eq!(left, (0, 0));
    inspected.shutdown().await;
}

/// Of the versions of `file`, the stores have the one that the file has.
async fn newest_version_is_there(library: &Library, file: &Path) {
    let file = file.canonicalize().unwrap();
    let source = library.sources.load(&file).await.unwrap();
    let row = library.rows.current(&source.path).await.unwrap().unwrap();
    assert_eq!(row.document.hash, source.hash);
}

/// Below the queue of a file, which lets one caller at a time through: the attribute alone makes
/// five calls one run.
#[test]
fn five_calls_with_one_document_are_one_run() {
    in_processes(
        "sound::five_calls_with_one_document_are_one_run",
        &["0"],
        async |_| {
            let folder = resilience_test_support::scratch::folder("flagship");
            five_calls(folder.path()).await;
        },
    );
}

async fn five_calls(folder: &Path) {
    let data = folder.join("data");
    let library = Library::open(&data, Chaos::none()).await.unwrap();
    let runtime = runtime::open(&runtime::Servers::default(), &data, &library)
        .await
        .unwrap();
    let file = folder.join("a.md");
    std::fs::write(&file, "# One\n\nSee [two](b.md).\n").unwrap();
    let source = library.sources.load(&file).await.unwrap();
    let document = Document::version(&source.path, &source.hash, source.bytes, None);
    let mut calls = JoinSet::new();
    for _ in 0..DUPLICATES {
        let (library, document) = (library.clone(), document.clone());
        calls.spawn(async move { pipeline::ingest(&library, document).await.unwrap() });
    }
    let receipts = calls.join_all().await;
    let receipt = pipeline::Receipt {
        row: 1,
        words: receipts[0].words,
        links: 1,
    };
    assert_eq!(receipts, vec![receipt; DUPLICATES]);
    assert_eq!(ledger::sagas_in(&runtime, Status::Completed).await, 1);
    assert_eq!(library.attempts.repeated(), 0);
    assert_eq!(ledger::ids(&library).await.len(), 1);
    runtime.shutdown().await;
}
