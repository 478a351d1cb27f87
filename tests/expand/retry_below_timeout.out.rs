#[retry(__expanded)]
async fn fetch<'a, T: Source>(
    source: &'a T,
    request: Request,
) -> Result<Cow<'a, str>, FetchError> {
    let (annotated, timeout, retry) = {
        static __TIMEOUT: ::resilience::Timeout = ::resilience::Timeout::after(
            ::core::time::Duration::from_secs(10),
        );
        static __RETRY: ::resilience::Retry = ::resilience::Retry::max_attempts(
            ::resilience::Retry::DEFAULT_MAX_ATTEMPTS,
        );
        static __ANNOTATED: ::resilience::__private::Annotated = ::resilience::__private::Annotated {
            name: ::core::concat!(::core::module_path!(), "::fetch"),
            file: ::core::file!(),
            line: ::core::line!(),
            policies: &[&__TIMEOUT, &__RETRY],
        };
        ::resilience::__private::submit! {
            ::resilience::__private::Entry(& __ANNOTATED)
        }
        (&__ANNOTATED, &__TIMEOUT, &__RETRY)
    };
    let function = ::resilience::__private::function::<
        Result<Cow<'a, str>, FetchError>,
    >(annotated.name);
    let errors = {
        #[allow(unused_imports)]
        use ::resilience::__private::otherwise::*;
        ::resilience::__private::errors::<Result<Cow<'a, str>, FetchError>>()
            .classified()
            .described()
            .wrapped()
    };
    let mut request = ::resilience::__private::Replay::new(request);
    let mut observed = annotated.observe();
    let answer = {
        let call = async {
            let mut attempts = retry.attempts(function, errors);
            loop {
                let last = attempts.is_last();
                let answer = {
                    let call = async {
                        if let ::core::option::Option::Some(never) = function.never() {
                            return never;
                        }
                        let mut request = request.take(last);
                        request.sign();
                        source.get(request).await
                    };
                    call.await
                };
                let pause = match attempts.settle(answer) {
                    ::core::ops::ControlFlow::Break(answer) => break answer,
                    ::core::ops::ControlFlow::Continue(pause) => pause,
                };
                pause.await;
            }
        };
        let call = ::core::pin::pin!(timeout.limit(call, function));
        observed.watch(call).await
    };
    observed.end(answer)
}
