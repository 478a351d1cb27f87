#[timeout(TOTAL)]
#[idempotent(wait = PATIENCE)]
#[locked(lease = LEASE)]
#[retry(deadline = DEADLINE)]
async fn place(order: u32) -> Result<u32, ShopError> {
    insert(order).await
}
