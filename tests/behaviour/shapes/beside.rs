//! Aliases and `impl Trait` as return types, and the attributes of others beside ours.

use std::sync::atomic::{AtomicU32, Ordering};

use resilience::{retry, timeout};

use super::{Failure, Flaky, spawned};

type Answer = Result<u32, Failure>;

#[retry(backoff = fixed(1ms))]
#[timeout(1s)]
async fn alias(flaky: Flaky) -> Answer {
    flaky.touch().await
}

#[timeout(1s)]
async fn returns_impl(flaky: Flaky) -> Result<impl Iterator<Item = u32>, Failure> {
    let _first = flaky.touch().await;
    Ok(0..flaky.touch().await?)
}

#[retry(backoff = fixed(1ms))]
#[tracing::instrument(skip(flaky))]
async fn instrumented_below(flaky: Flaky) -> Result<u32, Failure> {
    flaky.touch().await
}

#[tracing::instrument(skip(flaky))]
#[retry(backoff = fixed(1ms))]
async fn instrumented_above(flaky: Flaky) -> Result<u32, Failure> {
    flaky.touch().await
}

#[axum::debug_handler]
#[retry(backoff = fixed(1ms))]
#[timeout(1s)]
async fn handler(
    axum::extract::Path(id): axum::extract::Path<u32>,
    axum::extract::State(flaky): axum::extract::State<Flaky>,
) -> Result<String, Unavailable> {
    flaky.touch().await.map_err(|_| Unavailable)?;
    Ok(id.to_string())
}

#[retry(backoff = fixed(1ms))]
#[timeout(1s)]
#[axum::debug_handler]
async fn handler_below(
    axum::extract::Path(id): axum::extract::Path<u32>,
    axum::extract::State(flaky): axum::extract::State<Flaky>,
) -> Result<String, Unavailable> {
    flaky.touch().await.map_err(|_| Unavailable)?;
    Ok(id.to_string())
}

struct Unavailable;

impl From<resilience::Error> for Unavailable {
    fn from(_: resilience::Error) -> Self {
        Self
    }
}

impl axum::response::IntoResponse for Unavailable {
    fn into_response(self) -> axum::response::Response {
        axum::http::StatusCode::SERVICE_UNAVAILABLE.into_response()
    }
}

#[tokio::test(start_paused = true)]
async fn beside_other_attributes() {
    use axum::extract::{Path, State};
    assert_eq!(spawned(alias(Flaky::default())).await, Ok(1));
    assert_eq!(returns_impl(Flaky::default()).await.unwrap().count(), 1);
    assert_eq!(spawned(instrumented_below(Flaky::default())).await, Ok(1));
    assert_eq!(spawned(instrumented_above(Flaky::default())).await, Ok(1));
    assert_eq!(
        handler_below(Path(3), State(Flaky::default())).await.ok(),
        Some("3".into())
    );
    assert_eq!(
        handler(Path(3), State(Flaky::default())).await.ok(),
        Some("3".into())
    );
}

static TRIES: AtomicU32 = AtomicU32::new(0);

/// The attribute above, `#[tokio::test]` below: the test itself is tried again.
#[retry(backoff = fixed(1ms))]
#[tokio::test(start_paused = true)]
async fn the_test_itself_is_retried() -> Result<(), Failure> {
    match TRIES.fetch_add(1, Ordering::Relaxed) {
        0 => Err(Failure::Once),
        _ => Ok(()),
    }
}
