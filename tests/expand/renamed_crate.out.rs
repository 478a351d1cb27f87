async fn ping() -> Result<(), PingError> {
    let timeout = {
        const TIMEOUT: ::corp::armour::Timeout = ::corp::armour::Timeout::after(
            ::core::time::Duration::from_secs(1),
        );
        TIMEOUT
    };
    let function = ::corp::armour::__private::function::<
        Result<(), PingError>,
    >(::core::concat!(::core::module_path!(), "::ping"));
    let call = async move {
        if let ::core::option::Option::Some(never) = function.never() {
            return never;
        }
        socket::ping().await
    };
    let call = timeout.limit(call, function);
    call.await.into_result()
}
