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
            let retry = {
                const RETRY: ::resilience::Retry = ::resilience::Retry::max_attempts(
                    ::resilience::Retry::DEFAULT_MAX_ATTEMPTS,
                );
                RETRY
            };
            let timeout = {
                const TIMEOUT: ::resilience::Timeout = ::resilience::Timeout::after(
                    ::core::time::Duration::from_secs(1),
                );
                TIMEOUT
            };
            let function = ::resilience::__private::function::<
                Result<u32, SendError>,
            >(::core::concat!(::core::module_path!(), "::send"));
            let mut message = ::resilience::__private::Replay::new(message);
            let mut attempts = retry.attempts();
            loop {
                let last = attempts.is_last();
                let call = async {
                    if let ::core::option::Option::Some(never) = function.never() {
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
                let call = timeout.limit(call, function);
                let pause = match attempts.settle(call.await) {
                    ::core::ops::ControlFlow::Break(answer) => break answer.into_result(),
                    ::core::ops::ControlFlow::Continue(pause) => pause,
                };
                pause.await;
            }
        })
    }
}
