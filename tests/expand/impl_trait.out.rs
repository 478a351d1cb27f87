async fn names(
    filter: impl Fn(&str) -> bool,
) -> Result<impl Iterator<Item = String>, ListError> {
    let timeout = {
        const TIMEOUT: ::resilience::Timeout = ::resilience::Timeout::after(
            ::core::time::Duration::from_secs(1),
        );
        TIMEOUT
    };
    let function = ::resilience::__private::function::<
        Result<_, ListError>,
    >(::core::concat!(::core::module_path!(), "::names"));
    let call = async move {
        if let ::core::option::Option::Some(never) = function.never() {
            return never;
        }
        list(filter).await
    };
    let call = timeout.limit(call, function);
    call.await.into_result()
}
