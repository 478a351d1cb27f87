#[timeout(1s, crate = ::corp::armour)]
async fn ping() -> Result<(), PingError> {
    socket::ping().await
}
