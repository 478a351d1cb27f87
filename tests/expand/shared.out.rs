#[bulkhead(__expanded)]
#[circuit_breaker(__expanded)]
async fn charge(order: &Order) -> Result<Receipt, PayError> {
    let (annotated, retry, bulkhead, breaker) = {
        static __RETRY: &::resilience::Retry = &STANDARD;
        static __BULKHEAD: &::resilience::Bulkhead = &crate::limits::PAYMENTS;
        static __BREAKER: &::resilience::CircuitBreaker = &GATEWAY;
        static __ANNOTATED: ::resilience::__private::Annotated = ::resilience::__private::Annotated {
            name: ::core::concat!(::core::module_path!(), "::charge"),
            file: ::core::file!(),
            line: ::core::line!(),
            policies: &[__RETRY, __BULKHEAD, __BREAKER],
        };
        ::resilience::__private::submit! {
            ::resilience::__private::Entry(& __ANNOTATED)
        }
        (&__ANNOTATED, __RETRY, __BULKHEAD, __BREAKER)
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
    let mut observed = annotated.observe();
    let answer = {
        let mut attempts = retry.attempts(function, errors);
        loop {
            let answer = {
                let call = async {
                    if let ::core::option::Option::Some(never) = function.never() {
                        return never;
                    }
                    pay(order).await
                };
                let call = breaker.guard(call, function, errors);
                let call = bulkhead.enter(call, function);
                let call = ::core::pin::pin!(attempts.within(call));
                observed.watch(call).await
            };
            let pause = match attempts
                .settle_if(
                    answer,
                    |result| {
                        result
                            .as_ref()
                            .is_err_and(|error| ::core::matches!(error, PayError::Busy))
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
