#[async_trait]
impl crate::Stock<Pallet> for Warehouse<North> {
    type Order = Order;
    #[cfg_attr(
        feature = "sagas",
        resilience::saga_step(
            compensate = none,
            __type = (Warehouse<North>),
            __trait = (crate::Stock<Pallet>)
        ),
        inline
    )]
    async fn count(&self) -> Result<u32, ShopError> {
        Ok(self.count)
    }
}
