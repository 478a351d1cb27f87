#[circuit_breaker(open_for = exponential(FIRST))]
async fn store(order: &Order) -> Result<u64, QuoteError> {
    put(order).await
}
