#[saga_step(compensate = none, tx = conn)]
#[retry(allow(retry_in_transaction))]
async fn reserve(#[state] stock: &Stock, conn: &mut SqliteConnection, order: Order) -> Result<(), StockError> {
    stock.insert(conn, order).await
}
