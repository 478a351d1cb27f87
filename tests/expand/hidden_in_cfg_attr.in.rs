#[retry]
#[cfg_attr(feature = "strict", timeout(1s))]
#[cfg_attr(test, allow(dead_code))]
async fn ping() -> Result<(), PingError> {
    socket::ping().await
}
