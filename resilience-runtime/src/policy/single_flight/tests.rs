//! Switched off, and only counting.

use std::cell::Cell;

use super::*;
use crate::outcome::{errors, function, joined};

type Answered = Result<u32, Error>;

async fn share(flight: &'static SingleFlight, runs: &Cell<u32>) -> Answered {
    let body = async {
        runs.set(runs.get() + 1);
        tokio::task::yield_now().await;
        Ok(runs.get())
    };
    let call = function::<Answered>("f");
    let shared = flight.share(flight.key(&7), body, call, errors(), joined::<Answered>());
    shared.await.into_result()
}

#[tokio::test(start_paused = true)]
async fn one_that_only_counts_lets_all_run_and_counts_those_that_would_have_joined() {
    static FLIGHT: SingleFlight = SingleFlight::for_function("f");
    let runs = Cell::new(0);
    let calls = || {
        let shared = || share(&FLIGHT, &runs);
        async move { tokio::join!(shared(), shared(), shared()) }
    };
    FLIGHT.switch.set(PolicyMode::Shadow);
    calls().await.0.unwrap();
    assert_eq!((runs.get(), FLIGHT.switch.would_have_acted()), (3, 2));
    // A call of which the flight only counts does not answer for one that is enforced.
    let enforced = async {
        FLIGHT.switch.set(PolicyMode::Enforced);
        share(&FLIGHT, &runs).await
    };
    let (first, second) = tokio::join!(biased; share(&FLIGHT, &runs), enforced);
    assert!(first.is_ok() && second.is_ok());
    assert_eq!(runs.get(), 5);
    calls().await.0.unwrap();
    assert_eq!((runs.get(), FLIGHT.switch.would_have_acted()), (6, 2));
    assert_eq!(FLIGHT.running(), 0);
}

#[tokio::test(start_paused = true)]
async fn one_that_is_off_does_not_even_count() {
    static FLIGHT: SingleFlight = SingleFlight::for_function("f");
    FLIGHT.switch.set(PolicyMode::Disabled);
    let runs = Cell::new(0);
    let (first, second) = tokio::join!(share(&FLIGHT, &runs), share(&FLIGHT, &runs));
    assert!(first.is_ok() && second.is_ok());
    assert_eq!((runs.get(), FLIGHT.switch.would_have_acted()), (2, 0));
}
