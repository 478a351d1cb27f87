async fn read(buffer: &mut Vec<u8>, n: usize) -> io::Result<usize> {
    let (annotated, retry) = {
        static __RETRY: ::resilience::Retry = ::resilience::Retry::max_attempts(MAX)
            .backoff(::resilience::Backoff::fixed(PAUSE))
            .jitter(::resilience::Jitter::None);
        static __ANNOTATED: ::resilience::__private::Annotated = ::resilience::__private::Annotated {
            name: ::core::concat!(::core::module_path!(), "::read"),
            file: ::core::file!(),
            line: ::core::line!(),
            policies: &[&__RETRY],
        };
        ::resilience::__private::submit! {
            ::resilience::__private::Entry(& __ANNOTATED)
        }
        (&__ANNOTATED, &__RETRY)
    };
    let function = ::resilience::__private::returns::<io::Result<usize>>(annotated.name);
    let errors = {
        #[allow(unused_imports)]
        use ::resilience::__private::otherwise::*;
        ::resilience::__private::errors::<io::Result<usize>>()
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
                    let buffer = &mut *buffer;
                    source.read(buffer, n).await
                };
                let call = ::core::pin::pin!(call);
                observed.watch(call).await
            };
            let pause = match attempts
                .settle_if(
                    answer,
                    |result| match result {
                        ::core::result::Result::Ok(_) => false,
                        ::core::result::Result::Err(error) => {
                            ::core::matches!(error, Error::Reset | Error::Busy)
                                && ::resilience::__private::holds(
                                    error,
                                    |error| error.is_fresh(),
                                )
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
