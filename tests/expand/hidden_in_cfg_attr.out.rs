#[cfg_attr(feature = "strict", timeout(1s))]
#[::resilience::__outer(retry())]
#[cfg_attr(test, allow(dead_code))]
async fn ping() -> Result<(), PingError> {
    socket::ping().await
}
