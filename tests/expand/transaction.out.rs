#[timeout(__expanded)]
async fn place(
    conn: &mut PgConnection,
    order: Order,
) -> Result<Confirmation, ShopError> {
    let (annotated, idempotent, timeout) = {
        static __OPERATION: ::resilience::__private::Idempotent = ::resilience::__private::Idempotent::operation(
            ::core::concat!(::core::module_path!(), "::place"),
        );
        static __TIMEOUT: ::resilience::Timeout = ::resilience::Timeout::after(
            ::core::time::Duration::from_secs(2),
        );
        static __ANNOTATED: ::resilience::__private::Annotated = ::resilience::__private::Annotated {
            name: ::core::concat!(::core::module_path!(), "::place"),
            file: ::core::file!(),
            line: ::core::line!(),
            policies: &[&__OPERATION, &__TIMEOUT],
        };
        ::resilience::__private::submit! {
            ::resilience::__private::Entry(& __ANNOTATED)
        }
        (&__ANNOTATED, &__OPERATION, &__TIMEOUT)
    };
    let function = ::resilience::__private::function::<
        Result<Confirmation, ShopError>,
    >(annotated.name);
    let stored = ::resilience::__private::stored::<Result<Confirmation, ShopError>>();
    let key = idempotent.key(&order.id).argument("order", &order);
    let mut observed = annotated.observe();
    let answer = {
        let begun = {
            let call = ::core::pin::pin!(
                idempotent.begin_in(& mut * conn, key, function, stored)
            );
            observed.watch(call).await
        };
        match begun {
            ::core::ops::ControlFlow::Break(answer) => answer,
            ::core::ops::ControlFlow::Continue(begun) => {
                let answer = {
                    let conn = &mut *conn;
                    let call = async move {
                        if let ::core::option::Option::Some(never) = function.never() {
                            return never;
                        }
                        insert(conn, order).await
                    };
                    let call = ::core::pin::pin!(timeout.limit(call, function));
                    observed.watch(call).await
                };
                let call = ::core::pin::pin!(begun.end_in(& mut * conn, answer));
                observed.watch(call).await
            }
        }
    };
    observed.end(answer)
}
