#[saga_step(compensate = release, tx = conn)]
#[timeout(2s)]
async fn reserve(conn: &mut PgConnection, order: Order) -> Result<Reservation, StockError> {
    insert(conn, order).await
}
