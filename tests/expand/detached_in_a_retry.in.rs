#[retry]
#[idempotent(key = order.id, detach)]
#[timeout(2s)]
async fn place(#[state] shop: Arc<Shop>, mut order: Order) -> Result<Confirmation, ShopError> {
    shop.insert(&mut order).await
}
