#[single_flight]
#[timeout(2s)]
async fn quote(#[state] client: &Client, symbol: &str, day: u32) -> Result<u64, QuoteError> {
    client.get(symbol, day).await
}
