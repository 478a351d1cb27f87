impl Subject {
    #[idempotent(__expanded)]
    #[circuit_breaker(__expanded)]
    #[retry(__expanded)]
    async fn place(self: Arc<Self>, order: Order) -> Result<Confirmation, ShopError> {
        let (annotated, timeout, idempotent, breaker, retry) = {
            static __TIMEOUT: ::resilience::Timeout = ::resilience::Timeout::after(
                ::core::time::Duration::from_secs(9),
            );
            static __OPERATION: ::resilience::__private::Idempotent = ::resilience::__private::Idempotent::operation(
                ::core::concat!(::core::module_path!(), "::place"),
            );
            static __BREAKER: ::resilience::KeyedCircuitBreaker = ::resilience::CircuitBreaker::named(
                    "shop",
                )
                .per_key(::resilience::CircuitBreaker::DEFAULT_MAX_KEYS);
            static __RETRY: ::resilience::Retry = ::resilience::Retry::max_attempts(2)
                .budget(::resilience::RetryBudget::named("shop"));
            static __ANNOTATED: ::resilience::__private::Annotated = ::resilience::__private::Annotated {
                name: ::core::concat!(::core::module_path!(), "::place"),
                file: ::core::file!(),
                line: ::core::line!(),
                policies: &[&__TIMEOUT, &__OPERATION, &__BREAKER, &__RETRY],
            };
            ::resilience::__private::submit! {
                ::resilience::__private::Entry(& __ANNOTATED)
            }
            (&__ANNOTATED, &__TIMEOUT, &__OPERATION, &__BREAKER, &__RETRY)
        };
        let breaker = breaker.of(&order.tenant);
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
        let stored = ::resilience::__private::stored::<
            Result<Confirmation, ShopError>,
        >();
        let key = idempotent.key(&order.id).argument("order", &order);
        let mut order = ::resilience::__private::Replay::new(order);
        let mut observed = annotated.observe();
        let answer = {
            let call = async move {
                let call = async move {
                    let mut attempts = retry.attempts(function, errors);
                    loop {
                        let last = attempts.is_last();
                        let answer = {
                            let call = async {
                                if let ::core::option::Option::Some(never) = function
                                    .never()
                                {
                                    return never;
                                }
                                let order = order.take(last);
                                self.insert(order).await
                            };
                            call.await
                        };
                        let pause = match attempts.settle(answer) {
                            ::core::ops::ControlFlow::Break(answer) => break answer,
                            ::core::ops::ControlFlow::Continue(pause) => pause,
                        };
                        pause.await;
                    }
                };
                let call = breaker.guard(call, function, errors);
                call.await
            };
            let call = idempotent.once_detached(key, call, function, stored);
            let call = ::core::pin::pin!(timeout.limit(call, function));
            observed.watch(call).await
        };
        observed.end(answer)
    }
}
