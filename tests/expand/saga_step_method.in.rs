#[saga_step(compensate = release, __type = (Shop), __trait = (Stock<Pallet>))]
#[retry(max_attempts = 3)]
async fn reserve(&self, order: &Self::Order) -> Result<Option<Self::Reservation>, StockError> {
    self.stock.reserve(order).await
}
