//! What the log says of retries.

use std::ops::ControlFlow;
use std::time::Duration;

use resilience_runtime::outcome::{errors, returns};
use resilience_runtime::policy::retry::{Backoff, Jitter, Retry, RetryBudget};
use resilience_test_support::log::Log;
use tracing::Level;

use crate::{SECOND, run};

/// The events of a call that always fails.
async fn events(retry: Retry) -> Vec<String> {
    let log = Log::default();
    let _listening = log.listen();
    let (result, _) = run(retry, async |_| Err::<(), _>(())).await;
    assert!(result.is_err());
    let entries = log.entries();
    assert!(
        entries.iter().all(|it| it.level == Level::DEBUG),
        "{entries:?}"
    );
    entries.into_iter().map(|it| it.text).collect()
}

#[tokio::test(start_paused = true)]
async fn every_retry_and_why_there_is_no_other_is_one_event_that_names_the_function() {
    let times = |attempts| {
        Retry::max_attempts(attempts)
            .backoff(Backoff::fixed(SECOND))
            .jitter(Jitter::None)
    };
    let spent = RetryBudget::for_function("shop").burst(1).per_second(0);
    let cases = [
        (times(2), ["trying again", "it was the last"]),
        (
            times(3).budget(spent),
            ["trying again", "the budget has no retry left"],
        ),
        (
            times(3).deadline(Duration::from_millis(1_500)),
            ["trying again", "the deadline is too close"],
        ),
    ];
    for (retry, expected) in cases {
        let seen = events(retry).await;
        assert_eq!(seen.len(), 2, "{seen:?}");
        for (event, part) in seen.iter().zip(expected) {
            assert!(event.contains(part), "{event}");
            assert!(event.contains("function=\"shop::charge\""), "{event}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_retried_is_told_where_the_error_can_be_shown() {
    type Charged = Result<(), std::fmt::Error>;
    let log = Log::default();
    let _listening = log.listen();
    let retry: &'static Retry = Box::leak(Box::new(Retry::max_attempts(2)));
    let errors = errors::<Charged>().described();
    let mut attempts = retry.attempts(returns::<Charged>("shop::charge"), errors);
    while let ControlFlow::Continue(pause) = attempts.settle(Err(std::fmt::Error)) {
        pause.await;
    }
    let seen = log.texts(Level::DEBUG, "attempt failed");
    assert_eq!(seen.len(), 2);
    for event in seen {
        assert!(event.contains("error=\"an error occurred"), "{event}");
    }
}
