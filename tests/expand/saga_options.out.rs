pub async fn checkout(shop: &Shop, order: Order) -> Result<Confirmation, CheckoutError> {
    let (annotated, saga) = {
        static __SAGA: ::resilience::__private::Saga = ::resilience::__private::Saga::named(
                "checkout",
            )
            .version(2)
            .timeout(::core::time::Duration::from_secs(3600))
            .recover(::resilience::__private::Recover::Compensate)
            .on_dead(::resilience::__private::OnDead::Continue)
            .max_concurrent(MOST);
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
    let arguments = saga.arguments().with_restorable("order", &order);
    let identity = saga.key(&(&shop.name, &order.id));
    let mut observed = annotated.observe();
    let answer = {
        let call = async move {
            if let ::core::option::Option::Some(never) = function.never() {
                return never;
            }
            ship(&shop.carrier, &order).await
        };
        let call = ::core::pin::pin!(
            saga.run(arguments, identity, call, function, stored, failures, kept)
        );
        observed.watch(call).await
    };
    observed.end(answer)
}
#[allow(dead_code, non_upper_case_globals)]
const two_sagas_are_named_checkout_version_2__give_one_another_name: () = ();
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
        ::resilience::__private::Saga::named("checkout").version(2)
        .timeout(::core::time::Duration::from_secs(3600))
        .recover(::resilience::__private::Recover::Compensate)
        .on_dead(::resilience::__private::OnDead::Continue).max_concurrent(MOST), place :
        ::resilience::__private::Place { file : ::core::file!(), line : ::core::line!()
        }, states : & [::resilience::__private::StateType::of:: < Shop > ()], resume :
        __resume }
    }
};
