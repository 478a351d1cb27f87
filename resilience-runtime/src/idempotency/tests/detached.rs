//! Bodies in tasks of their own.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use super::store::Store;
use super::{Body, CHECKOUT, Failure, at_rest, call, policy, process};
use crate::core::{Core, SCOPED, current};
use crate::error::Error;
use crate::idempotency::replayed;
use crate::idempotency::store::Release;
use crate::invocation::attempt;
use crate::outcome;

/// What generated code does under `detach`.
async fn detached<T>(
    core: &Arc<Core>,
    key: &str,
    body: impl Future<Output = Result<T, Failure>> + Send + 'static,
) -> Result<T, Failure>
where
    T: serde::Serialize + serde::de::DeserializeOwned + Send + 'static,
{
    let function = outcome::function::<Result<T, Failure>>("shop::checkout");
    let stored = outcome::stored::<Result<T, Failure>>();
    let call = CHECKOUT.once_detached(CHECKOUT.key(key), body, function, stored);
    SCOPED.scope(Arc::clone(core), call).await.into_result()
}

fn running(body: &Arc<Body>) -> impl Future<Output = Result<u32, Failure>> + Send + 'static {
    let body = Arc::clone(body);
    async move { body.run().await }
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_goes_away_does_not_stop_it() {
    let store = Store::new();
    let core = process(&store);
    let body = Arc::new(Body::default());
    let cut = timeout(
        Duration::from_millis(1),
        detached(&core, "k", running(&body)),
    )
    .await;
    assert!(cut.is_err());
    assert_eq!((body.begun(), body.ended()), (1, 0));
    // A duplicate waits for it.
    let started = Instant::now();
    assert_eq!(detached(&core, "k", running(&body)).await.unwrap(), 1);
    assert!(replayed());
    assert_eq!(started.elapsed(), Duration::from_millis(9));
    assert_eq!((body.begun(), store.results()), (1, vec!["1".to_owned()]));
    at_rest().await;
    assert_eq!(
        (store.held(), store.releases().len(), core.flights.len()),
        (0, 0, 0)
    );
}

#[tokio::test(start_paused = true)]
async fn the_caller_has_its_answer_and_its_error() {
    let store = Store::new();
    let core = process(&store);
    assert_eq!(
        detached(&core, "k", async { Ok(attempt()) }).await.unwrap(),
        1
    );
    assert!(!replayed());
    let failed = detached::<u32>(&core, "f", async { Err(Failure::Body) }).await;
    assert!(matches!(failed, Err(Failure::Body)));
    assert_eq!(
        detached(&core, "f", async { Ok(attempt()) }).await.unwrap(),
        2
    );
    assert_eq!(store.releases(), [Release::Failed]);
}

#[tokio::test(start_paused = true)]
async fn a_panic_reaches_the_caller_and_frees_the_key() {
    let store = Store::new();
    let core = process(&store);
    let panicking = {
        let core = Arc::clone(&core);
        tokio::spawn(
            async move { detached::<u32>(&core, "k", async { panic!("on purpose") }).await },
        )
    };
    let panic = panicking.await.unwrap_err().into_panic();
    assert_eq!(panic.downcast_ref::<&str>(), Some(&"on purpose"));
    assert_eq!(
        detached(&core, "k", async { Ok(attempt()) }).await.unwrap(),
        2
    );
    assert_eq!(store.releases(), [Release::Interrupted]);
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_waits_for_it() {
    let store = Store::new();
    let core = process(&store);
    let body = Arc::new(Body::default());
    let cut = timeout(
        Duration::from_millis(1),
        detached(&core, "k", running(&body)),
    )
    .await;
    assert!(cut.is_err());
    assert_eq!(core.gate.close(), 1);
    let refused = detached(&core, "j", running(&body)).await;
    assert!(matches!(policy(refused), Error::ShuttingDown { .. }));
    core.gate.idle().await;
    assert_eq!((body.ended(), store.results()), (1, vec!["1".to_owned()]));
}

#[tokio::test(start_paused = true)]
async fn what_it_calls_is_kept_by_the_same_runtime() {
    let store = Store::new();
    let core = process(&store);
    let body = async {
        let core = current().expect("a runtime");
        call(&core, "inner", async { Ok(7) }).await
    };
    assert_eq!(detached(&core, "outer", body).await.unwrap(), 7);
    assert_eq!(store.results(), ["7", "7"]);
}

/// Who only waits has no task that would go on and run the body for nobody.
#[tokio::test(start_paused = true)]
async fn a_waiter_that_goes_away_does_not_run() {
    let store = Store::new();
    let core = process(&store);
    let body = Arc::new(Body::default());
    let failing = async {
        sleep(Duration::from_millis(10)).await;
        Err(Failure::Body)
    };
    let waiter = async {
        sleep(Duration::from_millis(1)).await;
        timeout(
            Duration::from_millis(1),
            detached(&core, "k", running(&body)),
        )
        .await
    };
    let (failed, cut) = tokio::join!(detached::<u32>(&core, "k", failing), waiter);
    assert!(failed.is_err() && cut.is_err());
    at_rest().await;
    assert_eq!((body.begun(), store.held()), (0, 0));
}
