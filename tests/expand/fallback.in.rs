#[fallback(Self::from_cache, on = QuoteError::Busy)]
#[retry(max_attempts = 2)]
async fn quote(&self, symbol: String, out: &mut Vec<u64>) -> Result<u64, QuoteError> {
    self.client.get(symbol, out).await
}
