#[circuit_breaker(open_for = exponential(20m, factor = 3))]
async fn store(order: &Order) -> Result<u64, QuoteError> {
    put(order).await
}
