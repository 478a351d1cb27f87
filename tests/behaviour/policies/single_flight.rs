//! `#[single_flight]`.

use std::time::Duration;

use resilience::{Error, retry, single_flight};
use tokio::time::Instant;

use super::{Count, Failure};

const ANSWER: Duration = Duration::from_millis(10);

#[single_flight]
async fn quote(#[state] asked: &Count, symbol: &str, day: u32) -> Result<u32, Failure> {
    let number = asked.next();
    tokio::time::sleep(ANSWER).await;
    match symbol {
        "DOWN" => Err(Failure::Busy),
        _ => Ok(number + day),
    }
}

#[tokio::test(start_paused = true)]
async fn calls_with_the_same_arguments_share_one_answer() {
    let (asked, other, start) = (Count::new(), Count::new(), Instant::now());
    let (one, two, three, later) = tokio::join!(
        quote(&asked, "ACME", 10),
        quote(&asked, "ACME", 10),
        // A state is not part of the key.
        quote(&other, "ACME", 10),
        quote(&asked, "ACME", 20),
    );
    assert_eq!((one.unwrap(), two.unwrap(), three.unwrap()), (11, 11, 11));
    assert_eq!(later.unwrap(), 22);
    assert_eq!((asked.get(), other.get()), (2, 0));
    assert_eq!(start.elapsed(), ANSWER);
    // Nothing is kept.
    assert_eq!(quote(&asked, "ACME", 10).await.unwrap(), 13);
}

#[tokio::test(start_paused = true)]
async fn an_error_that_cannot_be_cloned_stays_with_its_caller() {
    let asked = Count::new();
    let (one, two) = tokio::join!(quote(&asked, "DOWN", 1), quote(&asked, "DOWN", 1));
    assert_eq!(asked.get(), 1);
    assert!(matches!(one, Err(Failure::Busy)), "{one:?}");
    match two {
        Err(Failure::Policy(Error::JoinedFailure { error, .. })) => assert_eq!(error, "busy"),
        other => panic!("{other:?}"),
    }
}

#[derive(Debug, Clone, PartialEq)]
struct Down(u32);

impl From<Error> for Down {
    fn from(_: Error) -> Self {
        Self(0)
    }
}

#[retry(max_attempts = 3, backoff = fixed(1ms), jitter = none, budget = none)]
#[single_flight(key = symbol)]
async fn tried(asked: &Count, symbol: &str) -> Result<u32, Down> {
    let number = asked.next();
    tokio::time::sleep(ANSWER).await;
    if number < 3 {
        Err(Down(number))
    } else {
        Ok(number)
    }
}

#[tokio::test(start_paused = true)]
async fn each_attempt_is_a_flight_and_an_error_is_shared() {
    let asked = Count::new();
    let (one, two) = tokio::join!(tried(&asked, "ACME"), tried(&asked, "ACME"));
    assert_eq!((one, two), (Ok(3), Ok(3)));
    assert_eq!(asked.get(), 3);
}
