impl Subject {
    #[retry(__expanded)]
    async fn reserve(
        &self,
        order: &Self::Order,
    ) -> Result<Option<Self::Reservation>, StockError> {
        const _: () = {
            #[allow(unused_imports)]
            use Stock as _;
            ::resilience::__private::compensation! {
                "`release` cannot compensate `reserve`",
                "write `async fn release(&self, order: &Self::Order, output: &Option<Self::Reservation>) -> Result<(), E>`, with an `E` that is `Display`"
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
                    let this = call.state::<Shop>()?;
                    let order = call
                        .argument(
                            "order",
                            ::resilience::__private::argument::<
                                <Shop as Stock<Pallet>>::Order,
                            >()
                                .found(),
                        )?;
                    let output = call
                        .output(
                            ::resilience::__private::output::<
                                Result<
                                    Option<<Shop as Stock<Pallet>>::Reservation>,
                                    StockError,
                                >,
                            >()
                                .found(),
                        )?;
                    let undo = __compensation(
                        (&&this, &&order, &&output),
                        <Shop>::release,
                    );
                    ::resilience::__private::undone(undo(&this, &order, &output).await)
                })
            }
            ::resilience::__private::submit! {
                ::resilience::__private::StepEntry { step :
                ::resilience::__private::SagaStep::named("Shop::reserve")
                .compensated_by("release"), place : ::resilience::__private::Place { file
                : ::core::file!(), line : ::core::line!() }, states : &
                [::resilience::__private::StateType::of:: < Shop > ()], compensate :
                ::core::option::Option::Some(__compensate) }
            }
        };
        let (annotated, step, retry) = {
            static __STEP: ::resilience::__private::SagaStep = ::resilience::__private::SagaStep::named(
                    "Shop::reserve",
                )
                .compensated_by("release");
            static __RETRY: ::resilience::Retry = ::resilience::Retry::max_attempts(3);
            static __ANNOTATED: ::resilience::__private::Annotated = ::resilience::__private::Annotated {
                name: ::core::concat!(::core::module_path!(), "::Shop::reserve"),
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
            Result<Option<Self::Reservation>, StockError>,
        >(annotated.name);
        let errors = {
            #[allow(unused_imports)]
            use ::resilience::__private::otherwise::*;
            ::resilience::__private::errors::<
                Result<Option<Self::Reservation>, StockError>,
            >()
                .classified()
                .described()
                .wrapped()
        };
        let stored = ::resilience::__private::stored::<
            Result<Option<Self::Reservation>, StockError>,
        >();
        let kept = {
            #[allow(unused_imports)]
            use ::resilience::__private::otherwise::*;
            ::resilience::__private::kept::<
                Result<Option<Self::Reservation>, StockError>,
            >()
                .found()
        };
        let arguments = step.arguments().with_restorable("order", order);
        let mut observed = annotated.observe();
        let answer = {
            let call = async {
                let mut attempts = retry.attempts(function, errors);
                loop {
                    let answer = {
                        let call = async {
                            if let ::core::option::Option::Some(never) = function.never()
                            {
                                return never;
                            }
                            self.stock.reserve(order).await
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
            let call = ::core::pin::pin!(
                step.run(arguments, ::resilience::__private::sendable(call), function,
                stored, kept)
            );
            observed.watch(call).await
        };
        observed.end(answer)
    }
}
