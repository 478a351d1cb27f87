async fn store(order: &Order) -> Result<u64, QuoteError> {
    let (annotated, breaker) = {
        static __BREAKER: ::resilience::CircuitBreaker = ::resilience::CircuitBreaker::for_function(
                ::core::concat!(::core::module_path!(), "::store"),
            )
            .open_for(::core::time::Duration::from_secs(1200))
            .growing(3.0, ::core::time::Duration::from_secs(1200));
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
            put(order).await
        };
        let call = ::core::pin::pin!(breaker.guard(call, function, errors));
        observed.watch(call).await
    };
    observed.end(answer)
}
