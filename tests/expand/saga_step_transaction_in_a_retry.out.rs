#[retry(__expanded)]
async fn reserve(
    stock: &Stock,
    conn: &mut SqliteConnection,
    order: Order,
) -> Result<(), StockError> {
    let (annotated, step, retry) = {
        static __STEP: ::resilience::__private::SagaStep = ::resilience::__private::SagaStep::named(
            "reserve",
        );
        static __RETRY: ::resilience::Retry = ::resilience::Retry::max_attempts(
            ::resilience::Retry::DEFAULT_MAX_ATTEMPTS,
        );
        static __ANNOTATED: ::resilience::__private::Annotated = ::resilience::__private::Annotated {
            name: ::core::concat!(::core::module_path!(), "::reserve"),
            file: ::core::file!(),
            line: ::core::line!(),
            policies: &[&__STEP, &__RETRY],
        };
        ::resilience::__private::submit! {
            ::resilience::__private::Entry(& __ANNOTATED)
        }
        (&__ANNOTATED, &__STEP, &__RETRY)
    };
    let function = ::resilience::__private::function::<
        Result<(), StockError>,
    >(annotated.name);
    let errors = {
        #[allow(unused_imports)]
        use ::resilience::__private::otherwise::*;
        ::resilience::__private::errors::<Result<(), StockError>>()
            .classified()
            .described()
            .wrapped()
    };
    let stored = ::resilience::__private::stored::<Result<(), StockError>>();
    let kept = {
        #[allow(unused_imports)]
        use ::resilience::__private::otherwise::*;
        ::resilience::__private::kept::<Result<(), StockError>>().found()
    };
    let arguments = step.arguments().with("order", &order);
    let mut order = ::resilience::__private::Replay::new(order);
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
                    let call = async {
                        let mut attempts = retry.attempts(function, errors);
                        loop {
                            let last = attempts.is_last();
                            let answer = {
                                let call = async {
                                    if let ::core::option::Option::Some(never) = function
                                        .never()
                                    {
                                        return never;
                                    }
                                    let order = order.take(last);
                                    let conn = &mut *conn;
                                    stock.insert(conn, order).await
                                };
                                call.await
                            };
                            let pause = match attempts.settle(answer) {
                                ::core::ops::ControlFlow::Break(answer) => break answer,
                                ::core::ops::ControlFlow::Continue(pause) => pause,
                            };
                            pause.await;
                        }
                    };
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
    ::resilience::__private::submit! {
        ::resilience::__private::StepEntry { step :
        ::resilience::__private::SagaStep::named("reserve"), place :
        ::resilience::__private::Place { file : ::core::file!(), line : ::core::line!()
        }, states : & [::resilience::__private::StateType::of:: < Stock > ()], compensate
        : ::core::option::Option::None }
    }
};
