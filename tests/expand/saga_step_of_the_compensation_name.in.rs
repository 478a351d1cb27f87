#[saga_step(compensate = release)]
async fn reserve(release: &Release) -> Result<Reservation, StockError> {
    release.of().await
}
