//! A future that is dropped at its first await, its second, its third …

use std::pin::Pin;
use std::task::{Context, Poll};

/// When, at a suspension, the future is dropped. Both happen in practice and they find different
/// faults.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// As soon as it is suspended: what it waits for has been asked for and has not happened.
    Suspended,
    /// When it has been woken, instead of being polled again: what it waited for has happened, and
    /// it never learns of it.
    Woken,
}

/// One run of the future.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// The suspension at which it was to be dropped, counted from 0: 0 is before the first poll.
    pub suspension: usize,
    /// Which way.
    pub moment: Moment,
    /// It had fewer suspensions than that, and ran to its end.
    pub completed: bool,
}

/// How often something happened over all runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Summary {
    /// Runs in which the future was dropped.
    pub dropped: usize,
    /// Runs that were left alone to the end.
    pub completed: usize,
}

/// A future may take another way in another run, so that one undisturbed run does not prove that
/// the last suspension was reached.
const CALM_RUNS: usize = 3;

/// More suspensions than any future under test has: it does not end.
const SUSPENSIONS_MAX: usize = 10_000;

/// Runs the future that `operation` makes, dropped at suspension 0, 1, 2 … in both ways, until
/// it runs to its end three times in a row. After every run, dropped or not, `check` looks at what
/// is left behind.
///
/// The future is polled with the real waker of the runtime that this is awaited on. What it has
/// moved into tasks of its own is not dropped.
///
/// # Panics
/// When the future does not end within 10,000 suspensions.
pub async fn at_every_await<Operation, Check>(
    mut operation: impl FnMut() -> Operation,
    mut check: impl FnMut(Run) -> Check,
) -> Summary
where
    Operation: Future,
    Check: Future<Output = ()>,
{
    let mut summary = Summary {
        dropped: 0,
        completed: 0,
    };
    for moment in [Moment::Suspended, Moment::Woken] {
        let mut calm = 0;
        for suspension in 0..=SUSPENSIONS_MAX {
            let output = DroppedAt::new(operation(), suspension, moment).await;
            let completed = output.is_some();
            check(Run {
                suspension,
                moment,
                completed,
            })
            .await;
            if completed {
                summary.completed += 1;
                calm += 1;
            } else {
                summary.dropped += 1;
                calm = 0;
            }
            if calm == CALM_RUNS {
                break;
            }
            assert!(suspension < SUSPENSIONS_MAX, "the future does not end");
        }
    }
    summary
}

/// A future that is dropped at one of its suspensions. Answers `None` when it was, and with the
/// output when the future ended before.
#[derive(Debug)]
pub struct DroppedAt<F> {
    future: Option<Pin<Box<F>>>,
    suspension: usize,
    seen: usize,
    moment: Moment,
}

impl<F: Future> DroppedAt<F> {
    /// `future`, to be dropped at `suspension`, where 0 is before its first poll.
    pub fn new(future: F, suspension: usize, moment: Moment) -> Self {
        Self {
            future: Some(Box::pin(future)),
            suspension,
            seen: 0,
            moment,
        }
    }
}

impl<F: Future> Future for DroppedAt<F> {
    type Output = Option<F::Output>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        // Due at 0, or woken after the last suspension that it is allowed.
        if this.seen == this.suspension {
            this.future = None;
        }
        let Some(future) = &mut this.future else {
            return Poll::Ready(None);
        };
        match future.as_mut().poll(context) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending => {
                this.seen += 1;
                if this.seen == this.suspension && this.moment == Moment::Suspended {
                    this.future = None;
                    return Poll::Ready(None);
                }
                Poll::Pending
            }
        }
    }
}
