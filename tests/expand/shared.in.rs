#[retry(STANDARD, retry_on = PayError::Busy)]
#[bulkhead(crate::limits::PAYMENTS)]
#[circuit_breaker(GATEWAY)]
async fn charge(order: &Order) -> Result<Receipt, PayError> {
    pay(order).await
}
