#[hedge(delay = 50ms, max_hedges = 2, budget = none, allow(hedge_without_idempotency))]
#[retry]
async fn quote(client: &Client, mut symbol: String) -> Result<u64, QuoteError> {
    client.get(symbol).await
}
