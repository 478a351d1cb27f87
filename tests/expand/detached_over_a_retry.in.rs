#[timeout(9s)]
#[idempotent(key = order.id, detach)]
#[circuit_breaker(name = "shop", key = order.tenant)]
#[retry(max_attempts = 2)]
async fn place(self: Arc<Self>, order: Order) -> Result<Confirmation, ShopError> {
    self.insert(order).await
}
