//! `#[hedge]`.

use std::time::Duration;

use resilience::{hedge, retry, timeout};
use tokio::time::{Instant, sleep};

use super::{Count, Failure};

#[hedge(delay = 50ms, max_hedges = 2, allow(hedge_without_idempotency))]
async fn slow_at_first(
    calls: &Count,
    label: String,
    mut times: u64,
) -> Result<(u32, String), Failure> {
    let call = calls.next();
    times *= 1_000;
    if call < 3 {
        sleep(Duration::from_millis(times)).await;
    }
    Ok((call, label))
}

#[tokio::test(start_paused = true)]
async fn the_third_attempt_answers_for_two_slow_ones() {
    let (calls, begun) = (Count::new(), Instant::now());
    let answer = slow_at_first(&calls, "a".to_owned(), 9).await.unwrap();
    assert_eq!(answer, (3, "a".to_owned()));
    assert_eq!(begun.elapsed(), Duration::from_millis(100));
    assert_eq!(calls.get(), 3);
}

#[hedge(delay = 1h, allow(hedge_without_idempotency))]
async fn fails_at_first(calls: &Count) -> Result<u32, Failure> {
    match calls.next() {
        1 => Err(Failure::Busy),
        call => Ok(call),
    }
}

#[tokio::test(start_paused = true)]
async fn an_early_error_starts_the_next_at_once() {
    let (calls, begun) = (Count::new(), Instant::now());
    assert_eq!(fails_at_first(&calls).await.unwrap(), 2);
    assert_eq!(begun.elapsed(), Duration::ZERO);
}

struct Service {
    calls: Count,
    dropped: Count,
}

struct Noted<'a>(&'a Count);

impl Drop for Noted<'_> {
    fn drop(&mut self) {
        self.0.next();
    }
}

impl Service {
    #[timeout(10s)]
    #[hedge(delay = 50ms, allow(hedge_without_idempotency))]
    #[retry(max_attempts = 2, backoff = fixed(1ms), jitter = none)]
    async fn read(&self, key: String) -> Result<String, Failure> {
        let _noted = Noted(&self.dropped);
        match self.calls.next() {
            1 => Err(Failure::Busy),
            2 => {
                sleep(Duration::from_secs(5)).await;
                Ok(key)
            }
            _ => Ok(key),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn each_hedge_has_its_own_retries_and_losers_are_dropped() {
    let service = Service {
        calls: Count::new(),
        dropped: Count::new(),
    };
    let begun = Instant::now();
    assert_eq!(service.read("k".to_owned()).await.unwrap(), "k");
    assert_eq!(begun.elapsed(), Duration::from_millis(50));
    assert_eq!((service.calls.get(), service.dropped.get()), (3, 3));
}

fn must_be_send<F: Future + Send>(future: F) -> F {
    future
}

#[test]
fn a_hedged_call_can_be_sent() {
    let calls = Count::new();
    drop(must_be_send(slow_at_first(&calls, String::new(), 1)));
}

#[test]
fn a_hedge_and_a_retry_of_one_function_pay_from_one_budget() {
    let read = resilience::catalog()
        .find("behaviour::policies::hedge::read")
        .expect("it is annotated");
    let [_, hedge, retry] = read.policies else {
        panic!("it has three policies");
    };
    let budget = r#"budget = "behaviour::policies::hedge::read""#;
    for policy in [hedge, retry] {
        let options = policy.options().to_string();
        assert!(options.ends_with(budget), "{options}");
    }
}
