//! A call on its way through a bulkhead.

use std::fmt;
use std::mem;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use pin_project_lite::pin_project;
use tokio::task::coop::unconstrained;
use tokio::time::{Instant, Sleep, sleep_until};

use super::queue::Entry;
use super::{Bulkhead, Limits};
use crate::error::{Effect, Error};
use crate::outcome::{Answer, Function, Outcome, Refusal};
use crate::policy::deadline::deadline;
use crate::policy::identity::{self, Conflict};
use crate::policy::switch::Mode;
use crate::telemetry::{meter, names};

pin_project! {
    /// A call under a [`Bulkhead`], which is asked at the first poll.
    #[must_use = "futures do nothing unless polled"]
    pub struct Entered<F, T, E> {
        // Before the place: what the call holds is gone before another call begins.
        #[pin]
        call: F,
        place: Place,
        // While it waits.
        #[pin]
        wait: Option<Wait>,
        bulkhead: &'static Bulkhead,
        function: Function<Result<T, E>>,
    }
}

impl<F, T, E> Entered<F, T, E> {
    pub(super) fn new(
        bulkhead: &'static Bulkhead,
        call: F,
        function: Function<Result<T, E>>,
    ) -> Self {
        Self {
            call,
            place: Place {
                stage: Stage::Asking,
                ticket: 0,
                bulkhead,
            },
            wait: None,
            bulkhead,
            function,
        }
    }
}

impl<F, T, E> fmt::Debug for Entered<F, T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entered")
            .field("function", &self.function)
            .field("bulkhead", &self.bulkhead)
            .finish_non_exhaustive()
    }
}

impl<F, T, E> Future for Entered<F, T, E>
where
    F: Future<Output: Outcome<Ok = T, Err = E>>,
{
    type Output = Answer<T, E>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if !this.place.take_at_once(this.bulkhead) {
            match this.place.take(this.bulkhead, this.wait, context) {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(refused)) => {
                    return Poll::Ready(refusal(this.bulkhead, refused, this.function));
                }
                // It waits; or it is polled again after its answer, and there is no more to come.
                Poll::Pending => return Poll::Pending,
            }
        }
        let watch = PanicWatch(this.place);
        let polled = this.call.poll(context);
        mem::forget(watch);
        let Poll::Ready(outcome) = polled else {
            return Poll::Pending;
        };
        let answer = outcome.into_answer();
        this.place.give_back();
        this.place.stage = Stage::Ended;
        Poll::Ready(answer)
    }
}

/// How far a call is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Asking,
    Waiting,
    /// It has a place.
    Running,
    /// It runs, and nobody counts it.
    Uncounted,
    Ended,
}

pin_project! {
    /// What one who waits must know.
    struct Wait {
        since: Instant,
        until: Option<Until>,
        // Made when it does not wait for ever.
        #[pin]
        timer: Option<Sleep>,
    }
}

/// When a wait ends.
#[derive(Debug, Clone, Copy)]
struct Until {
    at: Instant,
    /// Whether that is the deadline of the call.
    is_deadline: bool,
}

/// Why a call was not let in.
#[derive(Clone, Copy)]
enum Refused {
    Full { waited: Duration },
    Deadline { waited: Duration },
    Conflict(Conflict),
}

/// The place of one call, in the bulkhead or in its queue. Dropped, it comes back.
///
/// It is filled in where it lies, and small: moving it about costs more than taking a place.
#[derive(Debug)]
struct Place {
    stage: Stage,
    /// Valid while it waits.
    ticket: u64,
    /// The one that is asked, and from then on the one whose place this is.
    bulkhead: &'static Bulkhead,
}

impl Place {
    /// Whether the call may run now: it had its place before, or there is a free one.
    #[inline]
    fn take_at_once(&mut self, of: &'static Bulkhead) -> bool {
        match self.stage {
            Stage::Running | Stage::Uncounted => return true,
            Stage::Waiting | Stage::Ended => return false,
            Stage::Asking => {}
        }
        let (Mode::Enforced, Ok(first)) = (of.switch.mode(), identity::first(of)) else {
            return false;
        };
        let is_free = first.queue.try_enter(first.limits.concurrent);
        if is_free {
            self.runs_in(first);
        }
        is_free
    }

    #[inline(never)]
    fn take(
        &mut self,
        of: &'static Bulkhead,
        mut wait: Pin<&mut Option<Wait>>,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), Refused>> {
        if self.stage == Stage::Asking {
            // Ended, unless it is let in.
            self.stage = Stage::Ended;
            match self.ask(of, context) {
                Ok(found) => wait.set(found),
                Err(refused) => return Poll::Ready(Err(refused)),
            }
        }
        match (self.stage, wait.as_mut().as_pin_mut()) {
            (Stage::Waiting, Some(waiting)) => {
                let waited = self.wait(waiting, context);
                if waited.is_ready() {
                    wait.set(None);
                }
                waited
            }
            (Stage::Running | Stage::Uncounted, _) => Poll::Ready(Ok(())),
            _ => Poll::Pending,
        }
    }

