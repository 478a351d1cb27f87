//! Sagas that are waited for and that no process can end.

use std::time::Duration;

use resilience_runtime::error::Error;
use resilience_runtime::saga::journal::{Journal, NewSaga, ParkOutcome, Parking, SagaId};
use resilience_runtime::store::memory::MemoryStore;
use resilience_test_support::log::Log;
use tracing::Level;

use crate::process::Process;
use crate::trips::by_id;

/// The saga of `by_id(9, 5)`, in a version that no process of the test has.
async fn of_another_version(store: &MemoryStore) -> SagaId {
    let id = SagaId::from("order-9".to_owned());
    let saga = NewSaga {
        id: id.clone(),
        given: true,
        name: "by_id".to_owned(),
        version: 7,
        key: None,
        input: r#"{"amount":5,"order":9}"#.to_owned(),
        timeout: None,
        parent: None,
        nonce: 9,
    };
    store.start(saga).await.unwrap();
    id
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_a_saga_that_nobody_knows_is_warned_once() {
    let process = Process::first(&[]).await;
    let another = process.spy.store.another_worker();
    let id = of_another_version(&another).await;
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

/// A process that asks for it does not become its owner: it is left to one that has its version, or to an operator.
#[tokio::test(start_paused = true)]
async fn a_call_leaves_a_saga_of_another_version_where_it_is() {
    let process = Process::first(&[]).await;
    process.runtime.recovered().await;
    let another = process.spy.store.another_worker();
    let id = of_another_version(&another).await;
    drop(another);
    let call = process.scope(by_id(&process.world, 9, 5));
    let parks = async {
        tokio::time::sleep(Duration::from_secs(600)).await;
        let orphaned = process.runtime.sagas().orphaned().await.unwrap();
        assert_eq!(orphaned.len(), 1, "{orphaned:?}");
        let parked = process.runtime.sagas().park(&id, "ada").await.unwrap();
        assert!(matches!(parked, ParkOutcome::Parked(_)), "{parked:?}");
    };
    let (answer, ()) = tokio::join!(call, parks);
    let error = answer.unwrap_err();
    let parked = matches!(
        error.policy(),
        Error::SagaParked {
            reason: Parking::Operator,
            ..
        }
    );
    assert!(parked, "{error}");
}
