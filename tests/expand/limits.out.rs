#[bulkhead(__expanded)]
async fn quote(tenant: &str, order: Order) -> Result<u64, QuoteError> {
    let (annotated, limit, bulkhead) = {
        static __LIMIT: ::resilience::KeyedRateLimit = ::resilience::RateLimit::named(
                "api",
            )
            .rate(100, ::core::time::Duration::from_secs(1))
            .burst(20)
            .per_key(500);
        static __BULKHEAD: ::resilience::Bulkhead = ::resilience::Bulkhead::for_function(
                ::core::concat!(::core::module_path!(), "::quote"),
            )
            .max_concurrent(10)
            .max_queue(20)
            .max_wait(::core::time::Duration::from_millis(500));
        static __ANNOTATED: ::resilience::__private::Annotated = ::resilience::__private::Annotated {
            name: ::core::concat!(::core::module_path!(), "::quote"),
            file: ::core::file!(),
            line: ::core::line!(),
            policies: &[&__LIMIT, &__BULKHEAD],
        };
        ::resilience::__private::submit! {
            ::resilience::__private::Entry(& __ANNOTATED)
        }
        (&__ANNOTATED, &__LIMIT, &__BULKHEAD)
    };
    let limit = limit.of(&tenant);
    let function = ::resilience::__private::function::<
        Result<u64, QuoteError>,
    >(annotated.name);
    let mut observed = annotated.observe();
    let answer = {
        let call = async move {
            if let ::core::option::Option::Some(never) = function.never() {
                return never;
            }
            get(tenant, order).await
        };
        let call = bulkhead.enter(call, function);
        let call = ::core::pin::pin!(limit.admit(call, function));
        observed.watch(call).await
    };
    observed.end(answer)
}
