#[saga(id = order.id)]
async fn checkout(order: Order) -> Result<(), CheckoutError> {
    ship(&order).await
}
