//! `start_in`: in the caller's own transaction.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use resilience_runtime::BoxFuture;
use resilience_runtime::error::{Error, StoreError};
use resilience_runtime::saga::journal::{
    Journal, NewSaga, StartConnection, Started, StartedIn, Status,
};
use resilience_runtime::saga::start_in;
use resilience_runtime::store::memory::MemoryStore;
use tokio::time::Instant;

use crate::process::Process;
use crate::trips::{by_id, trip};
use crate::world::{Ask, TripError};

/// A transaction on a store in memory: what it has written is there when it is committed, and owned by nobody.
#[derive(Default)]
struct Transaction {
    written: Arc<Mutex<Vec<NewSaga>>>,
    present: Option<StartedIn>,
    breaks: bool,
}

impl StartConnection for Transaction {
    fn start_saga(&mut self, saga: NewSaga) -> BoxFuture<'_, Result<StartedIn, StoreError>> {
        Box::pin(async move {
            if self.breaks {
                return Err(StoreError::refused(
                    "starting a saga",
                    "the connection broke",
                ));
            }
            if let Some(present) = &self.present {
                return Ok(present.clone());
            }
            self.written.lock().unwrap().push(saga);
            Ok(StartedIn::New)
        })
    }
}

impl Transaction {
    /// Commits through a worker that owns nothing afterwards.
    async fn commit(self, store: &MemoryStore) {
        let worker = store.another_worker();
        let written: Vec<NewSaga> = self.written.lock().unwrap().drain(..).collect();
        for saga in written {
            let started = worker.start(saga).await.unwrap();
            assert!(matches!(started, Started::New(_)));
        }
        worker.close().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_saga_begins_with_the_commit_and_not_before() {
    let process = Process::first(&[Ask::Take(1)]).await;
    process.runtime.recovered().await;
    let mut transaction = Transaction::default();
    let call = start_in(&mut transaction, trip(&process.world, 7, 5));
    let handle = process.scope(call).await.unwrap();
    assert_eq!(handle.status().await.unwrap(), None);
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert!(process.world.effects().is_empty());
    let began = Instant::now();
    transaction.commit(&process.spy.store).await;
    assert_eq!(handle.result().await.unwrap(), "trip of 7");
    assert!(
        began.elapsed() <= Duration::from_millis(1500),
        "{:?}",
        began.elapsed()
    );
    assert_eq!(process.world.effects(), ["take 1"]);
    assert_eq!(process.saga("trip").await.status, Status::Completed);
}

#[tokio::test(start_paused = true)]
async fn rolled_back_it_leaves_nothing() {
    let process = Process::first(&[Ask::Take(1)]).await;
    let mut transaction = Transaction::default();
    let call = start_in(&mut transaction, trip(&process.world, 7, 5));
    let handle = process.scope(call).await.unwrap();
    drop(transaction);
    let began = Instant::now();
    let error = handle.result().await.unwrap_err();
    assert!(matches!(error.policy(), Error::SagaNotFound { .. }));
    assert!(began.elapsed() <= Duration::from_millis(60_500));
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(process.world.effects().is_empty() && process.sagas().await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn one_that_is_there_is_found_or_is_a_conflict() {
    let process = Process::first(&[]).await;
    process.world.plan("by_id", &[Ask::Take(1)]);
    process.scope(by_id(&process.world, 7, 5)).await.unwrap();
    let record = process.saga("by_id").await;
    let mut transaction = Transaction {
        present: Some(StartedIn::Present {
            id: record.id,
            name: record.name,
            input: record.input,
        }),
        ..Transaction::default()
    };
    let call = start_in(&mut transaction, by_id(&process.world, 7, 5));
    let handle = process.scope(call).await.unwrap();
    assert_eq!(handle.result().await.unwrap(), "by_id of 7");
    let call = start_in(&mut transaction, by_id(&process.world, 7, 6));
    let error = process.scope(call).await.unwrap_err();
    assert!(matches!(error.policy(), Error::SagaConflict { .. }));
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_breaks_and_a_future_without_a_saga_are_errors() {
    let process = Process::first(&[]).await;
    let mut transaction = Transaction {
        breaks: true,
        ..Transaction::default()
    };
    let call = start_in(&mut transaction, trip(&process.world, 7, 5));
    let error = process.scope(call).await.unwrap_err();
    assert!(matches!(error.policy(), Error::Store { .. }), "{error}");
    let none = async { Ok::<_, TripError>(()) };
    let error = process
        .scope(start_in(&mut transaction, none))
        .await
        .unwrap_err();
    assert!(matches!(error.policy(), Error::NoSagaStarted));
}
