//! The pause between two attempts, and whether there is one.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep, sleep};

use super::{Refused, Retry, RetryBudget};
use crate::error::{BoxError, Effect, Error};
use crate::policy::deadline;

pin_project! {
    /// The pause before the next attempt. It can be dropped at any time.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct Pause {
        #[pin]
        timer: Sleep,
    }
}

impl Pause {
    /// From now on, for this long.
    pub(super) fn of(length: Duration) -> Self {
        Self {
            timer: sleep(length),
        }
    }

    #[cfg(test)]
    pub(super) fn ends_at(&self) -> Instant {
        self.timer.deadline()
    }
}

impl Future for Pause {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        self.project().timer.poll(context)
    }
}

/// How long a pause is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Length {
    /// As the backoff has it.
    pub(super) drawn: Duration,
    /// As long as it has to be.
    pub(super) pause: Duration,
}

/// Why there is no other attempt, although there could be.
#[derive(Debug)]
pub(super) enum Denied {
    TooLate { needed: Duration, left: Duration },
    NoToken(Refused),
}

impl Length {
    /// The pause after this many attempts, and not shorter than `least`. It costs a token. `deadline`
    /// is the retry's own.
    pub(super) fn after(
        retry: &'static Retry,
        attempts: u32,
        previous: Option<Duration>,
        least: Duration,
        deadline: Option<Instant>,
    ) -> Result<Self, Denied> {
        let drawn = retry.draw(attempts, previous);
        let pause = drawn.max(least);
        let around = deadline::deadline();
        if let Some(deadline) = deadline.into_iter().chain(around).min() {
            let now = Instant::now();
            if now.checked_add(pause).is_none_or(|end| end >= deadline) {
                return Err(Denied::TooLate {
                    needed: pause,
                    left: deadline.saturating_duration_since(now),
                });
            }
        }
        retry.budget.take().map_err(Denied::NoToken)?;
        Ok(Self { drawn, pause })
    }
}

impl Denied {
    /// What the caller is told, where the error of the last attempt can be the source.
    pub(super) fn into_error(
        self,
        function: &'static str,
        effect: Effect,
        source: BoxError,
    ) -> Error {
        match self {
            Self::TooLate { needed, left } => Error::DeadlineTooClose {
                function,
                needed,
                left,
                effect,
                source: Some(source),
            },
            Self::NoToken(Refused::Empty { budget }) => Error::RetryBudgetExhausted {
                function,
                budget: budget.unwrap_or(function),
                effect,
                source,
            },
            // The mistake in the code is what has to be seen. By itself it would say that the body
            // did not run.
            Self::NoToken(Refused::NameConflict {
                budget,
                first,
                second,
            }) => Error::RetryBudgetExhausted {
                function,
                budget,
                effect,
                source: Box::new(Error::NameConflict {
                    kind: RetryBudget::KIND,
                    name: budget,
                    first,
                    second,
                }),
            },
        }
    }
}
