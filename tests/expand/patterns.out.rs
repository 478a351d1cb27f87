async fn show(
    Path(id): Path<u32>,
    State(pool): State<Pool>,
    (a, b): (u8, Vec<u8>),
) -> Result<Html, AppError> {
    let (annotated, retry) = {
        static __RETRY: ::resilience::Retry = ::resilience::Retry::max_attempts(
            ::resilience::Retry::DEFAULT_MAX_ATTEMPTS,
        );
        static __ANNOTATED: ::resilience::__private::Annotated = ::resilience::__private::Annotated {
            name: ::core::concat!(::core::module_path!(), "::show"),
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
        Result<Html, AppError>,
    >(annotated.name);
    let errors = {
        #[allow(unused_imports)]
        use ::resilience::__private::otherwise::*;
        ::resilience::__private::errors::<Result<Html, AppError>>()
            .classified()
            .described()
            .wrapped()
    };
    let mut id = ::resilience::__private::Replay::new(id);
    let mut pool = ::resilience::__private::Replay::new(pool);
    let mut a = ::resilience::__private::Replay::new(a);
    let mut b = ::resilience::__private::Replay::new(b);
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
                    let id = id.take(last);
                    let pool = pool.take(last);
                    let mut a = a.take(last);
                    let b = b.take(last);
                    a += 1;
                    pool.render(id, a, b).await
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
    observed.end(answer)
}
