#[idempotent(key = order.id, detach)]
async fn place(mut order: Order, cents: u32) -> Result<Confirmation, ShopError> {
    insert(&mut order, cents).await
}
