//! The places and the queue of a bulkhead, in every interleaving. Run with
//!
//! ```sh
//! RUSTFLAGS="--cfg loom" cargo test --release -p resilience-loom --target-dir target/loom
//! ```
#![cfg(loom)]

// What the file needs of the runtime, under the names by which it knows it. Not all is used here.
#[allow(dead_code, reason = "the models do not need all of the file")]
#[path = "../../../resilience-runtime/src/policy/line.rs"]
mod line;
#[allow(dead_code, reason = "the models do not need all of the file")]
#[path = "../../../resilience-runtime/src/policy/bulkhead/queue.rs"]
mod queue;

mod sync {
    pub(crate) use loom::sync::atomic::{AtomicU64, Ordering};
    pub(crate) use loom::sync::{Mutex, MutexGuard};
    pub(crate) use std::sync::PoisonError;
}

use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Wake, Waker};

use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::thread;
use queue::{Entry, Queue};

/// Counts how often it wakes. Not part of the model: nobody waits for it.
struct Woken(AtomicU32);

impl Wake for Woken {
    fn wake(self: std::sync::Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

fn waker() -> (std::sync::Arc<Woken>, Waker) {
    let woken = std::sync::Arc::new(Woken(AtomicU32::new(0)));
    (std::sync::Arc::clone(&woken), Waker::from(woken))
}

fn queue() -> Arc<Queue> {
    Arc::new(Queue {
        word: sync::AtomicU64::new(0),
        line: sync::Mutex::new(line::Line::EMPTY),
    })
}

/// Enters one call, which gives up where it has to wait.
fn enter_or_give_up(queue: &Queue, seats: u32, inside: &UnsafeCell<u32>) {
    let (_, waker) = waker();
    let admitted = queue.try_enter(1)
        || match queue.enter_or_wait(1, seats, &waker) {
            Entry::Admitted => true,
            Entry::Full => false,
            Entry::Waiting(ticket) => {
                let admitted = queue.is_admitted(ticket, &waker);
                if !admitted {
                    // A place that is handed over in between goes on to the next.
                    queue.leave_line(ticket, 1);
                }
                admitted
            }
        };
    if admitted {
        // Loom fails if another call is in the place, or what it did there is not seen.
        inside.with_mut(|_| ());
        queue.leave(1);
    }
}

fn assert_empty(queue: &Queue) {
    assert_eq!((queue.running(), queue.waiting()), (0, 0));
}

#[test]
fn one_place_holds_one_and_all_comes_back() {
    let mut model = loom::model::Builder::new();
    // Three threads have too many interleavings for all of them.
    model.preemption_bound = Some(3);
    model.check(|| {
        let (queue, inside) = (queue(), Arc::new(UnsafeCell::new(0)));
        let threads: Vec<_> = (0..2)
            .map(|_| {
                let (queue, inside) = (Arc::clone(&queue), Arc::clone(&inside));
                thread::spawn(move || enter_or_give_up(&queue, 2, &inside))
            })
            .collect();
        enter_or_give_up(&queue, 2, &inside);
        for thread in threads {
            thread.join().unwrap();
        }
        assert_empty(&queue);
    });
}

#[test]
fn nobody_waits_in_vain() {
    loom::model(|| {
        let queue = queue();
        assert!(queue.try_enter(1));
        let leaves = {
            let queue = Arc::clone(&queue);
            thread::spawn(move || queue.leave(1))
        };
        let (woken, waker) = waker();
        match queue.enter_or_wait(1, 1, &waker) {
            Entry::Admitted => {}
            Entry::Full => panic!("there is a seat"),
            Entry::Waiting(ticket) => {
                leaves.join().unwrap();
                assert!(queue.is_admitted(ticket, &waker));
                assert_eq!(woken.0.load(Ordering::SeqCst), 1);
                queue.leave(1);
                return assert_empty(&queue);
            }
        }
        leaves.join().unwrap();
        queue.leave(1);
        assert_empty(&queue);
    });
}

#[test]
fn a_place_that_meets_one_who_gives_up_goes_to_the_next() {
    loom::model(|| {
        let queue = queue();
        assert!(queue.try_enter(1));
        let ((_, first), (woken, second)) = (waker(), waker());
        let Entry::Waiting(gives_up) = queue.enter_or_wait(1, 2, &first) else {
            panic!("the place is taken");
        };
        let Entry::Waiting(stays) = queue.enter_or_wait(1, 2, &second) else {
            panic!("the place is taken");
        };
        let leaves = {
            let queue = Arc::clone(&queue);
            thread::spawn(move || queue.leave(1))
        };
        queue.leave_line(gives_up, 1);
        leaves.join().unwrap();
        assert!(queue.is_admitted(stays, &second));
        assert_eq!(woken.0.load(Ordering::SeqCst), 1);
        assert_eq!((queue.running(), queue.waiting()), (1, 0));
        queue.leave(1);
        assert_empty(&queue);
    });
}

#[test]
fn calls_that_are_only_counted_leave_no_trace() {
    loom::model(|| {
        let queue = queue();
        let counted = {
            let queue = Arc::clone(&queue);
            thread::spawn(move || {
                queue.enter_regardless(1, 1);
                queue.leave(1);
            })
        };
        enter_or_give_up(&queue, 1, &UnsafeCell::new(0));
        counted.join().unwrap();
        assert_empty(&queue);
    });
}
