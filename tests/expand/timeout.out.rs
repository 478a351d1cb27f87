impl Subject {
    pub async fn ping(&self) -> Result<(), PingError> {
        let (annotated, timeout) = {
            static __TIMEOUT: ::resilience::Timeout = ::resilience::Timeout::after(
                ::core::time::Duration::from_secs(2),
            );
            static __ANNOTATED: ::resilience::__private::Annotated = ::resilience::__private::Annotated {
                name: ::core::concat!(::core::module_path!(), "::ping"),
                file: ::core::file!(),
                line: ::core::line!(),
                policies: &[&__TIMEOUT],
            };
            ::resilience::__private::submit! {
                ::resilience::__private::Entry(& __ANNOTATED)
            }
            (&__ANNOTATED, &__TIMEOUT)
        };
        let function = ::resilience::__private::function::<
            Result<(), PingError>,
        >(annotated.name);
        let mut observed = annotated.observe();
        let answer = {
            let call = async move {
                if let ::core::option::Option::Some(never) = function.never() {
                    return never;
                }
                self.socket.ping().await?;
                Ok(())
            };
            let call = ::core::pin::pin!(timeout.limit(call, function));
            observed.watch(call).await
        };
        observed.end(answer)
    }
}
