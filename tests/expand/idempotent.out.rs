impl Subject {
    async fn place(
        &self,
        tenant: &str,
        order: Order,
    ) -> Result<Confirmation, ShopError> {
        let (annotated, idempotent) = {
            static __OPERATION: ::resilience::__private::Idempotent = ::resilience::__private::Idempotent::operation(
                    ::core::concat!(::core::module_path!(), "::place"),
                )
                .ttl(::core::time::Duration::from_secs(86400));
            static __ANNOTATED: ::resilience::__private::Annotated = ::resilience::__private::Annotated {
                name: ::core::concat!(::core::module_path!(), "::place"),
                file: ::core::file!(),
                line: ::core::line!(),
                policies: &[&__OPERATION],
            };
            ::resilience::__private::submit! {
                ::resilience::__private::Entry(& __ANNOTATED)
            }
            (&__ANNOTATED, &__OPERATION)
        };
        let function = ::resilience::__private::function::<
            Result<Confirmation, ShopError>,
        >(annotated.name);
        let stored = ::resilience::__private::stored::<
            Result<Confirmation, ShopError>,
        >();
        let key = idempotent
            .key(&(&tenant, &order.id))
            .argument("tenant", tenant)
            .argument("order", &order);
        let mut observed = annotated.observe();
        let answer = {
            let call = async move {
                if let ::core::option::Option::Some(never) = function.never() {
                    return never;
                }
                self.insert(tenant, order).await
            };
            let call = ::core::pin::pin!(idempotent.once(key, call, function, stored));
            observed.watch(call).await
        };
        observed.end(answer)
    }
}
