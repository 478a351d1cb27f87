#[idempotent(__expanded)]
#[timeout(__expanded)]
async fn place(shop: Arc<Shop>, order: Order) -> Result<Confirmation, ShopError> {
    let (annotated, retry, idempotent, timeout) = {
        static __RETRY: ::resilience::Retry = ::resilience::Retry::max_attempts(
            ::resilience::Retry::DEFAULT_MAX_ATTEMPTS,
        );
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
            policies: &[&__RETRY, &__OPERATION, &__TIMEOUT],
        };
        ::resilience::__private::submit! {
            ::resilience::__private::Entry(& __ANNOTATED)
        }
        (&__ANNOTATED, &__RETRY, &__OPERATION, &__TIMEOUT)
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
    let key = idempotent.key(&order.id).argument("order", &order);
    let mut shop = ::resilience::__private::Replay::new(shop);
    let mut order = ::resilience::__private::Replay::new(order);
    let mut observed = annotated.observe();
    let answer = {
        let mut attempts = retry.attempts(function, errors);
        loop {
            let last = attempts.is_last();
            let answer = {
                let shop = shop.take(last);
                let mut order = order.take(last);
                let call = async move {
                    let call = async move {
                        if let ::core::option::Option::Some(never) = function.never() {
                            return never;
                        }
                        shop.insert(&mut order).await
                    };
                    let call = timeout.limit(call, function);
                    call.await
                };
                let call = ::core::pin::pin!(
                    idempotent.once_detached(key.clone(), call, function, stored)
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
