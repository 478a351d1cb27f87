impl Subject {
    async fn store(&self) -> Result<u64, QuoteError> {
        let (annotated, breaker) = {
            static __PROBE: ::resilience::Probe = ::resilience::Probe::every(
                ::core::time::Duration::from_secs(2),
                || ::std::boxed::Box::pin(Self::is_up()),
            );
            static __BREAKER: ::resilience::CircuitBreaker = ::resilience::CircuitBreaker::for_function(
                    ::core::concat!(::core::module_path!(), "::store"),
                )
                .failure_rate(1.0)
                .count_window(50)
                .probe(&__PROBE);
            static __ANNOTATED: ::resilience::__private::Annotated = ::resilience::__private::Annotated {
                name: ::core::concat!(::core::module_path!(), "::store"),
                file: ::core::file!(),
                line: ::core::line!(),
                policies: &[&__BREAKER],
            };
            ::resilience::__private::submit! {
                ::resilience::__private::Entry(& __ANNOTATED)
            }
            (&__ANNOTATED, &__BREAKER)
        };
        let function = ::resilience::__private::function::<
            Result<u64, QuoteError>,
        >(annotated.name);
        let errors = {
            #[allow(unused_imports)]
            use ::resilience::__private::otherwise::*;
            ::resilience::__private::errors::<Result<u64, QuoteError>>()
                .classified()
                .described()
                .wrapped()
        };
        let mut observed = annotated.observe();
        let answer = {
            let call = async move {
                if let ::core::option::Option::Some(never) = function.never() {
                    return never;
                }
                put(self).await
            };
            let call = ::core::pin::pin!(breaker.guard(call, function, errors));
            observed.watch(call).await
        };
        observed.end(answer)
    }
}
