#[idempotent(key = order.id, tx = conn)]
#[timeout(2s)]
async fn place(conn: &mut PgConnection, order: Order) -> Result<Confirmation, ShopError> {
    insert(conn, order).await
}
