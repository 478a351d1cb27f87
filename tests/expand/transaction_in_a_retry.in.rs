#[retry(allow(retry_in_transaction))]
#[idempotent(tx = conn)]
async fn place(conn: &mut PgConnection, order: Order) -> Result<Confirmation, ShopError> {
    insert(conn, order).await
}
