//! The place of one call, in the bulkhead or in its queue.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use pin_project_lite::pin_project;
use tokio::time::Instant;

use super::queue::Entry;
use super::{Bulkhead, Limits};
use crate::catalog::PolicyKind;
use crate::policy::identity::{self, Conflict};
use crate::policy::switch::PolicyMode;
use crate::policy::timer::Timer;
use crate::policy::until::Until;

/// The place of one call, in the bulkhead or in its queue. Dropped, it comes back.
///
/// It is filled in where it lies, and small: moving it about costs more than taking a place.
#[derive(Debug)]
pub(super) struct Place {
    stage: Stage,
    /// Valid while it waits.
    ticket: u64,
    /// The one that is asked, and from then on the one whose place this is.
    bulkhead: &'static Bulkhead,
}

pin_project! {
    /// What one who waits must know.
    pub(super) struct Wait {
        since: Instant,
        until: Option<Until>,
        // Set when it does not wait for ever.
        #[pin]
        timer: Timer,
    }
}

/// Why a call was not let in.
#[derive(Clone, Copy)]
pub(super) enum Refused {
    Full { waited: Duration },
    Deadline { waited: Duration },
    Conflict(Conflict),
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

impl Place {
    /// Of a call that has not asked.
    pub(super) const fn none(bulkhead: &'static Bulkhead) -> Self {
        Self {
            stage: Stage::Asking,
            ticket: 0,
            bulkhead,
        }
    }

    /// Whether the call may run now: it had its place before, or there is a free one.
    #[inline]
    pub(super) fn take_at_once(&mut self, of: &'static Bulkhead) -> bool {
        match self.stage {
            Stage::Running | Stage::Uncounted => return true,
            Stage::Waiting | Stage::Ended => return false,
            Stage::Asking => {}
        }
        let (PolicyMode::Enforced, Ok(first)) = (of.switch.mode(), identity::first(of)) else {
            return false;
        };
        let is_free = first.queue.try_enter(first.limits.concurrent);
        if is_free {
            self.runs_in(first);
        }
        is_free
    }

    #[inline(never)]
    pub(super) fn take(
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
            (_, PolicyMode::Disabled) => {
                self.stage = Stage::Uncounted;
                return Ok(None);
            }
            (Err(_), PolicyMode::Shadow) => {
                of.switch.note(PolicyKind::Bulkhead, of.identity.name());
                self.stage = Stage::Uncounted;
                return Ok(None);
            }
            (Err(conflict), PolicyMode::Enforced) => return Err(Refused::Conflict(conflict)),
            (Ok(first), _) => first,
        };
        let Limits {
            concurrent, queue, ..
        } = first.limits;
        if mode == PolicyMode::Shadow {
            if first.queue.enter_regardless(concurrent, queue) {
                of.switch.note(PolicyKind::Bulkhead, of.identity.name());
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
        let until = Until::of(since, first.limits.wait);
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
                    timer: Timer::none(),
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
            let timer = wait.timer.as_mut();
            if timer.poll_at(until.at, context).is_pending() {
                return Poll::Pending;
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

    /// The call has ended, or waits no more.
    #[inline]
    pub(super) fn give_back(&mut self) {
        let places = self.bulkhead.limits.concurrent;
        match self.stage {
            Stage::Running => self.bulkhead.queue.leave(places),
            Stage::Waiting => self.bulkhead.queue.leave_line(self.ticket, places),
            Stage::Asking | Stage::Uncounted | Stage::Ended => {
                self.stage = Stage::Ended;
                return;
            }
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
