#[saga(__expanded)]
pub async fn checkout(shop: &Shop, order: Order) -> Result<Confirmation, CheckoutError> {
    let (annotated, idempotent, saga) = {
        static __OPERATION: ::resilience::__private::Idempotent = ::resilience::__private::Idempotent::operation(
                ::core::concat!(::core::module_path!(), "::checkout"),
            )
            .wait(::core::time::Duration::from_secs(30));
        static __SAGA: ::resilience::__private::Saga = ::resilience::__private::Saga::named(
            "checkout",
        );
        static __ANNOTATED: ::resilience::__private::Annotated = ::resilience::__private::Annotated {
            name: ::core::concat!(::core::module_path!(), "::checkout"),
            file: ::core::file!(),
            line: ::core::line!(),
            policies: &[&__OPERATION, &__SAGA],
        };
        ::resilience::__private::submit! {
            ::resilience::__private::Entry(& __ANNOTATED)
        }
        (&__ANNOTATED, &__OPERATION, &__SAGA)
    };
    let function = ::resilience::__private::function::<
        Result<Confirmation, CheckoutError>,
    >(annotated.name);
    let stored = ::resilience::__private::stored::<
        Result<Confirmation, CheckoutError>,
    >();
    let failures = ::resilience::__private::failures::<
        Result<Confirmation, CheckoutError>,
    >();
    let kept = {
        #[allow(unused_imports)]
        use ::resilience::__private::otherwise::*;
        ::resilience::__private::kept::<Result<Confirmation, CheckoutError>>().found()
    };
    let key = idempotent.key(&order.id).argument("order", &order);
    let arguments = saga.arguments().with_restorable("order", &order);
    let mut observed = annotated.observe();
    let answer = {
        let call = async move {
            if let ::core::option::Option::Some(never) = function.never() {
                return never;
            }
            let reserved = reserve(&shop.warehouse, &order).await?;
            let receipt = charge(&shop.payments, &order).await?;
            ship(&shop.carrier, &order, &reserved).await
        };
        let call = saga
            .run(
                arguments,
                saga.keyed(idempotent.saga_key(&key)),
                call,
                function,
                stored,
                failures,
                kept,
            );
        let call = ::core::pin::pin!(idempotent.once(key, call, function, stored));
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
            let shop = call.state::<Shop>()?;
            let order = call
                .argument(
                    "order",
                    ::resilience::__private::argument::<Order>().found(),
                )?;
            let outcome = checkout(&shop, order).await;
            ::core::mem::drop(outcome);
            ::core::result::Result::Ok(())
        })
    }
    ::resilience::__private::submit! {
        ::resilience::__private::SagaEntry { saga :
        ::resilience::__private::Saga::named("checkout"), place :
        ::resilience::__private::Place { file : ::core::file!(), line : ::core::line!()
        }, states : & [::resilience::__private::StateType::of:: < Shop > ()], resume :
        __resume }
    }
};
