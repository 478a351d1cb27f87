#[timeout(__expanded)]
async fn quote(client: &Client, symbol: &str, day: u32) -> Result<u64, QuoteError> {
    let (annotated, flight, timeout) = {
        static __FLIGHT: ::resilience::__private::SingleFlight = ::resilience::__private::SingleFlight::for_function(
            ::core::concat!(::core::module_path!(), "::quote"),
        );
        static __TIMEOUT: ::resilience::Timeout = ::resilience::Timeout::after(
            ::core::time::Duration::from_secs(2),
        );
        static __ANNOTATED: ::resilience::__private::Annotated = ::resilience::__private::Annotated {
            name: ::core::concat!(::core::module_path!(), "::quote"),
            file: ::core::file!(),
            line: ::core::line!(),
            policies: &[&__FLIGHT, &__TIMEOUT],
        };
        ::resilience::__private::submit! {
            ::resilience::__private::Entry(& __ANNOTATED)
        }
        (&__ANNOTATED, &__FLIGHT, &__TIMEOUT)
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
    let joined = {
        #[allow(unused_imports)]
        use ::resilience::__private::otherwise::*;
        ::resilience::__private::joined::<Result<u64, QuoteError>>().cloned()
    };
    let flight_key = flight.key(&(&symbol, &day));
    let mut observed = annotated.observe();
    let answer = {
        let call = async move {
            if let ::core::option::Option::Some(never) = function.never() {
                return never;
            }
            client.get(symbol, day).await
        };
        let call = timeout.limit(call, function);
        let call = ::core::pin::pin!(
            flight.share(flight_key, call, function, errors, joined)
        );
        observed.watch(call).await
    };
    observed.end(answer)
}
