#[retry(
    max_attempts = 5, backoff = linear(100ms, step = 50ms, max = 1s), jitter = 20ms, deadline = 10s,
    abort_on = PayError::Declined, retry_on_value = Receipt::Pending, when = |error| error.is_new(),
    retry_after = PayError::wait, budget = "payments"
)]
async fn charge(order: Order) -> Result<Receipt, PayError> {
    pay(order).await
}
