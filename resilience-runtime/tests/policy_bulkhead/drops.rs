//! A call that is dropped at every point where it can be.

use std::rc::Rc;
use std::task::{Context, Waker};
use std::time::Duration;

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
