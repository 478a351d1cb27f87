#[timeout(__expanded)]
async fn quote(client: &Client, symbol: String) -> Result<u64, QuoteError> {
    let (annotated, hedge, timeout) = {
        static __HEDGE: ::resilience::Hedge = ::resilience::Hedge::quantile(
            0.95,
            ::core::time::Duration::from_millis(50),
        );
        static __TIMEOUT: ::resilience::Timeout = ::resilience::Timeout::after(
            ::core::time::Duration::from_secs(1),
        );
        static __ANNOTATED: ::resilience::__private::Annotated = ::resilience::__private::Annotated {
            name: ::core::concat!(::core::module_path!(), "::quote"),
            file: ::core::file!(),
            line: ::core::line!(),
            policies: &[&__HEDGE, &__TIMEOUT],
        };
        ::resilience::__private::submit! {
            ::resilience::__private::Entry(& __ANNOTATED)
        }
        (&__ANNOTATED, &__HEDGE, &__TIMEOUT)
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
    let mut symbol = ::resilience::__private::Replay::new(symbol);
    let mut observed = annotated.observe();
    let answer = {
        let attempt = || {
            let symbol = symbol.copy();
            let call = async move {
                if let ::core::option::Option::Some(never) = function.never() {
                    return never;
                }
                client.get(symbol).await
            };
            timeout.limit(call, function)
        };
        let call = ::core::pin::pin!(hedge.race(attempt, function, errors));
        observed.watch(call).await
    };
    observed.end(answer)
}
