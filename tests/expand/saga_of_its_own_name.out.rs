async fn trip(world: &World, trip: Trip) -> Result<u64, TripError> {
    let (annotated, saga) = {
        static __SAGA: ::resilience::__private::Saga = ::resilience::__private::Saga::named(
            "trip",
        );
        static __ANNOTATED: ::resilience::__private::Annotated = ::resilience::__private::Annotated {
            name: ::core::concat!(::core::module_path!(), "::trip"),
            file: ::core::file!(),
            line: ::core::line!(),
            policies: &[&__SAGA],
        };
        ::resilience::__private::submit! {
            ::resilience::__private::Entry(& __ANNOTATED)
        }
        (&__ANNOTATED, &__SAGA)
    };
    let function = ::resilience::__private::function::<
        Result<u64, TripError>,
    >(annotated.name);
    let stored = ::resilience::__private::stored::<Result<u64, TripError>>();
    let failures = ::resilience::__private::failures::<Result<u64, TripError>>();
    let kept = {
        #[allow(unused_imports)]
        use ::resilience::__private::otherwise::*;
        ::resilience::__private::kept::<Result<u64, TripError>>().found()
    };
    let arguments = saga.arguments().with_restorable("trip", &trip);
    let mut observed = annotated.observe();
    let answer = {
        let call = async move {
            if let ::core::option::Option::Some(never) = function.never() {
                return never;
            }
            world.run(trip).await
        };
        let call = ::core::pin::pin!(
            saga.run(arguments, saga.anonymous(), call, function, stored, failures, kept)
        );
        observed.watch(call).await
    };
    observed.end(answer)
}
#[allow(dead_code, non_upper_case_globals)]
const two_sagas_are_named_trip__give_one_another_name: () = ();
const _: () = {
    fn __resume(
        call: ::resilience::__private::JournaledCall,
    ) -> ::resilience::__private::BoxFuture<
        'static,
        ::core::result::Result<(), ::resilience::Error>,
    > {
        ::std::boxed::Box::pin(async move {
            #[allow(unused_imports)]
            use ::resilience::__private::otherwise::*;
            let world = call.state::<World>()?;
            let trip_argument = call
                .argument("trip", ::resilience::__private::argument::<Trip>().found())?;
            let outcome = trip(&world, trip_argument).await;
            ::core::mem::drop(outcome);
            ::core::result::Result::Ok(())
        })
    }
    ::resilience::__private::submit! {
        ::resilience::__private::SagaEntry { saga :
        ::resilience::__private::Saga::named("trip"), place :
        ::resilience::__private::Place { file : ::core::file!(), line : ::core::line!()
        }, states : & [::resilience::__private::StateType::of:: < World > ()], resume :
        __resume }
    }
};
