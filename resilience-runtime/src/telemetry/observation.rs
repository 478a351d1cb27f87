//! What is written down about one call while somebody listens.

use tokio::time::Instant;
use tracing::field::Empty;
use tracing::subscriber::NoSubscriber;
use tracing::{Level, Span};

use super::{meter, names};
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
    has_panicked: bool,
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
            replayed = Empty,
        );
        if !is_heard(&span) && !meter::is_listening() {
            return None;
        }
        Some(Box::new(Self {
            function,
            span,
            started: Instant::now(),
            has_panicked: false,
        }))
    }

    /// A part of the call is polled from now on, inside of the span.
    #[cold]
    #[inline(never)]
    pub(super) fn enter(&mut self) {
        self.span.with_subscriber(|(id, to)| to.enter(id));
    }

    /// The poll has come back.
    #[cold]
    #[inline(never)]
    pub(super) fn leave(&mut self) {
        self.span.with_subscriber(|(id, to)| to.exit(id));
    }

    /// The poll does not come back.
    #[cold]
    #[inline(never)]
    pub(super) fn panicked(&mut self) {
        self.leave();
        self.has_panicked = true;
    }

    /// The call has answered.
    #[cold]
    #[inline(never)]
    pub(super) fn answered(&self, is_ok: bool, origin: Origin) {
        let ending = match (origin.refusal(), origin.effect()) {
            _ if is_ok => Ending::Ok,
            (Some(Refusal::TimedOut), _) => Ending::TimedOut,
            (Some(_), Effect::DidNotRun) => Ending::Refused,
            // A call that was not tried again, or not recorded, has failed all the same.
            (None | Some(_), _) => Ending::Error,
        };
        meter::time(
            names::CALL_DURATION,
            "function",
            self.function,
            self.started.elapsed(),
        );
        if origin.is_record() {
            self.span.record("replayed", true);
        }
        self.end(ending, origin.effect());
    }

    /// The call is dropped before it has answered: because of a panic, or because nobody waits for it
    /// any more.
    #[cold]
    #[inline(never)]
    pub(super) fn dropped(&self) {
        // A predicate of the user's may have panicked as well, outside of any poll.
        let ending = if self.has_panicked || std::thread::panicking() {
            Ending::Panicked
        } else {
            Ending::Cancelled
        };
        self.end(ending, Effect::MayHaveRun);
    }

    fn end(&self, ending: Ending, effect: Effect) {
        self.span.record("outcome", ending.name());
        self.span.record("effect", name_of(effect));
        meter::count(names::CALLS, "function", self.function);
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
            Self::Error | Self::TimedOut | Self::Panicked => Some(names::CALLS_FAILED),
            Self::Refused => Some(names::CALLS_REFUSED),
            Self::Cancelled => Some(names::CALLS_CANCELLED),
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
