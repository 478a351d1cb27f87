async fn charge(order: Order) -> Result<Receipt, PayError> {
    let (annotated, retry) = {
        static __RETRY: ::resilience::Retry = ::resilience::Retry::max_attempts(5)
            .backoff(
                ::resilience::Backoff::linear(::core::time::Duration::from_millis(100))
                    .step(::core::time::Duration::from_millis(50))
                    .max(::core::time::Duration::from_secs(1)),
            )
            .jitter(::resilience::Jitter::UpTo(::core::time::Duration::from_millis(20)))
            .deadline(::core::time::Duration::from_secs(10))
            .budget(::resilience::RetryBudget::named("payments"));
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
    let mut order = ::resilience::__private::Replay::new(order);
    let mut observed = annotated.observe();
    let answer = {
        let mut attempts = retry.attempts(function, errors);
        loop {
            let last = attempts.is_last();
            let answer = {
                let call = async {
                    if let ::core::option::Option::Some(never) = function.never() {
                        return never;
                    }
                    let order = order.take(last);
                    pay(order).await
                };
                let call = call;
                let call = ::core::pin::pin!(attempts.within(call));
                observed.watch(call).await
            };
            let pause = match attempts
                .settle_after(
                    answer,
                    |result| match result {
                        ::core::result::Result::Ok(value) => {
                            ::core::matches!(value, Receipt::Pending)
                        }
                        ::core::result::Result::Err(error) => {
                            !::core::matches!(error, PayError::Declined)
                                && ::resilience::__private::holds(
                                    error,
                                    |error| error.is_new(),
                                )
                        }
                    },
                    |error| ::resilience::__private::ask(error, PayError::wait),
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
