//! `#[bulkhead]` and `#[rate_limit]`.

use std::time::Duration;

use resilience::{Bulkhead, Effect, Error, RateLimit, bulkhead, hedge, rate_limit, retry, timeout};
use tokio::time::{Instant, sleep};

use super::{Count, Failure};

#[bulkhead(max_concurrent = 2, max_queue = 3, max_wait = 10s)]
async fn report(running: &Count, started: &Count) -> Result<(), Failure> {
    started.next();
    running.next();
    sleep(Duration::from_secs(1)).await;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn two_run_three_wait_and_the_others_are_turned_away() {
    let (running, started) = (Count::new(), Count::new());
    let calls = (0..10).map(|_| report(&running, &started));
    let begun = Instant::now();
    let answers = join_all(calls).await;
    assert_eq!(started.get(), 5);
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 5);
    for refused in answers.into_iter().filter_map(Result::err) {
        let Failure::Policy(error @ Error::BulkheadFull { .. }) = refused else {
            panic!("{refused:?}");
        };
        assert_eq!(error.effect(), Effect::DidNotRun);
    }
    // Two, two, and the last one.
    assert_eq!(begun.elapsed(), Duration::from_secs(3));
}

static SHARED: Bulkhead = Bulkhead::named("one place").max_concurrent(1);

#[bulkhead(SHARED)]
async fn one() -> Result<(), Failure> {
    sleep(Duration::from_secs(1)).await;
    Ok(())
}

#[bulkhead(SHARED)]
async fn other() -> Result<(), Failure> {
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn two_functions_share_a_place() {
    let (one, other) = tokio::join!(one(), other());
    assert!(one.is_ok());
    assert!(matches!(
        other,
        Err(Failure::Policy(Error::BulkheadFull {
            bulkhead: "one place",
            ..
        }))
    ));
}

#[retry(max_attempts = 2, backoff = fixed(10s), jitter = none)]
#[bulkhead(max_concurrent = 1)]
async fn gives_up_its_place(calls: &Count, fails_first: bool) -> Result<u32, Failure> {
    let call = calls.next();
    if fails_first && call == 1 {
        return Err(Failure::Busy);
    }
    Ok(call)
}

#[tokio::test(start_paused = true)]
async fn a_retry_gives_its_place_up_during_the_pause() {
    let calls = Count::new();
    let (first, second) = tokio::join!(gives_up_its_place(&calls, true), async {
        sleep(Duration::from_secs(1)).await;
        gives_up_its_place(&calls, false).await
    });
    assert_eq!((first.unwrap(), second.unwrap()), (3, 2));
}

#[rate_limit(rate = 2, per = 1s, key = tenant)]
async fn per_tenant(tenant: &str) -> Result<String, Failure> {
    Ok(tenant.to_owned())
}

#[tokio::test(start_paused = true)]
async fn each_key_has_its_own_rate() {
    for tenant in ["a", "b"] {
        for _ in 0..2 {
            assert_eq!(per_tenant(tenant).await.unwrap(), tenant);
        }
        let Err(Failure::Policy(Error::RateLimited { retry_after, .. })) = per_tenant(tenant).await
        else {
            panic!("the third call in the same moment");
        };
        assert_eq!(retry_after, Duration::from_millis(500));
    }
    sleep(Duration::from_millis(500)).await;
    assert!(per_tenant("a").await.is_ok());
    assert!(per_tenant("a").await.is_err());
}

static API: RateLimit = RateLimit::named("api")
    .rate(1, Duration::from_secs(1))
    .max_wait(Duration::from_secs(2));

#[rate_limit(API)]
async fn waits() -> Result<Instant, Failure> {
    Ok(Instant::now())
}

#[tokio::test(start_paused = true)]
async fn calls_wait_for_their_turn_as_long_as_they_may() {
    let begun = Instant::now();
    let answers = join_all((0..5).map(|_| waits())).await;
    let mut times: Vec<_> = answers
        .iter()
        .filter_map(|answer| answer.as_ref().ok())
        .map(|at| (*at - begun).as_secs())
        .collect();
    times.sort_unstable();
    assert_eq!(times, [0, 1, 2]);
    assert_eq!(answers.iter().filter(|answer| answer.is_err()).count(), 2);
}

/// All of them at the same time, in one task.
pub(super) async fn join_all<F: Future>(futures: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    let mut running: Vec<_> = futures.into_iter().map(Box::pin).collect();
    let mut answers: Vec<Option<F::Output>> = running.iter().map(|_| None).collect();
    std::future::poll_fn(|context| {
        let mut pending = false;
        for (future, answer) in running.iter_mut().zip(&mut answers) {
            if answer.is_none() {
                match future.as_mut().poll(context) {
                    std::task::Poll::Ready(ready) => *answer = Some(ready),
                    std::task::Poll::Pending => pending = true,
                }
            }
        }
        if pending {
            std::task::Poll::Pending
        } else {
            std::task::Poll::Ready(())
        }
    })
    .await;
    answers.into_iter().flatten().collect()
}

#[timeout(5s)]
#[bulkhead(max_concurrent = 1, max_queue = 1)]
async fn calls_itself(deep: u32) -> Result<u32, Failure> {
    match deep {
        0 => Ok(0),
        deep => Ok(1 + Box::pin(calls_itself(deep - 1)).await?),
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_waits_for_the_place_it_holds_ends_at_its_deadline() {
    let begun = Instant::now();
    let error = calls_itself(1).await.unwrap_err();
    assert!(
        matches!(error, Failure::Policy(Error::DeadlineTooClose { .. })),
        "{error:?}"
    );
    assert_eq!(begun.elapsed(), Duration::from_secs(5));
    assert_eq!(calls_itself(0).await.unwrap(), 0);
}

#[hedge(delay = 100ms, max_hedges = 3, allow(hedge_without_idempotency))]
#[rate_limit(rate = 1, per = 1s, burst = 1, max_wait = 10s)]
async fn hedged() -> Result<(), Failure> {
    sleep(Duration::from_millis(500)).await;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn beaten_attempts_give_their_turns_back() {
    let begun = Instant::now();
    for _ in 0..3 {
        hedged().await.unwrap();
    }
    // A turn each, and not the turns of those that only waited.
    assert_eq!(begun.elapsed(), Duration::from_millis(2_500));
}
