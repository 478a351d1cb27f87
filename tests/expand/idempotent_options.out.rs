#[idempotent(__expanded)]
async fn place(tenant: &str, order: Order) -> Result<Confirmation, ShopError> {
    let (annotated, retry, idempotent) = {
        static __RETRY: ::resilience::Retry = ::resilience::Retry::max_attempts(
            ::resilience::Retry::DEFAULT_MAX_ATTEMPTS,
        );
        static __OPERATION: ::resilience::__private::Idempotent = ::resilience::__private::Idempotent::operation(
                ::core::concat!(::core::module_path!(), "::place"),
            )
            .lease(::core::time::Duration::from_secs(60))
            .version(2)
            .key_version(3)
            .on_schema_change(::resilience::__private::OnSchemaChange::RunAgain)
            .max_result(65536)
            .when_unavailable_run();
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
    let records = stored
        .or_errors(
            ::resilience::__private::stored_errors::<Result<Confirmation, ShopError>>(),
            |error| {
                ::core::matches!(error, ShopError::SoldOut | ShopError::Declined { .. })
            },
        );
    let key = idempotent
        .scoped_key(&tenant, &order.id)
        .argument("tenant", tenant)
        .argument("order", &order);
    let mut order = ::resilience::__private::Replay::new(order);
    let mut observed = annotated.observe();
    let answer = {
        let mut attempts = retry.attempts(function, errors);
        loop {
            let last = attempts.is_last();
            let answer = {
                let call = async {
                    if let ::core::option::Option::Some(never) = function.never() {
                        return never;
                    }
                    let order = order.take(last);
                    insert(tenant, order).await
                };
                let call = ::core::pin::pin!(
                    idempotent.once(key.clone(), call, function, records)
                );
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
