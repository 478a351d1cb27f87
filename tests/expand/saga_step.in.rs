#[saga_step(compensate = release)]
#[retry(max_attempts = 4)]
#[circuit_breaker(WAREHOUSE)]
#[timeout(2s)]
async fn reserve(#[state] warehouse: &Warehouse, order: &Order, count: u32) -> Result<Reservation, StockError> {
    warehouse.reserve(order, count).await
}
