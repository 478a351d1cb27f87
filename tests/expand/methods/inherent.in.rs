/// A shop.
impl Shop {
    pub const OPEN: u8 = { 9 };

    #[saga(version = 2)]
    #[cfg(feature = "sales")]
    pub async fn checkout(&self, order: Order) -> Result<Receipt, ShopError> {
        self.reserve(&order).await
    }

    /// Takes a place.
    #[saga_step(compensate = release, name = "reserve-stock")]
    #[retry(max_attempts = 3)]
    async fn reserve(&self, order: &Order) -> Result<Receipt, ShopError> {
        self.stock.reserve(order).await
    }

    async fn release(&self, order: &Order, receipt: &Receipt) -> Result<(), ShopError> {
        self.stock.release(order).await
    }
}