    /// Gets a place, or joins the queue and answers with what it needs there.
    fn ask(
        &mut self,
        of: &'static Bulkhead,
        context: &Context<'_>,
    ) -> Result<Option<Wait>, Refused> {
        let mode = of.switch.mode();
        let first = match (identity::first(of), mode) {
            (_, Mode::Disabled) => {
                self.stage = Stage::Uncounted;
                return Ok(None);
            }
            (Err(_), Mode::Shadow) => {
                of.switch.note(of.identity.name());
                self.stage = Stage::Uncounted;
                return Ok(None);
            }
            (Err(conflict), Mode::Enforced) => return Err(Refused::Conflict(conflict)),
            (Ok(first), _) => first,
        };
        let Limits {
            concurrent, queue, ..
        } = first.limits;
        if mode == Mode::Shadow {
            if first.queue.enter_regardless(concurrent, queue) {
                of.switch.note(of.identity.name());
            }
            self.runs_in(first);
            return Ok(None);
        }
        let full = Refused::Full {
            waited: Duration::ZERO,
        };
        if queue == 0 {
            return Err(full);
        }
        let since = Instant::now();
        let until = until(since, first.limits.wait);
        if until.is_some_and(|until| until.at <= since) {
            return Err(Refused::Deadline {
                waited: Duration::ZERO,
            });
        }
        match first
            .queue
            .enter_or_wait(concurrent, queue, context.waker())
        {
            Entry::Full => Err(full),
            Entry::Admitted => {
                self.runs_in(first);
                Ok(None)
            }
            Entry::Waiting(ticket) => {
                self.stage = Stage::Waiting;
                self.ticket = ticket;
                self.bulkhead = first;
                first.show();
                Ok(Some(Wait {
                    since,
                    until,
                    timer: None,
                }))
            }
        }
    }

    fn wait(
        &mut self,
        wait: Pin<&mut Wait>,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), Refused>> {
        let mut wait = wait.project();
        let admitted = self
            .bulkhead
            .queue
            .is_admitted(self.ticket, context.waker());
        // A place that comes at the deadline is of no use: the call would be cut off at once.
        let in_vain = |until: Until| until.is_deadline && Instant::now() >= until.at;
        if admitted && !wait.until.is_some_and(in_vain) {
            self.stage = Stage::Running;
            return Poll::Ready(Ok(()));
        }
        let Some(until) = *wait.until else {
            return Poll::Pending;
        };
        if !admitted {
            if wait.timer.is_none() {
                wait.timer.set(Some(sleep_until(until.at)));
            }
            if let Some(timer) = wait.timer.as_pin_mut() {
                // The wait ends on time also in a task that has used up its share.
                if pin!(unconstrained(timer)).poll(context).is_pending() {
                    return Poll::Pending;
                }
            }
        }
        self.give_back();
        let waited = wait.since.elapsed();
        Poll::Ready(Err(if until.is_deadline {
            Refused::Deadline { waited }
        } else {
            Refused::Full { waited }
        }))
    }

    #[inline]
    fn runs_in(&mut self, bulkhead: &'static Bulkhead) {
        self.bulkhead = bulkhead;
        self.stage = Stage::Running;
        bulkhead.show();
    }

    #[inline]
    fn give_back(&mut self) {
        let places = self.bulkhead.limits.concurrent;
        match self.stage {
            Stage::Running => self.bulkhead.queue.leave(places),
            Stage::Waiting => self.bulkhead.queue.leave_line(self.ticket, places),
            Stage::Asking | Stage::Uncounted | Stage::Ended => return,
        }
        self.stage = Stage::Ended;
        self.bulkhead.show();
    }
}

impl Drop for Place {
    #[inline]
    fn drop(&mut self) {
        self.give_back();
    }
}

/// Dropped only when the call panics in its poll: its place is free then, whoever keeps the future.
struct PanicWatch<'a>(&'a mut Place);

impl Drop for PanicWatch<'_> {
    fn drop(&mut self) {
        self.0.give_back();
    }
}

/// The end of a wait: the longest wait, or the deadline if that comes first.
fn until(since: Instant, wait: Option<Duration>) -> Option<Until> {
    let own = wait.and_then(|wait| since.checked_add(wait));
    match (own, deadline()) {
        (own, Some(deadline)) if own.is_none_or(|own| deadline <= own) => Some(Until {
            at: deadline,
            is_deadline: true,
        }),
        (Some(own), _) => Some(Until {
            at: own,
            is_deadline: false,
        }),
        (None, _) => None,
    }
}

/// The answer to a call that was not let in.
#[cold]
fn refusal<T, E>(
    bulkhead: &'static Bulkhead,
    refused: Refused,
    function: &Function<Result<T, E>>,
) -> Answer<T, E> {
    let name = bulkhead.identity.name();
    let error = match refused {
        Refused::Conflict(conflict) => {
            return Answer::refused(conflict.error(bulkhead), Refusal::Final, function);
        }
        Refused::Full { waited } => Error::BulkheadFull {
            bulkhead: name,
            waited,
        },
        Refused::Deadline { waited } => Error::DeadlineTooClose {
            function: function.name,
            needed: waited,
            left: Duration::ZERO,
            effect: Effect::DidNotRun,
            source: None,
        },
    };
    tracing::debug!(bulkhead = name, function = function.name, %error, "rejected by a bulkhead");
    meter::count(names::BULKHEAD_REJECTIONS, "bulkhead", name);
    Answer::refused(error, Refusal::Rejected { retry_after: None }, function)
}
