//! A call that is dropped at every point where it can be.

use std::future::pending;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::task::{Context, Wake, Waker};
use std::time::Duration;

use resilience_runtime::error::Error;
use tokio::time::advance;

use crate::{bulkhead, call, counts, leak};

/// Polls before a call is dropped: waiting, waiting on, running, running on, ended.
const POLLS: u32 = 7;

#[tokio::test(start_paused = true)]
async fn places_and_seats_come_back_wherever_a_call_is_dropped() {
    for polls in 0..=POLLS {
        for woken_only in [false, true] {
            drop_after(polls, woken_only).await;
        }
    }
}

/// One place; a holder leaves it after the second poll of the one that is dropped.
async fn drop_after(polls: u32, dropped_unpolled: bool) {
    let bulkhead = leak(bulkhead(1, 2).max_wait(Duration::from_secs(1)));
    let held = Rc::new(());
    let body = || {
        let held = Rc::clone(&held);
        async move {
            for _ in 0..2 {
                tokio::task::yield_now().await;
            }
            drop(held);
            Ok(7)
        }
    };
    let mut context = Context::from_waker(Waker::noop());
    let mut holder = Box::pin(bulkhead.enter(body(), call()));
    assert!(holder.as_mut().poll(&mut context).is_pending());
    let mut holder = Some(holder);
    let mut dropped = Box::pin(bulkhead.enter(body(), call()));
    let mut behind = Box::pin(bulkhead.enter(body(), call()));
    for poll in 0..polls {
        if poll == 2 {
            holder = None;
            if dropped_unpolled {
                break;
            }
        }
        let _ = dropped.as_mut().poll(&mut context);
        if poll == 0 {
            assert!(behind.as_mut().poll(&mut context).is_pending());
            assert_eq!(counts(bulkhead), (1, 2));
        }
        advance(Duration::from_millis(1)).await;
    }
    drop(dropped);
    drop(holder);
    let counted = counts(bulkhead);
    assert!(
        counted == (1, 0) || counted == (0, 0),
        "{counted:?} after {polls}"
    );
    assert!(matches!(behind.await.into_result(), Ok(7)));
    assert_eq!(counts(bulkhead), (0, 0), "after {polls} polls");
    assert_eq!(Rc::strong_count(&held), 1);
    let _ = body;
}

/// A task that nobody keeps but its wakers.
#[derive(Default)]
struct Task(Mutex<Option<Pin<Box<dyn Future<Output = ()> + Send>>>>);

impl Wake for Task {
    fn wake(self: Arc<Self>) {}
}

#[test]
fn the_last_waker_of_a_task_takes_its_seat_along() {
    let bulkhead = leak(bulkhead(1, 2));
    let wait = || Box::pin(bulkhead.enter(pending::<Result<u32, Error>>(), call()));
    let mut nobody = Context::from_waker(Waker::noop());
    let (mut holder, mut kept, mut moved) = (wait(), wait(), wait());
    let task = Arc::new(Task::default());
    assert!(holder.as_mut().poll(&mut nobody).is_pending());
    assert!(kept.as_mut().poll(&mut nobody).is_pending());
    let waker = Waker::from(Arc::clone(&task));
    assert!(
        moved
            .as_mut()
            .poll(&mut Context::from_waker(&waker))
            .is_pending()
    );
    *task.0.lock().unwrap() = Some(Box::pin(async {
        let _ = kept.await;
    }));
    drop((task, waker));
    assert_eq!(counts(bulkhead), (1, 2));
    // Polled by another task, it has no need of that waker.
    assert!(moved.as_mut().poll(&mut nobody).is_pending());
    assert_eq!(counts(bulkhead), (1, 1));
}
