impl Subject {
    /// Takes the money.
    #[circuit_breaker(__expanded)]
    #[timeout(__expanded)]
    pub async fn charge(&self, tenant: &str, order: Order) -> Result<Receipt, PayError> {
        let retry = {
            const RETRY: ::resilience::Retry = ::resilience::Retry::max_attempts(3)
                .backoff(
                    ::resilience::Backoff::exponential(
                            ::core::time::Duration::from_millis(100),
                        )
                        .factor(2.0)
                        .max(::core::time::Duration::from_secs(5)),
                );
            RETRY
        };
        let breaker = {
            static BREAKER: ::resilience::CircuitBreaker = ::resilience::CircuitBreaker::named(
                    "gateway",
                )
                .failure_threshold(5)
                .open_for(::core::time::Duration::from_secs(30));
            &BREAKER
        };
        let timeout = {
            const TIMEOUT: ::resilience::Timeout = ::resilience::Timeout::after(
                ::core::time::Duration::from_millis(800),
            );
            TIMEOUT
        };
        let function = ::resilience::__private::function::<
            Result<Receipt, PayError>,
        >(::core::concat!(::core::module_path!(), "::charge"));
        let mut order = ::resilience::__private::Replay::new(order);
        let mut attempts = retry.attempts();
        loop {
            let last = attempts.is_last();
            let call = async {
                if let ::core::option::Option::Some(never) = function.never() {
                    return never;
                }
                let order = order.take(last);
                let quote = self.quote(&order).await?;
                self.gateway.charge(tenant, order, quote).await
            };
            let call = timeout.limit(call, function);
            let call = breaker.guard(call, function);
            let pause = match attempts
                .settle_if(
                    call.await,
                    |error| ::core::matches!(error, PayError::Busy { .. }),
                )
            {
                ::core::ops::ControlFlow::Break(answer) => break answer.into_result(),
                ::core::ops::ControlFlow::Continue(pause) => pause,
            };
            pause.await;
        }
    }
}
