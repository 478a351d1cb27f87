#[retry(__expanded)]
async fn quote(client: &Client, symbol: String) -> Result<u64, QuoteError> {
    let (annotated, hedge, retry) = {
        static __HEDGE: ::resilience::Hedge = ::resilience::Hedge::after(
                ::core::time::Duration::from_millis(50),
            )
            .max_hedges(2)
            .without_budget();
        static __RETRY: ::resilience::Retry = ::resilience::Retry::max_attempts(
                ::resilience::Retry::DEFAULT_MAX_ATTEMPTS,
            )
            .budget(
                ::resilience::RetryBudget::named(
                    ::core::concat!(::core::module_path!(), "::quote"),
                ),
            );
        static __ANNOTATED: ::resilience::__private::Annotated = ::resilience::__private::Annotated {
            name: ::core::concat!(::core::module_path!(), "::quote"),
            file: ::core::file!(),
            line: ::core::line!(),
            policies: &[&__HEDGE, &__RETRY],
        };
        ::resilience::__private::submit! {
            ::resilience::__private::Entry(& __ANNOTATED)
        }
        (&__ANNOTATED, &__HEDGE, &__RETRY)
    };
    let function = ::resilience::__private::returns::<
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
            let mut symbol = symbol.fork();
            async move {
                let mut attempts = retry.attempts(function, errors);
                loop {
                    let answer = {
                        let call = async {
                            if let ::core::option::Option::Some(never) = function.never()
                            {
                                return never;
                            }
                            let mut symbol = symbol.copy();
                            client.get(symbol).await
                        };
                        call.await
                    };
                    let pause = match attempts.settle(answer) {
                        ::core::ops::ControlFlow::Break(answer) => break answer,
                        ::core::ops::ControlFlow::Continue(pause) => pause,
                    };
                    pause.await;
                }
            }
        };
        let call = ::core::pin::pin!(hedge.race(attempt, function, errors));
        observed.watch(call).await
    };
    observed.end(answer)
}
