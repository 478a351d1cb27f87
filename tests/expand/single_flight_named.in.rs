#[single_flight(name = "quotes", key = symbol)]
async fn quote(client: &Client, symbol: &str) -> Result<u64, QuoteError> {
    client.get(symbol).await
}
