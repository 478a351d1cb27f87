#[retry(__expanded)]
#[circuit_breaker(__expanded)]
#[timeout(__expanded)]
async fn reserve(
    warehouse: &Warehouse,
    order: &Order,
    count: u32,
) -> Result<Reservation, StockError> {
    let (annotated, step, retry, breaker, timeout) = {
        static __STEP: ::resilience::__private::SagaStep = ::resilience::__private::SagaStep::named(
                "reserve",
            )
            .compensated_by("release");
        static __RETRY: ::resilience::Retry = ::resilience::Retry::max_attempts(4);
        static __BREAKER: &::resilience::CircuitBreaker = &WAREHOUSE;
        static __TIMEOUT: ::resilience::Timeout = ::resilience::Timeout::after(
            ::core::time::Duration::from_secs(2),
        );
        static __ANNOTATED: ::resilience::__private::Annotated = ::resilience::__private::Annotated {
            name: ::core::concat!(::core::module_path!(), "::reserve"),
            file: ::core::file!(),
            line: ::core::line!(),
            policies: &[&__STEP, &__RETRY, __BREAKER, &__TIMEOUT],
        };
        ::resilience::__private::submit! {
            ::resilience::__private::Entry(& __ANNOTATED)
        }
        (&__ANNOTATED, &__STEP, &__RETRY, __BREAKER, &__TIMEOUT)
    };
    let function = ::resilience::__private::function::<
        Result<Reservation, StockError>,
    >(annotated.name);
    let errors = {
        #[allow(unused_imports)]
        use ::resilience::__private::otherwise::*;
        ::resilience::__private::errors::<Result<Reservation, StockError>>()
            .classified()
            .described()
            .wrapped()
    };
    let stored = ::resilience::__private::stored::<Result<Reservation, StockError>>();
    let kept = {
        #[allow(unused_imports)]
        use ::resilience::__private::otherwise::*;
        ::resilience::__private::kept::<Result<Reservation, StockError>>().found()
    };
    let arguments = step
        .arguments()
        .with_restorable("order", order)
        .with_restorable("count", &count);
    let mut observed = annotated.observe();
    let answer = {
        let call = async {
            let mut attempts = retry.attempts(function, errors);
            loop {
                let answer = {
                    let call = async {
                        if let ::core::option::Option::Some(never) = function.never() {
                            return never;
                        }
                        warehouse.reserve(order, count).await
                    };
                    let call = timeout.limit(call, function);
                    let call = breaker.guard(call, function, errors);
                    call.await
                };
                let pause = match attempts.settle(answer) {
                    ::core::ops::ControlFlow::Break(answer) => break answer,
                    ::core::ops::ControlFlow::Continue(pause) => pause,
                };
                pause.await;
            }
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
        "write `async fn release(warehouse: &Warehouse, order: &Order, count: u32, output: &Reservation) -> Result<(), E>`, with an `E` that is `Display`"
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
            let warehouse = call.state::<Warehouse>()?;
            let order = call
                .argument(
                    "order",
                    ::resilience::__private::argument::<Order>().found(),
                )?;
            let count = call
                .argument("count", ::resilience::__private::argument::<u32>().found())?;
            let output = call
                .output(
                    ::resilience::__private::output::<Result<Reservation, StockError>>()
                        .found(),
                )?;
            let undo = __compensation((&&warehouse, &&order, &count, &&output), release);
            ::resilience::__private::undone(
                undo(&warehouse, &order, count, &output).await,
            )
        })
    }
    ::resilience::__private::submit! {
        ::resilience::__private::StepEntry { step :
        ::resilience::__private::SagaStep::named("reserve").compensated_by("release"),
        place : ::resilience::__private::Place { file : ::core::file!(), line :
        ::core::line!() }, states : & [::resilience::__private::StateType::of:: <
        Warehouse > ()], compensate : ::core::option::Option::Some(__compensate) }
    }
};
