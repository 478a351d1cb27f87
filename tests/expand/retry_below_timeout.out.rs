#[retry(__expanded)]
async fn fetch<'a, T: Source>(
    source: &'a T,
    request: Request,
) -> Result<Cow<'a, str>, FetchError> {
    let timeout = {
        const TIMEOUT: ::resilience::Timeout = ::resilience::Timeout::after(
            ::core::time::Duration::from_secs(5),
        );
        TIMEOUT
    };
    let retry = {
        const RETRY: ::resilience::Retry = ::resilience::Retry::max_attempts(
            ::resilience::Retry::DEFAULT_MAX_ATTEMPTS,
        );
        RETRY
    };
    let function = ::resilience::__private::function::<
        Result<Cow<'a, str>, FetchError>,
    >(::core::concat!(::core::module_path!(), "::fetch"));
    let mut request = ::resilience::__private::Replay::new(request);
    let call = async {
        let mut attempts = retry.attempts();
        loop {
            let last = attempts.is_last();
            let call = async {
                if let ::core::option::Option::Some(never) = function.never() {
                    return never;
                }
                let mut request = request.take(last);
                request.sign();
                source.get(request).await
            };
            let pause = match attempts.settle(call.await) {
                ::core::ops::ControlFlow::Break(answer) => break answer,
                ::core::ops::ControlFlow::Continue(pause) => pause,
            };
            pause.await;
        }
    };
    let call = timeout.limit(call, function);
    call.await.into_result()
}
