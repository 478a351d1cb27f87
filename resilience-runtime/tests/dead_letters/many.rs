//! Retrying many.

use std::time::Duration;

use resilience_runtime::dlq::{DeadLetterFilter, DeadLetterStatus, RetryAll};
use resilience_runtime::order::Order;
use resilience_runtime::runtime::Runtime;
use tokio::time::Instant;

use crate::builder;

async fn with_letters(count: u64) -> Runtime {
    let runtime = builder().open().await.unwrap();
    for number in 0..count {
        let operation = if number % 2 == 0 { "even" } else { "odd" };
        let letters = runtime.dead_letters();
        letters.add(operation, &number, "full").await.unwrap();
    }
    runtime
}

async fn retrying(runtime: &Runtime) -> usize {
    let letters = runtime.dead_letters();
    let retrying = letters.list(DeadLetterStatus::Retrying, None, 1000);
    retrying.await.unwrap().len()
}

#[tokio::test(start_paused = true)]
async fn many_are_asked_for_at_the_rate_that_was_named() {
    let runtime = with_letters(250).await;
    let began = Instant::now();
    let all = RetryAll::new().per_second(100);
    let letters = runtime.dead_letters();
    let progress = letters
        .retry_all(DeadLetterFilter::default(), all, "ada")
        .await
        .unwrap();
    assert_eq!(began.elapsed(), Duration::from_millis(2490));
    assert_eq!((progress.requested, progress.passed), (250, 0));
    assert!(progress.finished);
    assert_eq!(retrying(&runtime).await, 250);
}

#[tokio::test(start_paused = true)]
async fn another_call_goes_on_where_one_ended() {
    let runtime = with_letters(10).await;
    let letters = runtime.dead_letters();
    let odd = DeadLetterFilter {
        operation: Some("odd".to_owned()),
        ..DeadLetterFilter::default()
    };
    let two = RetryAll::new().limit(2);
    let first = letters.retry_all(odd.clone(), two, "ada").await.unwrap();
    assert_eq!((first.requested, first.finished), (2, false));
    assert_eq!(retrying(&runtime).await, 2);
    let all = RetryAll::new().after(first.last);
    let rest = letters.retry_all(odd, all, "ada").await.unwrap();
    assert_eq!((rest.requested, rest.finished), (3, true));
    assert_eq!(retrying(&runtime).await, 5);
}

#[tokio::test(start_paused = true)]
async fn the_newest_come_first_where_the_filter_says_so() {
    let runtime = with_letters(10).await;
    let letters = runtime.dead_letters();
    let newest = DeadLetterFilter {
        order: Order::NewestFirst,
        ..DeadLetterFilter::default()
    };
    let two = RetryAll::new().limit(2);
    let first = letters.retry_all(newest.clone(), two, "ada").await.unwrap();
    assert_eq!((first.requested, first.last), (2, Some(9)));
    let all = RetryAll::new().after(first.last);
    let rest = letters.retry_all(newest, all, "ada").await.unwrap();
    assert_eq!((rest.requested, rest.last), (8, Some(1)));
    assert!(rest.finished);
    assert_eq!(retrying(&runtime).await, 10);
}

#[tokio::test(start_paused = true)]
async fn two_operators_together_ask_for_each_once() {
    let runtime = with_letters(40).await;
    let letters = runtime.dead_letters();
    let all = || letters.retry_all(DeadLetterFilter::default(), RetryAll::new(), "ada");
    let (one, two) = tokio::join!(all(), all());
    let (one, two) = (one.unwrap(), two.unwrap());
    assert_eq!(one.requested + two.requested, 40);
    assert_eq!(retrying(&runtime).await, 40);
    for id in 1..=40 {
        let audit = letters.audit(id).await.unwrap();
        assert_eq!(audit.iter().filter(|it| it.action == "retry").count(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_ends_it_between_two_letters() {
    let runtime = with_letters(40).await;
    let letters = runtime.dead_letters();
    let all = letters.retry_all(DeadLetterFilter::default(), RetryAll::new(), "ada");
    let shutdown = async {
        tokio::time::sleep(Duration::from_millis(1050)).await;
        runtime.shutdown().await
    };
    let (progress, _) = tokio::join!(all, shutdown);
    let progress = progress.unwrap();
    assert!(!progress.finished);
    assert_eq!((progress.requested, progress.last), (12, Some(12)));
}
