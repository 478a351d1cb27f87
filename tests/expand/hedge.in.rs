#[hedge(quantile = 0.95, initially = 50ms, allow(hedge_without_idempotency))]
#[timeout(1s)]
async fn quote(client: &Client, symbol: String) -> Result<u64, QuoteError> {
    client.get(symbol).await
}
