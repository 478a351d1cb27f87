async fn ping() -> Result<(), PingError> {
    let (annotated, timeout) = {
        static TIMEOUT: ::corp::armour::Timeout = ::corp::armour::Timeout::after(
            ::core::time::Duration::from_secs(1),
        );
        static ANNOTATED: ::corp::armour::__private::Annotated = ::corp::armour::__private::Annotated {
            name: ::core::concat!(::core::module_path!(), "::ping"),
            file: ::core::file!(),
            line: ::core::line!(),
            policies: &[&TIMEOUT],
        };
        ::corp::armour::__private::submit! {
            ::corp::armour::__private::Entry(& ANNOTATED)
        }
        (&ANNOTATED, &TIMEOUT)
    };
    let function = ::corp::armour::__private::function::<
        Result<(), PingError>,
    >(annotated.name);
    let call = async move {
        if let ::core::option::Option::Some(never) = function.never() {
            return never;
        }
        socket::ping().await
    };
    let call = timeout.limit(call, function);
    annotated.observe(call).await.into_result()
}
