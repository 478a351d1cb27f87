#[locked(local, wait = 0s)]
async fn compact(&self) -> Result<u32, IndexError> {
    self.merge().await
}
