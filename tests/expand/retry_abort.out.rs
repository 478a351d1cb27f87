async fn charge(order: &Order) -> Result<Receipt, PayError> {
    let (annotated, retry) = {
        static __RETRY: ::resilience::Retry = ::resilience::Retry::max_attempts(
            ::resilience::Retry::DEFAULT_MAX_ATTEMPTS,
        );
        static __ANNOTATED: ::resilience::__private::Annotated = ::resilience::__private::Annotated {
            name: ::core::concat!(::core::module_path!(), "::charge"),
            file: ::core::file!(),
            line: ::core::line!(),
            policies: &[&__RETRY],
        };
        ::resilience::__private::submit! {
            ::resilience::__private::Entry(& __ANNOTATED)
        }
        (&__ANNOTATED, &__RETRY)
    };
    let function = ::resilience::__private::returns::<
        Result<Receipt, PayError>,
    >(annotated.name);
    let errors = {
        #[allow(unused_imports)]
        use ::resilience::__private::otherwise::*;
        ::resilience::__private::errors::<Result<Receipt, PayError>>()
            .classified()
            .described()
            .wrapped()
    };
    let mut observed = annotated.observe();
    let answer = {
        let mut attempts = retry.attempts(function, errors);
        loop {
            let answer = {
                let call = async {
                    if let ::core::option::Option::Some(never) = function.never() {
                        return never;
                    }
                    pay(order).await
                };
                let call = ::core::pin::pin!(call);
                observed.watch(call).await
            };
            let pause = match attempts
                .settle_if(
                    answer,
                    |result| {
                        if ::core::matches!(
                            result, ::core::result::Result::Ok(Receipt::Pending)
                        ) {
                            ::resilience::__private::Verdict::Again
                        } else if result
                            .as_ref()
                            .is_err_and(|error| {
                                ::core::matches!(error, PayError::Declined)
                            })
                        {
                            ::resilience::__private::Verdict::Enough
                        } else {
                            ::resilience::__private::Verdict::AsUsual
                        }
                    },
                )
            {
                ::core::ops::ControlFlow::Break(answer) => break answer,
                ::core::ops::ControlFlow::Continue(pause) => pause,
            };
            pause.await;
        }
    };
    observed.end(answer)
}
