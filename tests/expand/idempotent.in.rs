#[idempotent(key = (tenant, order.id), ttl = 24h)]
async fn place(&self, tenant: &str, order: Order) -> Result<Confirmation, ShopError> {
    self.insert(tenant, order).await
}
