#[circuit_breaker(count_window = 50, failure_rate = 1, probe = Self::is_up, probe_every = 2s)]
async fn store(&self) -> Result<u64, QuoteError> {
    put(self).await
}
