#[saga_step(compensate = stock::release, in_doubt = compensate, name = "reserve-stock")]
async fn reserve(order: Order) -> Result<Reservation, StockError> {
    stock::reserve(order).await
}
