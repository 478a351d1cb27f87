//! Where every call of a store fails, the dead letter queue explains what is left to do, and doing it again leaves nothing.

use crate::command::{ALL_IS_WELL, NOT_ALL, Said, ingest, pages, run};

const NAME: &str = "queue::the_queue_names_every_document_and_is_worked_off";
const DOCUMENTS: usize = 3;

#[test]
fn the_queue_names_every_document_and_is_worked_off() {
    if let Some(command_line) = resilience_test_support::child::role(NAME) {
        run(&command_line);
    }
    let folder = resilience_test_support::scratch::folder("flagship");
    let documents = folder.path().join("documents");
    let names = pages(&documents, DOCUMENTS);
    let (documents, data) = (documents.to_str().unwrap(), folder.path().join("data"));
    let data = data.to_str().unwrap();
    let ingest = |words: &[&str]| {
        let words = [words, &["--data", data]].concat();
        Said::of(ingest(NAME, words).output().unwrap())
    };

    let broken = ingest(&[documents, "--chaos", "1"]);
    assert_eq!(broken.status, Some(NOT_ALL), "{broken:?}");
    assert_eq!(broken.figure("dead-lettered"), DOCUMENTS, "{broken:?}");
    let verified = ingest(&["verify"]);
    assert_eq!(verified.status, Some(NOT_ALL), "{verified:?}");
    let queue = ingest(&["dlq", "list"]);
    for name in &names {
        assert!(queue.text.contains(name), "{name} is not in {queue:?}");
    }

    let retried = ingest(&["dlq", "retry", "--all"]);
    assert_eq!(retried.status, Some(ALL_IS_WELL), "{retried:?}");
    let queue = ingest(&["dlq", "list"]);
    assert!(queue.text.contains("is empty"), "{queue:?}");
    let verified = ingest(&["verify"]);
    assert_eq!(verified.status, Some(ALL_IS_WELL), "{verified:?}");
    assert!(verified.text.contains("rows 0 "), "{verified:?}");

    // Nothing was stored, and nothing stands in the way of it.
    let again = ingest(&[documents]);
    assert_eq!(again.status, Some(ALL_IS_WELL), "{again:?}");
    assert_eq!(again.figure("stored"), DOCUMENTS, "{again:?}");
}
