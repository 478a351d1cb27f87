async fn store(order: Order) -> Result<u64, QuoteError> {
    let (annotated, breaker) = {
        static __BREAKER: ::resilience::KeyedCircuitBreaker = ::resilience::CircuitBreaker::named(
                "shards",
            )
            .failure_rate(0.5)
            .time_window(::core::time::Duration::from_secs(300))
            .minimum_calls(20)
            .slow_call_duration(::core::time::Duration::from_secs(2))
            .slow_call_rate(0.8)
            .open_for(::core::time::Duration::from_secs(30))
            .growing(2.0, ::core::time::Duration::from_secs(600))
            .half_open_permits(10)
            .recovery(0.25)
            .success_threshold(5)
            .half_open_success_rate(0.6)
            .on_cancel(::resilience::OnCancel::Failure)
            .per_key(64);
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
    let breaker = breaker.of(&order.shard);
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
        let call = ::core::pin::pin!(
            breaker.guard_if(call, function, errors, | error | if ::core::matches!(error,
            QuoteError::Cancelled) { ::resilience::__private::Judgement::Ignored } else
            if ::core::matches!(error, QuoteError::Busy | QuoteError::Reset) {
            ::resilience::__private::Judgement::Failure } else {
            ::resilience::__private::Judgement::Success })
        );
        observed.watch(call).await
    };
    observed.end(answer)
}
