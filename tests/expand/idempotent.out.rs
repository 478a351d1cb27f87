impl Subject {
    async fn place(
        &self,
        tenant: &str,
        order: Order,
    ) -> Result<Confirmation, ShopError> {
        let idempotent = {
            static OPERATION: ::resilience::__private::Idempotent = ::resilience::__private::Idempotent::operation(
                    ::core::concat!(::core::module_path!(), "::place"),
                )
                .ttl(::core::time::Duration::from_secs(86400));
            &OPERATION
        };
        let function = ::resilience::__private::function::<
            Result<Confirmation, ShopError>,
        >(::core::concat!(::core::module_path!(), "::place"));
        let stored = ::resilience::__private::stored::<
            Result<Confirmation, ShopError>,
        >();
        let key = idempotent
            .key(&(&tenant, &order.id))
            .argument("tenant", tenant)
            .argument("order", &order);
        let call = async move {
            if let ::core::option::Option::Some(never) = function.never() {
                return never;
            }
            self.insert(tenant, order).await
        };
        let call = idempotent.once(key, call, function, stored);
        call.await.into_result()
    }
}
