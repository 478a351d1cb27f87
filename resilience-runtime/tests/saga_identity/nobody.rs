//! Sagas that are waited for and that no process can end.

use std::time::Duration;

use resilience_runtime::error::Error;
use resilience_runtime::saga::journal::{Journal, NewSaga, SagaId};
use resilience_test_support::log::Log;
use tracing::Level;

use crate::process::Process;

#[tokio::test(start_paused = true)]
async fn who_waits_for_a_saga_that_nobody_knows_is_warned_once() {
    let process = Process::first(&[]).await;
    let another = process.spy.store.another_worker();
    let id = SagaId::from("order-9".to_owned());
    let saga = NewSaga {
        id: id.clone(),
        given: true,
        name: "by_id".to_owned(),
        version: 7,
        key: None,
        input: "{}".to_owned(),
        timeout: None,
        parent: None,
        nonce: 9,
    };
    another.start(saga).await.unwrap();
    let log = Log::default();
    let _listening = log.listen();
    let warnings = || log.texts(Level::WARN, "is waited for");
    let handle = process.runtime.sagas().handle::<String, Error>(&id);
    let waiting = tokio::spawn(async move { handle.result().await });
    // Somebody lives who has it.
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(warnings(), [""; 0]);
    drop(another);
    tokio::time::sleep(Duration::from_secs(600)).await;
    let warned = warnings();
    assert_eq!(warned.len(), 1, "{warned:?}");
    for part in ["saga=\"by_id\"", "saga_id=order-9", "version=7", "deploy"] {
        assert!(warned[0].contains(part), "{warned:?}");
    }
    waiting.abort();
}
