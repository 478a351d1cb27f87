#[retry(abort_on = PayError::Declined, retry_on_value = Receipt::Pending)]
async fn charge(order: &Order) -> Result<Receipt, PayError> {
    pay(order).await
}
