#[locked(__expanded)]
async fn index(tenant: &str, document: Document) -> Result<u32, IndexError> {
    let (annotated, retry, locked) = {
        static __RETRY: ::resilience::Retry = ::resilience::Retry::max_attempts(
            ::resilience::Retry::DEFAULT_MAX_ATTEMPTS,
        );
        static __LOCK: ::resilience::__private::Locked = ::resilience::__private::Locked::named(
                "documents",
            )
            .wait(::core::time::Duration::from_secs(2))
            .lease(::core::time::Duration::from_secs(10))
            .replicas(1);
        static __ANNOTATED: ::resilience::__private::Annotated = ::resilience::__private::Annotated {
            name: ::core::concat!(::core::module_path!(), "::index"),
            file: ::core::file!(),
            line: ::core::line!(),
            policies: &[&__RETRY, &__LOCK],
        };
        ::resilience::__private::submit! {
            ::resilience::__private::Entry(& __ANNOTATED)
        }
        (&__ANNOTATED, &__RETRY, &__LOCK)
    };
    let function = ::resilience::__private::function::<
        Result<u32, IndexError>,
    >(annotated.name);
    let errors = {
        #[allow(unused_imports)]
        use ::resilience::__private::otherwise::*;
        ::resilience::__private::errors::<Result<u32, IndexError>>()
            .classified()
            .described()
            .wrapped()
    };
    let lock_key = locked.key(&(&tenant, &document.id));
    let mut document = ::resilience::__private::Replay::new(document);
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
                    let document = document.take(last);
                    write(tenant, document).await
                };
                let call = ::core::pin::pin!(
                    locked.hold(lock_key.clone(), call, function)
                );
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
