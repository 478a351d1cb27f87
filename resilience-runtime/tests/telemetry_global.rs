//! A recorder for the whole process. A process takes one, so that this is the only test here.
#![cfg(feature = "metrics")]
#![allow(missing_docs)]

use std::future::ready;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};

use metrics::{
    Counter, CounterFn, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit,
};
use resilience_runtime::catalog::Annotated;
use resilience_runtime::error::Error;

static CALLS: AtomicU64 = AtomicU64::new(0);

struct Calls;

impl CounterFn for Calls {
    fn increment(&self, value: u64) {
        CALLS.fetch_add(value, Ordering::Relaxed);
    }
    fn absolute(&self, _: u64) {}
}

/// A recorder of no size, like the one of the facade that drops everything.
struct Sizeless;

const _: () = assert!(size_of::<Sizeless>() == 0);

impl Recorder for Sizeless {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn register_counter(&self, _: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(Arc::new(Calls))
    }
    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::noop()
    }
    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}

static CHARGE: Annotated = Annotated {
    name: "shop::charge",
    file: "src/shop.rs",
    line: 12,
    policies: &[],
};

fn call() {
    let mut context = Context::from_waker(Waker::noop());
    let body = ready(Ok::<_, Error>(()));
    let mut observed = CHARGE.observe();
    let mut body = pin!(body);
    let polled = pin!(observed.watch(body.as_mut())).poll(&mut context);
    let Poll::Ready(answer) = polled else {
        unreachable!("it is ready");
    };
    assert!(observed.end(answer).is_ok());
}

#[test]
fn a_global_recorder_is_noticed_even_one_of_no_size() {
    let without = allocation_counter::measure(call);
    assert_eq!(without.count_total, 0);
    assert!(metrics::set_global_recorder(Sizeless).is_ok());
    call();
    std::thread::spawn(call).join().unwrap();
    assert_eq!(CALLS.load(Ordering::Relaxed), 2);
}
