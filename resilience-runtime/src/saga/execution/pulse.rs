//! Whether a step that is under way is still polled.
//!
//! A body can keep the future of a step and not poll it any more. Nobody may wait for such a step: it was woken, and
//! nobody came.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use pin_project_lite::pin_project;
use tokio::time::Instant;

/// How long a body may take to poll a step that was woken.
const PATIENCE: Duration = Duration::from_secs(1);

/// What is known of the polls of one step.
#[derive(Default)]
pub(super) struct Pulse {
    woken: AtomicBool,
    polls: AtomicU64,
    outer: Mutex<Option<Waker>>,
}

impl Pulse {
    /// Before a poll with the waker of the body.
    fn polled(&self, waker: &Waker) {
        self.woken.store(false, Ordering::Relaxed);
        self.polls.fetch_add(1, Ordering::Relaxed);
        let mut outer = self.outer.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *outer {
            Some(outer) => outer.clone_from(waker),
            None => *outer = Some(waker.clone()),
        }
    }
}

impl Wake for Pulse {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.woken.store(true, Ordering::Relaxed);
        let outer = self.outer.lock().unwrap_or_else(PoisonError::into_inner);
        let outer = outer.clone();
        if let Some(outer) = outer {
            outer.wake();
        }
    }
}

/// A step that is under way, as those see it who wait for it.
pub(super) struct Beat {
    pulse: Arc<Pulse>,
    /// At how many polls it was found woken first, and when.
    woken: Option<(u64, Instant)>,
}

impl Beat {
    pub(super) fn of(pulse: Arc<Pulse>) -> Self {
        Self { pulse, woken: None }
    }

    /// Whether it was woken long ago, and not polled since. To be asked again and again.
    pub(super) fn is_neglected(&mut self, now: Instant) -> bool {
        let polls = self.pulse.polls.load(Ordering::Relaxed);
        if !self.pulse.woken.load(Ordering::Relaxed) {
            self.woken = None;
            return false;
        }
        match self.woken {
            Some((then, since)) if then == polls => now >= since + PATIENCE,
            _ => {
                self.woken = Some((polls, now));
                false
            }
        }
    }
}

/// `future`, whose polls are noted.
pub(super) fn watched<F: Future>(pulse: Arc<Pulse>, future: F) -> Watched<F> {
    Watched {
        waker: Waker::from(Arc::clone(&pulse)),
        pulse,
        future,
    }
}

pin_project! {
    /// A future whose polls are noted.
    pub(super) struct Watched<F> {
        pulse: Arc<Pulse>,
        waker: Waker,
        #[pin]
        future: F,
    }
}

impl<F: Future> Future for Watched<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        this.pulse.polled(context.waker());
        this.future.poll(&mut Context::from_waker(this.waker))
    }
}
