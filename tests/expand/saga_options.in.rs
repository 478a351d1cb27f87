#[saga(
    name = "checkout",
    version = 2,
    key = (shop.name, order.id),
    timeout = 1h,
    recover = compensate,
    on_dead = continue,
    max_concurrent = MOST
)]
pub async fn checkout(#[state] shop: &Shop, order: Order) -> Result<Confirmation, CheckoutError> {
    ship(&shop.carrier, &order).await
}
