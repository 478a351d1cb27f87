async fn place(mut order: Order, cents: u32) -> Result<Confirmation, ShopError> {
    let (annotated, idempotent) = {
        static __OPERATION: ::resilience::__private::Idempotent = ::resilience::__private::Idempotent::operation(
            ::core::concat!(::core::module_path!(), "::place"),
        );
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
    let stored = ::resilience::__private::stored::<Result<Confirmation, ShopError>>();
    let key = idempotent
        .key(&order.id)
        .argument("order", &order)
        .argument("cents", &cents);
    let mut observed = annotated.observe();
    let answer = {
        let call = async move {
            if let ::core::option::Option::Some(never) = function.never() {
                return never;
            }
            insert(&mut order, cents).await
        };
        let call = ::core::pin::pin!(
            idempotent.once_detached(key, call, function, stored)
        );
        observed.watch(call).await
    };
    observed.end(answer)
}
