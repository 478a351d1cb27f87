#[retry]
#[idempotent(
    key = order.id,
    scope = tenant,
    lease = 1m,
    version = 2,
    key_version = 3,
    on_schema_change = run_again,
    store_errors = ShopError::SoldOut | ShopError::Declined { .. },
    max_result = 64kb,
    when_unavailable = run
)]
async fn place(tenant: &str, order: Order) -> Result<Confirmation, ShopError> {
    insert(tenant, order).await
}
