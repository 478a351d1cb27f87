#[idempotent(key = order.id, wait = 30s)]
#[saga]
pub async fn checkout(#[state] shop: &Shop, order: Order) -> Result<Confirmation, CheckoutError> {
    let reserved = reserve(&shop.warehouse, &order).await?;
    let receipt = charge(&shop.payments, &order).await?;
    ship(&shop.carrier, &order, &reserved).await
}
