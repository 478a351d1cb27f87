//! Names, instances of generic functions, and the switch.

use std::cell::Cell;
use std::fmt::Display;

use resilience_runtime::catalog::{Policy, PolicyKind};
use resilience_runtime::error::Error;
use resilience_runtime::outcome::{Shareable, errors, function, joined};
use resilience_runtime::policy::single_flight::SingleFlight;
use tokio::time::sleep;

use crate::{WORK, share, work};

type Result1<T> = Result<T, Error>;

#[tokio::test(start_paused = true)]
async fn functions_with_one_name_share_their_calls() {
    static ONE: SingleFlight = SingleFlight::named("prices");
    static OTHER: SingleFlight = SingleFlight::named("prices");
    static APART: SingleFlight = SingleFlight::named("stocks");
    let runs = Cell::new(0);
    let (first, second, third) = tokio::join!(
        share(&ONE, 7, work(&runs)),
        share(&OTHER, 7, async { Ok(99) }),
        share(&APART, 7, work(&runs)),
    );
    assert_eq!((first.unwrap(), second.unwrap(), third.unwrap()), (1, 1, 2));
    assert_eq!(
        (ONE.name(), ONE.kind()),
        (Some("prices"), PolicyKind::SingleFlight)
    );
    // Where they return another type they cannot.
    let text = text_of(&OTHER, "text".to_owned());
    let (number, text) = tokio::join!(share(&ONE, 7, work(&runs)), text);
    assert_eq!((number.unwrap(), text.unwrap().as_str()), (3, "text"));
}

async fn text_of<T: Shareable>(flight: &'static SingleFlight, value: T) -> Result1<T> {
    let call = function::<Result1<T>>("shop::price");
    let body = async {
        sleep(WORK).await;
        Ok(value)
    };
    let call = flight.share(flight.key(&7), body, call, errors(), joined::<Result1<T>>());
    call.await.into_result()
}

/// The `static` is one for all instances.
async fn generic<T: Display>(value: T) -> Result1<String> {
    static FLIGHT: SingleFlight = SingleFlight::for_function("shop::generic");
    let call = function::<Result1<String>>("shop::generic");
    let body = async {
        sleep(WORK).await;
        Ok(value.to_string())
    };
    let joined = joined::<Result1<String>>();
    let call = FLIGHT.share(FLIGHT.key(&7), body, call, errors(), joined);
    call.await.into_result()
}

#[tokio::test(start_paused = true)]
async fn instances_of_a_generic_function_do_not_share_even_where_they_return_one_type() {
    let borrowed = String::from("b");
    let (one, two, three, four) = tokio::join!(
        generic("a"),
        generic(borrowed.as_str()),
        generic(3),
        generic('d')
    );
    let answers = [one, two, three, four].map(Result::unwrap);
    // The first two are one instance, whatever the lifetime.
    assert_eq!(answers, ["a", "a", "3", "d"]);
}

#[tokio::test(start_paused = true)]
async fn what_it_says_of_itself() {
    static FLIGHT: SingleFlight = SingleFlight::for_function("shop::price");
    let policy: &dyn Policy = &FLIGHT;
    assert_eq!(policy.options().to_string(), "");
    assert_eq!(policy.name(), None);
    assert_eq!(policy.worst_case(Some(WORK)), None);
    assert!(policy.switch().is_some() && !policy.kind().keeps_records());
}
