impl Subject {
    #[retry(__expanded)]
    async fn quote(
        &self,
        symbol: String,
        out: &mut Vec<u64>,
    ) -> Result<u64, QuoteError> {
        let (annotated, fallback, retry) = {
            static __FALLBACK: ::resilience::Fallback = ::resilience::Fallback::for_function(
                ::core::concat!(::core::module_path!(), "::quote"),
            );
            static __RETRY: ::resilience::Retry = ::resilience::Retry::max_attempts(2);
            static __ANNOTATED: ::resilience::__private::Annotated = ::resilience::__private::Annotated {
                name: ::core::concat!(::core::module_path!(), "::quote"),
                file: ::core::file!(),
                line: ::core::line!(),
                policies: &[&__FALLBACK, &__RETRY],
            };
            ::resilience::__private::submit! {
                ::resilience::__private::Entry(& __ANNOTATED)
            }
            (&__ANNOTATED, &__FALLBACK, &__RETRY)
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
            let answer = {
                let mut attempts = retry.attempts(function, errors);
                loop {
                    let answer = {
                        let call = async {
                            if let ::core::option::Option::Some(never) = function.never()
                            {
                                return never;
                            }
                            let symbol = symbol.copy();
                            let out = &mut *out;
                            self.client.get(symbol, out).await
                        };
                        let call = ::core::pin::pin!(call);
                        observed.watch(call).await
                    };
                    let pause = match attempts.settle(answer) {
                        ::core::ops::ControlFlow::Break(answer) => break answer,
                        ::core::ops::ControlFlow::Continue(pause) => pause,
                    };
                    pause.await;
                }
            };
            match fallback
                .needed_if(
                    answer,
                    errors,
                    |error| ::core::matches!(error, QuoteError::Busy),
                )
            {
                ::core::ops::ControlFlow::Break(answer) => answer,
                ::core::ops::ControlFlow::Continue((error, failed)) => {
                    failed
                        .answered(
                            observed
                                .watch(
                                    ::core::pin::pin!(
                                        Self::from_cache(self, symbol.copy(), & mut * out, error)
                                    ),
                                )
                                .await,
                        )
                }
            }
        };
        observed.end(answer)
    }
}
