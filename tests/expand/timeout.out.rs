impl Subject {
    pub async fn ping(&self) -> Result<(), PingError> {
        let timeout = {
            const TIMEOUT: ::resilience::Timeout = ::resilience::Timeout::after(
                ::core::time::Duration::from_secs(2),
            );
            TIMEOUT
        };
        let function = ::resilience::__private::function::<
            Result<(), PingError>,
        >(::core::concat!(::core::module_path!(), "::ping"));
        let call = async move {
            if let ::core::option::Option::Some(never) = function.never() {
                return never;
            }
            self.socket.ping().await?;
            Ok(())
        };
        let call = timeout.limit(call, function);
        call.await.into_result()
    }
}
