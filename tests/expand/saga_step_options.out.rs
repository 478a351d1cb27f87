async fn charge(bank: &Bank, order: &Order) -> Result<Receipt, BankError> {
    let (annotated, step) = {
        static __STEP: ::resilience::__private::SagaStep = ::resilience::__private::SagaStep::named(
                "charge",
            )
            .compensated_by("refund")
            .compensate_attempts(3)
            .compensate_timeout(::core::time::Duration::from_secs(10))
            .pivot()
            .retriable();
        static __ANNOTATED: ::resilience::__private::Annotated = ::resilience::__private::Annotated {
            name: ::core::concat!(::core::module_path!(), "::charge"),
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
        Result<Receipt, BankError>,
    >(annotated.name);
    let stored = ::resilience::__private::stored::<Result<Receipt, BankError>>();
    let kept = {
        #[allow(unused_imports)]
        use ::resilience::__private::otherwise::*;
        ::resilience::__private::kept::<Result<Receipt, BankError>>().found()
    };
    let arguments = step.arguments().with_restorable("order", order);
    let mut observed = annotated.observe();
    let answer = {
        let call = async move {
            if let ::core::option::Option::Some(never) = function.never() {
                return never;
            }
            bank.charge(order).await
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
const two_saga_steps_are_named_charge__give_one_another_name: () = ();
const _: () = {
    ::resilience::__private::compensation! {
        "`refund` cannot compensate `charge`",
        "write `async fn refund(bank: &Bank, order: &Order, output: &Receipt) -> Result<(), E>`, with an `E` that is `Display`"
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
            let bank = call.state::<Bank>()?;
            let order = call
                .argument(
                    "order",
                    ::resilience::__private::argument::<Order>().found(),
                )?;
            let output = call
                .output(
                    ::resilience::__private::output::<Result<Receipt, BankError>>()
                        .found(),
                )?;
            let undo = __compensation((&&bank, &&order, &&output), refund);
            ::resilience::__private::undone(undo(&bank, &order, &output).await)
        })
    }
    ::resilience::__private::submit! {
        ::resilience::__private::StepEntry { step :
        ::resilience::__private::SagaStep::named("charge").compensated_by("refund")
        .compensate_attempts(3).compensate_timeout(::core::time::Duration::from_secs(10))
        .pivot().retriable(), place : ::resilience::__private::Place { file :
        ::core::file!(), line : ::core::line!() }, states : &
        [::resilience::__private::StateType::of:: < Bank > ()], compensate :
        ::core::option::Option::Some(__compensate) }
    }
};
