#[circuit_breaker(__expanded)]
#[timeout(__expanded)]
async fn charge(order: Order) -> Result<Receipt, PayError> {
    let (annotated, retry, breaker, timeout) = {
        static __RETRY: ::resilience::Retry = ::resilience::Retry::max_attempts(ATTEMPTS)
            .backoff(::resilience::Backoff::fixed(PAUSE))
            .jitter(::resilience::Jitter::None)
            .deadline(DEADLINE);
        static __BREAKER: ::resilience::CircuitBreaker = ::resilience::CircuitBreaker::for_function(
                ::core::concat!(::core::module_path!(), "::charge"),
            )
            .failure_threshold(10)
            .open_for(OPEN_FOR);
        static __TIMEOUT: ::resilience::Timeout = ::resilience::Timeout::after(
            ::core::time::Duration::from_secs(2),
        );
        const _: () = ::resilience::__private::verify::breaker_holds(ATTEMPTS, 10);
        const _: () = ::resilience::__private::verify::breaker_fits(
            OPEN_FOR,
            ::resilience::Backoff::fixed(PAUSE),
            DEADLINE,
        );
        const _: () = ::resilience::__private::verify::pause_fits(
            ::resilience::Backoff::fixed(PAUSE),
            ::resilience::Jitter::None,
            DEADLINE,
        );
        const _: () = ::resilience::__private::verify::attempts_fit(
            ATTEMPTS,
            ::core::time::Duration::from_secs(2),
            ::resilience::Backoff::fixed(PAUSE),
            ::resilience::Jitter::None,
            DEADLINE,
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
                    gateway().charge(order).await
                };
                let call = timeout.limit(call, function);
                let call = breaker.guard(call, function, errors);
                let call = ::core::pin::pin!(attempts.within(call));
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
