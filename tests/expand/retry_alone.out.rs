async fn read(buffer: &mut Vec<u8>, n: usize) -> io::Result<usize> {
    let retry = {
        const RETRY: ::resilience::Retry = ::resilience::Retry::max_attempts(MAX)
            .backoff(::resilience::Backoff::fixed(PAUSE))
            .jitter(::resilience::Jitter::None);
        RETRY
    };
    let function = ::resilience::__private::returns::<
        io::Result<usize>,
    >(::core::concat!(::core::module_path!(), "::read"));
    let mut attempts = retry.attempts();
    loop {
        let call = async {
            if let ::core::option::Option::Some(never) = function.never() {
                return never;
            }
            let buffer = &mut *buffer;
            source.read(buffer, n).await
        };
        let pause = match attempts
            .settle_if(
                call.await,
                |error| {
                    ::core::matches!(error, Error::Reset | Error::Busy)
                        && ::resilience::__private::holds(
                            error,
                            |error| error.is_fresh(),
                        )
                },
            )
        {
            ::core::ops::ControlFlow::Break(answer) => break answer.into_result(),
            ::core::ops::ControlFlow::Continue(pause) => pause,
        };
        pause.await;
    }
}
