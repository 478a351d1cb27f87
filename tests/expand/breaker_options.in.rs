#[circuit_breaker(
    name = "shards", failure_rate = 0.5, time_window = 5m, minimum_calls = 20,
    slow_call_duration = 2s, slow_call_rate = 0.8, open_for = exponential(30s, max = 10m),
    half_open_permits = 10, half_open_success_rate = 0.6, success_threshold = 5, recovery = 0.25, on_cancel = failure,
    failure_on = QuoteError::Busy | QuoteError::Reset, ignore_on = QuoteError::Cancelled,
    key = order.shard, max_keys = 64
)]
async fn store(order: Order) -> Result<u64, QuoteError> {
    put(order).await
}
