//! In no time `t` begin more than `burst + rate * t` calls.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use proptest::prelude::*;
use tokio::task::{JoinHandle, LocalSet};
use tokio::time::{Instant, sleep};

use crate::{call, leak, limit};

#[derive(Debug, Clone, Copy)]
enum Event {
    Call,
    /// One of the calls is dropped, wherever it is.
    Drop(usize),
    Advance(u64),
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        6 => Just(Event::Call),
        1 => (0..64_usize).prop_map(Event::Drop),
        2 => (1..300_u64).prop_map(Event::Advance),
    ]
}

async fn check(rate: u32, burst: u32, max_wait: u64, events: Vec<Event>) {
    let max_wait = Duration::from_millis(max_wait);
    let limit = leak(limit(rate, burst).max_wait(max_wait));
    let begun = Rc::new(RefCell::new(Vec::new()));
    let mut calls: Vec<JoinHandle<()>> = Vec::new();
    for event in events {
        match event {
            Event::Call => {
                let begun = Rc::clone(&begun);
                calls.push(tokio::task::spawn_local(async move {
                    let asked = Instant::now();
                    let body = async {
                        begun.borrow_mut().push(Instant::now());
                        Ok(7)
                    };
                    let _ = limit.admit(body, call()).await;
                    assert!(asked.elapsed() <= max_wait + Duration::from_millis(1));
                }));
            }
            Event::Drop(index) if index < calls.len() => calls.remove(index).abort(),
            Event::Drop(_) => {}
            Event::Advance(time) => sleep(Duration::from_millis(time)).await,
        }
        tokio::task::yield_now().await;
    }
    for call in calls {
        assert!(call.await.is_ok(), "it waited for too long");
    }
    let begun = begun.borrow();
    for (index, first) in begun.iter().enumerate() {
        for (count, last) in (1_u32..).zip(&begun[index..]) {
            let allowed = f64::from(burst) + f64::from(rate) * (*last - *first).as_secs_f64();
            assert!(
                f64::from(count) <= allowed + 1e-6,
                "{count} calls, {allowed}"
            );
        }
    }
}

proptest! {
    #[test]
    fn there_are_never_more_than_the_rate_and_the_burst(
        rate in 1..40_u32,
        burst in 1..6_u32,
        max_wait in prop_oneof![Just(0), 1..1_000_u64],
        events in proptest::collection::vec(event(), 1..80),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        LocalSet::new().block_on(&runtime, check(rate, burst, max_wait, events));
    }
}
