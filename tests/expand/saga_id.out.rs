async fn checkout(order: Order) -> Result<(), CheckoutError> {
    let (annotated, saga) = {
        static __SAGA: ::resilience::__private::Saga = ::resilience::__private::Saga::named(
            "checkout",
        );
        static __ANNOTATED: ::resilience::__private::Annotated = ::resilience::__private::Annotated {
            name: ::core::concat!(::core::module_path!(), "::checkout"),
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
        Result<(), CheckoutError>,
    >(annotated.name);
    let stored = ::resilience::__private::stored::<Result<(), CheckoutError>>();
    let failures = ::resilience::__private::failures::<Result<(), CheckoutError>>();
    let kept = {
        #[allow(unused_imports)]
        use ::resilience::__private::otherwise::*;
        ::resilience::__private::kept::<Result<(), CheckoutError>>().found()
    };
    let arguments = saga.arguments().with_restorable("order", &order);
    let identity = saga.id(&order.id);
    let mut observed = annotated.observe();
    let answer = {
        let call = async move {
            if let ::core::option::Option::Some(never) = function.never() {
                return never;
            }
            ship(&order).await
        };
        let call = ::core::pin::pin!(
            saga.run(arguments, identity, call, function, stored, failures, kept)
        );
        observed.watch(call).await
    };
    observed.end(answer)
}
#[allow(dead_code, non_upper_case_globals)]
const two_sagas_are_named_checkout__give_one_another_name: () = ();
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
            let order = call
                .argument(
                    "order",
                    ::resilience::__private::argument::<Order>().found(),
                )?;
            let outcome = checkout(order).await;
            ::core::mem::drop(outcome);
            ::core::result::Result::Ok(())
        })
    }
    ::resilience::__private::submit! {
        ::resilience::__private::SagaEntry { saga :
        ::resilience::__private::Saga::named("checkout"), place :
        ::resilience::__private::Place { file : ::core::file!(), line : ::core::line!()
        }, states : & [], resume : __resume }
    }
};
