//! What is written down about one call while somebody listens.

use tokio::time::Instant;
use tracing::field::Empty;
use tracing::subscriber::NoSubscriber;
use tracing::{Level, Span};

use super::meter;
use crate::error::Effect;
use crate::outcome::{Origin, Refusal};

/// The target of the spans.
const TARGET: &str = "resilience";

/// One call that somebody wants to hear of.
#[derive(Debug)]
pub(super) struct Observation {
    function: &'static str,
    span: Span,
    started: Instant,
    is_polled: bool,
}

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    Ok,
    Error,
    Refused,
    TimedOut,
    Cancelled,
    Panicked,
}

/// Whether somebody may listen: a look at two variables.
#[inline]
pub(super) fn is_wanted() -> bool {
    tracing::level_enabled!(Level::DEBUG) || meter::is_listening()
}

impl Observation {
    /// Begins to observe a call of `function`, if somebody does listen.
    #[inline(never)]
    pub(super) fn begin(function: &'static str) -> Option<Box<Self>> {
        let span = tracing::debug_span!(
            target: TARGET,
            "call",
            function,
            outcome = Empty,
            effect = Empty,
        );
        if !is_heard(&span) && !meter::is_listening() {
            return None;
        }
        Some(Box::new(Self {
            function,
            span,
            started: Instant::now(),
            is_polled: false,
        }))
    }

    /// Runs `poll` inside of the span.
    pub(super) fn observe<R>(&mut self, poll: impl FnOnce() -> R) -> R {
        let _entered = self.span.enter();
        // What does not come back has panicked.
        self.is_polled = true;
        let result = poll();
        self.is_polled = false;
        result
    }

    /// The call has answered.
    pub(super) fn answered(&self, is_ok: bool, origin: Origin) {
        let ending = match origin.refusal {
            _ if is_ok => Ending::Ok,
            None => Ending::Error,
            Some(Refusal::TimedOut) => Ending::TimedOut,
            Some(Refusal::Rejected { .. } | Refusal::Final) => Ending::Refused,
        };
        meter::time(
            "call_duration_seconds",
            "function",
            self.function,
            self.started.elapsed(),
        );
        self.end(ending, origin.effect);
    }

    /// The call is dropped before it has answered: because of a panic, or because nobody waits for it
    /// any more. What it says in its end belongs to it.
    pub(super) fn dropped(&self, drop: impl FnOnce()) {
        self.span.in_scope(drop);
        let ending = if self.is_polled {
            Ending::Panicked
        } else {
            Ending::Cancelled
        };
        self.end(ending, Effect::MayHaveRun);
    }

    fn end(&self, ending: Ending, effect: Effect) {
        self.span.record("outcome", ending.name());
        self.span.record("effect", name_of(effect));
        meter::count("calls_total", "function", self.function);
        if let Some(counter) = ending.counter() {
            meter::count(counter, "function", self.function);
        }
    }
}

/// Whether the span has a subscriber. Where threads have subscribers of their own, one is made for
/// those that have none, too.
fn is_heard(span: &Span) -> bool {
    span.with_subscriber(|(_, subscriber)| !subscriber.is::<NoSubscriber>())
        .unwrap_or(false)
}

impl Ending {
    fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Error => "error",
            Self::Refused => "refused",
            Self::TimedOut => "timed_out",
            Self::Cancelled => "cancelled",
            Self::Panicked => "panicked",
        }
    }

    /// What is counted beside `calls_total`.
    fn counter(self) -> Option<&'static str> {
        match self {
            Self::Ok => None,
            Self::Error | Self::TimedOut | Self::Panicked => Some("calls_failed_total"),
            Self::Refused => Some("calls_refused_total"),
            Self::Cancelled => Some("calls_cancelled_total"),
        }
    }
}

fn name_of(effect: Effect) -> &'static str {
    match effect {
        Effect::DidNotRun => "did_not_run",
        Effect::MayHaveRun => "may_have_run",
        Effect::Ran => "ran",
    }
}
