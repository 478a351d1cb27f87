#[idempotent(__expanded)]
#[locked(__expanded)]
#[retry(__expanded)]
async fn place(order: u32) -> Result<u32, ShopError> {
    let (annotated, timeout, idempotent, locked, retry) = {
        static __TIMEOUT: ::resilience::Timeout = ::resilience::Timeout::after(TOTAL);
        static __OPERATION: ::resilience::__private::Idempotent = ::resilience::__private::Idempotent::operation(
                ::core::concat!(::core::module_path!(), "::place"),
            )
            .wait(PATIENCE);
        static __LOCK: ::resilience::__private::Locked = ::resilience::__private::Locked::named(
                ::core::concat!(::core::module_path!(), "::place"),
            )
            .lease(LEASE);
        static __RETRY: ::resilience::Retry = ::resilience::Retry::max_attempts(
                ::resilience::Retry::DEFAULT_MAX_ATTEMPTS,
            )
            .deadline(DEADLINE);
        const _: () = ::resilience::__private::verify::deadline_is_reached(
            DEADLINE,
            TOTAL,
        );
        const _: () = ::resilience::__private::verify::attempts_fit(
            ::resilience::Retry::DEFAULT_MAX_ATTEMPTS,
            ::core::time::Duration::ZERO,
            ::resilience::Retry::DEFAULT_BACKOFF,
            ::resilience::Retry::DEFAULT_JITTER,
            TOTAL,
        );
        const _: () = ::resilience::__private::verify::attempts_fit(
            ::resilience::Retry::DEFAULT_MAX_ATTEMPTS,
            ::core::time::Duration::ZERO,
            ::resilience::Retry::DEFAULT_BACKOFF,
            ::resilience::Retry::DEFAULT_JITTER,
            DEADLINE,
        );
        const _: () = ::resilience::__private::verify::result_outlives_wait(
            PATIENCE,
            ::core::time::Duration::from_secs(86400),
        );
        const _: () = ::resilience::__private::verify::wait_ends(PATIENCE, TOTAL);
        const _: () = ::resilience::__private::verify::lease_lasts(
            ::resilience::Retry::DEFAULT_MAX_ATTEMPTS,
            ::core::time::Duration::ZERO,
            ::resilience::Retry::DEFAULT_BACKOFF,
            ::resilience::__private::verify::shorter(TOTAL, DEADLINE),
            ::core::time::Duration::from_secs(30),
        );
        const _: () = ::resilience::__private::verify::lease_lasts(
            ::resilience::Retry::DEFAULT_MAX_ATTEMPTS,
            ::core::time::Duration::ZERO,
            ::resilience::Retry::DEFAULT_BACKOFF,
            ::resilience::__private::verify::shorter(TOTAL, DEADLINE),
            LEASE,
        );
        static __ANNOTATED: ::resilience::__private::Annotated = ::resilience::__private::Annotated {
            name: ::core::concat!(::core::module_path!(), "::place"),
            file: ::core::file!(),
            line: ::core::line!(),
            policies: &[&__TIMEOUT, &__OPERATION, &__LOCK, &__RETRY],
        };
        ::resilience::__private::submit! {
            ::resilience::__private::Entry(& __ANNOTATED)
        }
        (&__ANNOTATED, &__TIMEOUT, &__OPERATION, &__LOCK, &__RETRY)
    };
    let function = ::resilience::__private::function::<
        Result<u32, ShopError>,
    >(annotated.name);
    let errors = {
        #[allow(unused_imports)]
        use ::resilience::__private::otherwise::*;
        ::resilience::__private::errors::<Result<u32, ShopError>>()
            .classified()
            .described()
            .wrapped()
    };
    let stored = ::resilience::__private::stored::<Result<u32, ShopError>>();
    let key = idempotent.key(&(&order,)).argument("order", &order);
    let lock_key = locked.whole();
    let mut observed = annotated.observe();
    let answer = {
        let call = async {
            let mut attempts = retry.attempts(function, errors);
            loop {
                let answer = {
                    let call = async {
                        if let ::core::option::Option::Some(never) = function.never() {
                            return never;
                        }
                        insert(order).await
                    };
                    let call = attempts.within(call);
                    call.await
                };
                let pause = match attempts.settle(answer) {
                    ::core::ops::ControlFlow::Break(answer) => break answer,
                    ::core::ops::ControlFlow::Continue(pause) => pause,
                };
                pause.await;
            }
        };
        let call = locked.hold(lock_key, call, function);
        let call = idempotent.once(key, call, function, stored);
        let call = ::core::pin::pin!(timeout.limit(call, function));
        observed.watch(call).await
    };
    observed.end(answer)
}
