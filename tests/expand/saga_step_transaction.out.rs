#[timeout(__expanded)]
async fn reserve(
    conn: &mut PgConnection,
    order: Order,
) -> Result<Reservation, StockError> {
    let (annotated, step, timeout) = {
        static __STEP: ::resilience::__private::SagaStep = ::resilience::__private::SagaStep::named(
                "reserve",
            )
            .compensated_by("release");
        static __TIMEOUT: ::resilience::Timeout = ::resilience::Timeout::after(
            ::core::time::Duration::from_secs(2),
        );
        static __ANNOTATED: ::resilience::__private::Annotated = ::resilience::__private::Annotated {
            name: ::core::concat!(::core::module_path!(), "::reserve"),
            file: ::core::file!(),
            line: ::core::line!(),
            policies: &[&__STEP, &__TIMEOUT],
        };
        ::resilience::__private::submit! {
            ::resilience::__private::Entry(& __ANNOTATED)
        }
        (&__ANNOTATED, &__STEP, &__TIMEOUT)
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
    let arguments = step.arguments().with_restorable("order", &order);
    let mut observed = annotated.observe();
    let answer = {
        let begun = {
            let call = ::core::pin::pin!(
                ::resilience::__private::lent(& mut * conn).begin(step, arguments,
                function, stored, kept)
            );
            observed.watch(call).await
        };
        match begun {
            ::core::ops::ControlFlow::Break(answer) => answer,
            ::core::ops::ControlFlow::Continue(mut taken) => {
                let scope = taken.scope();
                let answer = {
                    let conn = taken.connection();
                    let call = async move {
                        if let ::core::option::Option::Some(never) = function.never() {
                            return never;
                        }
                        insert(conn, order).await
                    };
                    let call = timeout.limit(call, function);
                    let call = ::core::pin::pin!(scope.run(call));
                    observed.watch(call).await
                };
                let call = ::core::pin::pin!(taken.end(answer));
                observed.watch(call).await
            }
        }
    };
    observed.end(answer)
}
#[allow(dead_code, non_upper_case_globals)]
const two_saga_steps_are_named_reserve__give_one_another_name: () = ();
const _: () = {
    ::resilience::__private::compensation! {
        "`release` cannot compensate `reserve`",
        "write `async fn release(order: Order, output: &Reservation) -> Result<(), E>`, with an `E` that is `Display`"
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
            let order = call
                .argument(
                    "order",
                    ::resilience::__private::argument::<Order>().found(),
                )?;
            let output = call
                .output(
                    ::resilience::__private::output::<Result<Reservation, StockError>>()
                        .found(),
                )?;
            let undo = __compensation((&order, &&output), release);
            ::resilience::__private::undone(undo(order, &output).await)
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
