#[fallback(__expanded)]
async fn quote(symbol: &str) -> Result<Quote, QuoteError> {
    let (annotated, timeout, fallback) = {
        static __TIMEOUT: ::resilience::Timeout = ::resilience::Timeout::after(
            ::core::time::Duration::from_secs(1),
        );
        static __FALLBACK: ::resilience::Fallback = ::resilience::Fallback::for_function(
                ::core::concat!(::core::module_path!(), "::quote"),
            )
            .with_value();
        static __ANNOTATED: ::resilience::__private::Annotated = ::resilience::__private::Annotated {
            name: ::core::concat!(::core::module_path!(), "::quote"),
            file: ::core::file!(),
            line: ::core::line!(),
            policies: &[&__TIMEOUT, &__FALLBACK],
        };
        ::resilience::__private::submit! {
            ::resilience::__private::Entry(& __ANNOTATED)
        }
        (&__ANNOTATED, &__TIMEOUT, &__FALLBACK)
    };
    let function = ::resilience::__private::function::<
        Result<Quote, QuoteError>,
    >(annotated.name);
    let errors = {
        #[allow(unused_imports)]
        use ::resilience::__private::otherwise::*;
        ::resilience::__private::errors::<Result<Quote, QuoteError>>()
            .classified()
            .described()
            .wrapped()
    };
    let mut observed = annotated.observe();
    let answer = {
        let call = async {
            let answer = {
                let call = async move {
                    if let ::core::option::Option::Some(never) = function.never() {
                        return never;
                    }
                    client().get(symbol).await
                };
                call.await
            };
            match fallback.needed(answer, errors) {
                ::core::ops::ControlFlow::Break(answer) => answer,
                ::core::ops::ControlFlow::Continue((_, failed)) => {
                    failed.answered(::core::result::Result::Ok(Quote::unknown()))
                }
            }
        };
        let call = ::core::pin::pin!(timeout.limit(call, function));
        observed.watch(call).await
    };
    observed.end(answer)
}
