async fn quote(client: &Client, symbol: &str) -> Result<u64, QuoteError> {
    let (annotated, flight) = {
        static __FLIGHT: ::resilience::__private::SingleFlight = ::resilience::__private::SingleFlight::named(
            "quotes",
        );
        static __ANNOTATED: ::resilience::__private::Annotated = ::resilience::__private::Annotated {
            name: ::core::concat!(::core::module_path!(), "::quote"),
            file: ::core::file!(),
            line: ::core::line!(),
            policies: &[&__FLIGHT],
        };
        ::resilience::__private::submit! {
            ::resilience::__private::Entry(& __ANNOTATED)
        }
        (&__ANNOTATED, &__FLIGHT)
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
    let flight_key = flight.key(&symbol);
    let mut observed = annotated.observe();
    let answer = {
        let call = async move {
            if let ::core::option::Option::Some(never) = function.never() {
                return never;
            }
            client.get(symbol).await
        };
        let call = ::core::pin::pin!(
            flight.share(flight_key, call, function, errors, joined)
        );
        observed.watch(call).await
    };
    observed.end(answer)
}
