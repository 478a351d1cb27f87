#[saga_step(
    compensate = refund,
    compensate_attempts = 3,
    compensate_timeout = 10s,
    pivot,
    retriable
)]
async fn charge(#[state] bank: &Bank, order: &Order) -> Result<Receipt, BankError> {
    bank.charge(order).await
}
