impl Subject {
    /// Takes the money.
    #[circuit_breaker(__expanded)]
    #[timeout(__expanded)]
    pub async fn charge(&self, tenant: &str, order: Order) -> Result<Receipt, PayError> {
        let (annotated, retry, breaker, timeout) = {
            static __RETRY: ::resilience::Retry = ::resilience::Retry::max_attempts(3)
                .backoff(
                    ::resilience::Backoff::exponential(
                            ::core::time::Duration::from_millis(100),
                        )
                        .factor(2.0)
                        .max(::core::time::Duration::from_secs(5)),
                )
                .budget(::resilience::RetryBudget::named("gateway"));
            static __BREAKER: ::resilience::CircuitBreaker = ::resilience::CircuitBreaker::named(
                    "gateway",
                )
                .failure_threshold(5)
                .open_for(::core::time::Duration::from_secs(30));
            static __TIMEOUT: ::resilience::Timeout = ::resilience::Timeout::after(
                ::core::time::Duration::from_millis(800),
            );
            static __ANNOTATED: ::resilience::__private::Annotated = ::resilience::__private::Annotated {
                name: ::core::concat!(::core::module_path!(), "::charge"),
                file: ::core::file!(),
                line: ::core::line!(),
                policies: &[&__RETRY, &__BREAKER, &__TIMEOUT],
            };
            ::resilience::__private::submit! {
                ::resilience::__private::Entry(& __ANNOTATED)
            }
            (&__ANNOTATED, &__RETRY, &__BREAKER, &__TIMEOUT)
        };
        let function = ::resilience::__private::function::<
            Result<Receipt, PayError>,
        >(annotated.name);
        let errors = {
            #[allow(unused_imports)]
            use ::resilience::__private::otherwise::*;
            ::resilience::__private::errors::<Result<Receipt, PayError>>()
                .classified()
                .described()
                .wrapped()
        };
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
                        let quote = self.quote(&order).await?;
                        self.gateway.charge(tenant, order, quote).await
                    };
                    let call = timeout.limit(call, function);
                    let call = ::core::pin::pin!(breaker.guard(call, function, errors));
                    observed.watch(call).await
                };
                let pause = match attempts
                    .settle_if(
                        answer,
                        |result| {
                            result
                                .as_ref()
                                .is_err_and(|error| {
                                    ::core::matches!(
                                        error, PayError::Busy { .. } | PayError::TimedOut
                                    )
                                })
                        },
                    )
                {
                    ::core::ops::ControlFlow::Break(answer) => break answer,
                    ::core::ops::ControlFlow::Continue(pause) => pause,
                };
                pause.await;
            }
        };
        observed.end(answer)
    }
}
