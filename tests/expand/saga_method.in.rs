#[idempotent(key = order.id)]
#[saga(__type = (Shop))]
pub async fn checkout(&self, order: Order) -> Result<Confirmation, CheckoutError> {
    self.reserve(&order).await
}
