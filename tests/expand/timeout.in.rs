#[timeout(2s)]
pub async fn ping(&self) -> Result<(), PingError> {
    self.socket.ping().await?;
    Ok(())
}
