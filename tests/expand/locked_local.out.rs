impl Subject {
    async fn compact(&self) -> Result<u32, IndexError> {
        let (annotated, locked) = {
            static __LOCK: ::resilience::__private::Locked = ::resilience::__private::Locked::named(
                    ::core::concat!(::core::module_path!(), "::compact"),
                )
                .wait(::core::time::Duration::from_secs(0))
                .local();
            static __ANNOTATED: ::resilience::__private::Annotated = ::resilience::__private::Annotated {
                name: ::core::concat!(::core::module_path!(), "::compact"),
                file: ::core::file!(),
                line: ::core::line!(),
                policies: &[&__LOCK],
            };
            ::resilience::__private::submit! {
                ::resilience::__private::Entry(& __ANNOTATED)
            }
            (&__ANNOTATED, &__LOCK)
        };
        let function = ::resilience::__private::function::<
            Result<u32, IndexError>,
        >(annotated.name);
        let lock_key = locked.whole();
        let mut observed = annotated.observe();
        let answer = {
            let call = async move {
                if let ::core::option::Option::Some(never) = function.never() {
                    return never;
                }
                self.merge().await
            };
            let call = ::core::pin::pin!(locked.hold(lock_key, call, function));
            observed.watch(call).await
        };
        observed.end(answer)
    }
}
