#[idempotent(__expanded)]
async fn place(
    conn: &mut PgConnection,
    order: Order,
) -> Result<Confirmation, ShopError> {
    let (annotated, retry, idempotent) = {
        static __RETRY: ::resilience::Retry = ::resilience::Retry::max_attempts(
            ::resilience::Retry::DEFAULT_MAX_ATTEMPTS,
        );
        static __OPERATION: ::resilience::__private::Idempotent = ::resilience::__private::Idempotent::operation(
            ::core::concat!(::core::module_path!(), "::place"),
        );
        static __ANNOTATED: ::resilience::__private::Annotated = ::resilience::__private::Annotated {
            name: ::core::concat!(::core::module_path!(), "::place"),
            file: ::core::file!(),
            line: ::core::line!(),
            policies: &[&__RETRY, &__OPERATION],
        };
        ::resilience::__private::submit! {
            ::resilience::__private::Entry(& __ANNOTATED)
        }
        (&__ANNOTATED, &__RETRY, &__OPERATION)
    };
    let function = ::resilience::__private::function::<
        Result<Confirmation, ShopError>,
    >(annotated.name);
    let errors = {
        #[allow(unused_imports)]
        use ::resilience::__private::otherwise::*;
        ::resilience::__private::errors::<Result<Confirmation, ShopError>>()
            .classified()
            .described()
            .wrapped()
    };
    let stored = ::resilience::__private::stored::<Result<Confirmation, ShopError>>();
    let key = idempotent.key(&(&order,)).argument("order", &order);
    let mut order = ::resilience::__private::Replay::new(order);
    let mut observed = annotated.observe();
    let answer = {
        let mut attempts = retry.attempts(function, errors);
        loop {
            let last = attempts.is_last();
            let answer = {
                let call = async {
                    match idempotent
                        .begin_in(&mut *conn, key.clone(), function, stored)
                        .await
                    {
                        ::core::ops::ControlFlow::Break(answer) => answer,
                        ::core::ops::ControlFlow::Continue(begun) => {
                            let answer = {
                                let call = async {
                                    if let ::core::option::Option::Some(never) = function
                                        .never()
                                    {
                                        return never;
                                    }
                                    let order = order.take(last);
                                    let conn = &mut *conn;
                                    insert(conn, order).await
                                };
                                call.await
                            };
                            begun.end_in(&mut *conn, answer).await
                        }
                    }
                };
                let call = ::core::pin::pin!(call);
                observed.watch(call).await
            };
            let pause = match attempts.settle(answer) {
                ::core::ops::ControlFlow::Break(answer) => break answer,
                ::core::ops::ControlFlow::Continue(pause) => pause,
            };
            pause.await;
        }
    };
    observed.end(answer)
}
