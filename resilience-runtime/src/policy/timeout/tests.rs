//! Switched off, and only counting.

use tokio::time::sleep;

use super::*;
use crate::outcome::function;
use crate::policy::deadline::deadline;

const LIMIT: Duration = Duration::from_millis(100);

async fn run(timeout: &'static Timeout, time: Duration) -> Option<u32> {
    let body = async {
        assert_eq!(deadline(), None);
        sleep(time).await;
        Ok(7)
    };
    let call = function::<Result<u32, Error>>("f");
    timeout.limit(body, call).await.into_result().ok()
}

#[tokio::test(start_paused = true)]
async fn one_that_only_counts_lets_a_call_run_on_and_counts_it_once() {
    static TIMEOUT: Timeout = Timeout::after(LIMIT);
    TIMEOUT.switch.set(PolicyMode::Shadow);
    let start = Instant::now();
    assert_eq!(run(&TIMEOUT, LIMIT * 5).await, Some(7));
    assert_eq!(start.elapsed(), LIMIT * 5);
    assert_eq!(TIMEOUT.switch.would_have_acted(), 1);
    assert_eq!(run(&TIMEOUT, LIMIT / 2).await, Some(7));
    assert_eq!(TIMEOUT.switch.would_have_acted(), 1);
}

#[tokio::test(start_paused = true)]
async fn one_that_is_off_does_not_look_at_the_clock() {
    static TIMEOUT: Timeout = Timeout::after(LIMIT);
    TIMEOUT.switch.set(PolicyMode::Disabled);
    assert_eq!(run(&TIMEOUT, LIMIT * 5).await, Some(7));
    assert_eq!(TIMEOUT.switch.would_have_acted(), 0);
}

#[test]
fn the_worst_case_is_the_shorter_time() {
    let timeout = Timeout::after(LIMIT);
    assert_eq!(timeout.worst_case(None), Some(LIMIT));
    assert_eq!(timeout.worst_case(Some(LIMIT * 2)), Some(LIMIT));
    assert_eq!(timeout.worst_case(Some(LIMIT / 2)), Some(LIMIT / 2));
    assert_eq!(Timeout::after(Duration::MAX).worst_case(None), None);
}
