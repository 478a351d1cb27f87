impl Subject {
    #[timeout(__expanded)]
    fn send<'life0, 'async_trait>(
        &'life0 mut self,
        message: Message,
    ) -> ::core::pin::Pin<
        Box<
            dyn ::core::future::Future<
                Output = Result<u32, SendError>,
            > + ::core::marker::Send + 'async_trait,
        >,
    >
    where
        'life0: 'async_trait,
        Self: 'async_trait,
    {
        Box::pin(async move {
            let (annotated, retry, timeout) = {
                static __RETRY: ::resilience::Retry = ::resilience::Retry::max_attempts(
                    ::resilience::Retry::DEFAULT_MAX_ATTEMPTS,
                );
                static __TIMEOUT: ::resilience::Timeout = ::resilience::Timeout::after(
                    ::core::time::Duration::from_secs(1),
                );
                static __ANNOTATED: ::resilience::__private::Annotated = ::resilience::__private::Annotated {
                    name: ::core::concat!(::core::module_path!(), "::send"),
                    file: ::core::file!(),
                    line: ::core::line!(),
                    policies: &[&__RETRY, &__TIMEOUT],
                };
                ::resilience::__private::submit! {
                    ::resilience::__private::Entry(& __ANNOTATED)
                }
                (&__ANNOTATED, &__RETRY, &__TIMEOUT)
            };
            let function = ::resilience::__private::function::<
                Result<u32, SendError>,
            >(annotated.name);
            let errors = {
                #[allow(unused_imports)]
                use ::resilience::__private::otherwise::*;
                ::resilience::__private::errors::<Result<u32, SendError>>()
                    .classified()
                    .described()
                    .wrapped()
            };
            let mut message = ::resilience::__private::Replay::new(message);
            let mut observed = annotated.observe();
            let answer = {
                let mut attempts = retry.attempts(function, errors);
                loop {
                    let last = attempts.is_last();
                    let answer = {
                        let call = async {
                            if let ::core::option::Option::Some(never) = function.never()
                            {
                                return never;
                            }
                            let message = message.take(last);
                            let __self = &mut *self;
                            let message = message;
                            let __ret: Result<u32, SendError> = {
                                __self.transport.send(message).await
                            };
                            #[allow(unreachable_code)] __ret
                        };
                        let call = ::core::pin::pin!(timeout.limit(call, function));
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
        })
    }
}
