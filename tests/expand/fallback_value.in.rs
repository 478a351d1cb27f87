#[timeout(1s)]
#[fallback(value = Quote::unknown())]
async fn quote(symbol: &str) -> Result<Quote, QuoteError> {
    client().get(symbol).await
}
