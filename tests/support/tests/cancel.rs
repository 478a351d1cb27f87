//! The harness reaches every suspension, in both ways, and leaves a calm future alone.

use std::cell::RefCell;
use std::sync::atomic::{AtomicUsize, Ordering};

use resilience_test_support::cancel::{DroppedAt, Moment, Run, at_every_await};

/// Counts how many of it are alive.
struct Held<'a>(&'a AtomicUsize);

impl<'a> Held<'a> {
    fn take(counter: &'a AtomicUsize) -> Self {
        counter.fetch_add(1, Ordering::Relaxed);
        Self(counter)
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[tokio::test]
async fn every_suspension_is_reached_in_both_ways() {
    let progress = RefCell::new(Vec::new());
    let runs = RefCell::new(Vec::new());
    let summary = at_every_await(
        || async {
            progress.borrow_mut().clear();
            for step in 0..3 {
                tokio::task::yield_now().await;
                progress.borrow_mut().push(step);
            }
        },
        |run: Run| {
            runs.borrow_mut().push((run, progress.borrow().len()));
            async {}
        },
    )
    .await;

    // Before the first poll, and at each of the three suspensions; in both ways.
    assert_eq!((summary.dropped, summary.completed), (8, 6));
    let dropped_after = |moment: Moment| -> Vec<usize> {
        let runs = runs.borrow();
        runs.iter()
            .filter(|(run, _)| run.moment == moment && !run.completed && run.suspension > 0)
            .map(|(_, steps)| *steps)
            .collect()
    };
    assert_eq!(dropped_after(Moment::Suspended), [0, 1, 2]);
    assert_eq!(dropped_after(Moment::Woken), [0, 1, 2]);
}

#[tokio::test]
async fn a_leak_is_seen_at_the_suspension_where_it_happens() {
    let held = AtomicUsize::new(0);
    let leaks = RefCell::new(Vec::new());
    at_every_await(
        || async {
            tokio::task::yield_now().await;
            held.fetch_add(1, Ordering::Relaxed);
            tokio::task::yield_now().await;
            held.fetch_sub(1, Ordering::Relaxed);
            tokio::task::yield_now().await;
        },
        |run| {
            if held.swap(0, Ordering::Relaxed) != 0 {
                leaks.borrow_mut().push((run.suspension, run.moment));
            }
            async {}
        },
    )
    .await;
    assert_eq!(
        *leaks.borrow(),
        [(2, Moment::Suspended), (2, Moment::Woken)]
    );
}

#[tokio::test]
async fn what_a_guard_holds_comes_back() {
    let held = AtomicUsize::new(0);
    let summary = at_every_await(
        || async {
            let _held = Held::take(&held);
            tokio::task::yield_now().await;
            tokio::task::yield_now().await;
        },
        |run| {
            assert_eq!(held.load(Ordering::Relaxed), 0, "{run:?}");
            async {}
        },
    )
    .await;
    assert_eq!(summary.dropped, 6);
}

#[tokio::test]
async fn woken_waits_for_the_wake() {
    let (sender, receiver) = tokio::sync::oneshot::channel::<()>();
    let dropped = tokio::spawn(DroppedAt::new(receiver, 1, Moment::Woken));
    tokio::task::yield_now().await;
    assert!(!dropped.is_finished());
    sender.send(()).expect("the receiver still waits");
    assert!(dropped.await.expect("no panic").is_none());
}
