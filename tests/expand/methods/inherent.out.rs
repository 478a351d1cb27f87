/// A shop.
impl Shop {
    pub const OPEN: u8 = { 9 };
    #[saga(version = 2, __type = (Shop))]
    #[cfg(feature = "sales")]
    pub async fn checkout(&self, order: Order) -> Result<Receipt, ShopError> {
        self.reserve(&order).await
    }
    /// Takes a place.
    #[saga_step(compensate = release, name = "reserve-stock", __type = (Shop))]
    #[retry(max_attempts = 3)]
    async fn reserve(&self, order: &Order) -> Result<Receipt, ShopError> {
        self.stock.reserve(order).await
    }
    async fn release(&self, order: &Order, receipt: &Receipt) -> Result<(), ShopError> {
        self.stock.release(order).await
    }
}
#[cfg(feature = "sales")]
#[allow(dead_code, non_upper_case_globals)]
const two_sagas_are_named_Shop__checkout_version_2__give_one_another_name: () = ();
#[allow(dead_code, non_upper_case_globals)]
const two_saga_steps_are_named_reserve_u2d_stock__give_one_another_name: () = ();
