async fn names(
    filter: impl Fn(&str) -> bool,
) -> Result<impl Iterator<Item = String>, ListError> {
    let (annotated, timeout) = {
        static __TIMEOUT: ::resilience::Timeout = ::resilience::Timeout::after(
            ::core::time::Duration::from_secs(1),
        );
        static __ANNOTATED: ::resilience::__private::Annotated = ::resilience::__private::Annotated {
            name: ::core::concat!(::core::module_path!(), "::names"),
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
        Result<_, ListError>,
    >(annotated.name);
    let mut observed = annotated.observe();
    let answer = {
        let call = async move {
            if let ::core::option::Option::Some(never) = function.never() {
                return never;
            }
            list(filter).await
        };
        let call = ::core::pin::pin!(timeout.limit(call, function));
        observed.watch(call).await
    };
    observed.end(answer)
}
