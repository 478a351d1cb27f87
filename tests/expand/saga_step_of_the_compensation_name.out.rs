async fn reserve(release: &Release) -> Result<Reservation, StockError> {
    let (annotated, step) = {
        static __STEP: ::resilience::__private::SagaStep = ::resilience::__private::SagaStep::named(
                "reserve",
            )
            .compensated_by("release");
        static __ANNOTATED: ::resilience::__private::Annotated = ::resilience::__private::Annotated {
            name: ::core::concat!(::core::module_path!(), "::reserve"),
            file: ::core::file!(),
            line: ::core::line!(),
            policies: &[&__STEP],
        };
        ::resilience::__private::submit! {
            ::resilience::__private::Entry(& __ANNOTATED)
        }
        (&__ANNOTATED, &__STEP)
    };
    let function = ::resilience::__private::function::<
        Result<Reservation, StockError>,
    >(annotated.name);
    let stored = ::resilience::__private::stored::<Result<Reservation, StockError>>();
    let kept = {
        #[allow(unused_imports)]
        use ::resilience::__private::otherwise::*;
        ::resilience::__private::kept::<Result<Reservation, StockError>>().found()
    };
    let arguments = step.arguments().with_restorable("release", release);
    let mut observed = annotated.observe();
    let answer = {
        let call = async move {
            if let ::core::option::Option::Some(never) = function.never() {
                return never;
            }
            release.of().await
        };
        let call = ::core::pin::pin!(
            step.run(arguments, ::resilience::__private::sendable(call), function,
            stored, kept)
        );
        observed.watch(call).await
    };
    observed.end(answer)
}
#[allow(dead_code, non_upper_case_globals)]
const two_saga_steps_are_named_reserve__give_one_another_name: () = ();
const _: () = {
    ::resilience::__private::compensation! {
        "`release` cannot compensate `reserve`",
        "write `async fn release(release: &Release, output: &Reservation) -> Result<(), E>`, with an `E` that is `Display`"
    }
    fn __compensate(
        call: ::resilience::__private::JournaledCall,
    ) -> ::resilience::__private::BoxFuture<
        'static,
        ::core::result::Result<(), ::resilience::__private::CompensationError>,
    > {
        ::std::boxed::Box::pin(async move {
            #[allow(unused_imports)]
            use ::resilience::__private::otherwise::*;
            let release_argument = call
                .argument(
                    "release",
                    ::resilience::__private::argument::<Release>().found(),
                )?;
            let output = call
                .output(
                    ::resilience::__private::output::<Result<Reservation, StockError>>()
                        .found(),
                )?;
            let undo = __compensation((&&release_argument, &&output), release);
            ::resilience::__private::undone(undo(&release_argument, &output).await)
        })
    }
    ::resilience::__private::submit! {
        ::resilience::__private::StepEntry { step :
        ::resilience::__private::SagaStep::named("reserve").compensated_by("release"),
        place : ::resilience::__private::Place { file : ::core::file!(), line :
        ::core::line!() }, states : & [], compensate :
        ::core::option::Option::Some(__compensate) }
    }
};
