//! Calls that recovery makes again.

/// Runs a call that recovery makes: the records that its first run left behind are its own.
pub(crate) async fn resuming<F: Future>(call: F) -> F::Output {
    call.await
}
