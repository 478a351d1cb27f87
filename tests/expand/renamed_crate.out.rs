async fn ping() -> Result<(), PingError> {
    let (annotated, timeout) = {
        static __TIMEOUT: ::corp::armour::Timeout = ::corp::armour::Timeout::after(
            ::core::time::Duration::from_secs(1),
        );
        static __ANNOTATED: ::corp::armour::__private::Annotated = ::corp::armour::__private::Annotated {
            name: ::core::concat!(::core::module_path!(), "::ping"),
            file: ::core::file!(),
            line: ::core::line!(),
            policies: &[&__TIMEOUT],
        };
        ::corp::armour::__private::submit! {
            ::corp::armour::__private::Entry(& __ANNOTATED)
        }
        (&__ANNOTATED, &__TIMEOUT)
    };
    let function = ::corp::armour::__private::function::<
        Result<(), PingError>,
    >(annotated.name);
    let mut observed = annotated.observe();
    let answer = {
        let call = async move {
            if let ::core::option::Option::Some(never) = function.never() {
                return never;
            }
            socket::ping().await
        };
        let call = ::core::pin::pin!(timeout.limit(call, function));
        observed.watch(call).await
    };
    observed.end(answer)
}
