//! What happened, to which function or key, and what to do now.

use std::fmt;
use std::time::Duration;

use super::time::readable;
use super::{Error, saga};

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CircuitOpen {
                breaker,
                retry_after,
                cause,
            } => {
                let after = readable(*retry_after);
                write!(
                    f,
                    "circuit breaker `{breaker}` is open; it may admit a call in {after:?}"
                )?;
                match cause.text() {
                    Some(cause) => write!(f, "; it was opened by: {cause}"),
                    None => Ok(()),
                }
            }
            Self::BulkheadFull { bulkhead, waited } if waited.is_zero() => write!(
                f,
                "bulkhead `{bulkhead}` is full, and so is its queue; call again later, or raise \
                 `max_concurrent` or `max_queue`"
            ),
            Self::BulkheadFull { bulkhead, waited } => write!(
                f,
                "no place in bulkhead `{bulkhead}` became free within {:?}; call again later, or \
                 raise `max_concurrent` or `max_wait`",
                readable(*waited)
            ),
            Self::RateLimited { limit, retry_after } => write!(
                f,
                "rate limit `{limit}` is used up; it will admit this call in {:?}",
                readable(*retry_after)
            ),
            Self::RetryBudgetExhausted {
                function,
                budget,
                source,
                ..
            } => write!(
                f,
                "`{function}` failed and was not tried again, because the retry budget `{budget}` \
                 is used up: too large a part of its calls fails; the last error was: {source}"
            ),
            Self::DeadlineTooClose {
                function,
                needed,
                left,
                source,
                ..
            } => {
                let (needed, left) = (readable(*needed), readable(*left));
                write!(
                    f,
                    "`{function}` would have had to wait {needed:?}, and only {left:?} are left \
                     until the deadline of the call"
                )?;
                match source {
                    Some(source) => write!(f, "; the last error was: {source}"),
                    None => Ok(()),
                }
            }
            Self::TimedOut { function, after } => {
                write!(
                    f,
                    "`{function}` did not answer within {after:?}; it may have had its effect"
                )
            }
            Self::NameConflict {
                kind,
                name,
                first,
                second,
            } => write!(
                f,
                "two different configurations for {kind} `{name}`: {first} and {second}; \
                 make them equal, or give one another name"
            ),
            Self::NoRuntime {
                attribute,
                function,
            } => write!(
                f,
                "`#[{attribute}]` on `{function}` keeps records, and no runtime is open; in `main`, \
                 before the first call, write \
                 `let runtime = resilience::Runtime::open(\"sqlite://app.db\").await?;` \
                 and keep `runtime` until the end; one that is `scoped()` is open inside of \
                 `runtime.scope(..)` alone, and not in tasks that are spawned there"
            ),
            Self::ShuttingDown { function } => {
                write!(
                    f,
                    "`{function}` was not started: the runtime is shutting down; call it again after the next start"
                )
            }
            Self::MissingState {
                function,
                type_name,
            } => write!(
                f,
                "`{function}` has a `#[state]` parameter of type `{type_name}`, and the runtime has \
                 none; give it one with `Runtime::builder(url).state(value)`"
            ),
            Self::InProgress {
                function,
                key,
                waited,
                lease_left,
            } => {
                write!(
                    f,
                    "another call of `{function}` with key {key} is still running"
                )?;
                lease(f, *lease_left)?;
                write!(
                    f,
                    ", and this one waited for {waited:?}; call again later for its result, or raise `wait`"
                )
            }
            Self::KeyMissing { function, reason } => write!(
                f,
                "`{function}` was not run: its key {reason}; an operation that must happen once needs \
                 a key that is its own, such as an id or the `Idempotency-Key` header of a request"
            ),
            Self::ResultLost {
                function,
                key,
                reason,
            } => write!(
                f,
                "`{function}` has run before with key {key}, and its result was not kept: {reason}; \
                 look at what it did, or use a new key for a new operation"
            ),
            Self::SchemaChanged {
                function,
                key,
                stored,
                current,
            } => write!(
                f,
                "`{function}` has run before with key {key}, and its result was stored as `{stored}`, \
                 which is not `{current}`; use a new key, or write `on_schema_change = run_again` where \
                 running twice does no harm"
            ),
            Self::LeaseLost { function, key } => write!(
                f,
                "`{function}` with key {key} was stopped: its lease could not be kept, and another call \
                 may have taken its place; it may have had its effect"
            ),
            Self::LockBusy {
                lock,
                key,
                waited,
                lease_left,
            } => {
                write!(
                    f,
                    "lock `{lock}` with key {key} is still held by another call"
                )?;
                lease(f, *lease_left)?;
                write!(
                    f,
                    ", and this one waited for {waited:?}; call again later, or raise `wait`"
                )
            }
            Self::Recursive { function, key } => write!(
                f,
                "`{function}` with key {key} was called from inside itself: it would wait for its own \
                 end; call it with another key, or take the inner call out"
            ),
            Self::JoinedFailure { function, error } => write!(
                f,
                "`{function}` failed in the call that this one had joined: {error}"
            ),
            Self::KeyReused { function, key } => write!(
                f,
                "key {key} of `{function}` was used before with other arguments; \
                 one key stands for one operation: use a new key for a new one"
            ),
            Self::Encode {
                function,
                what,
                source,
            } => {
                write!(
                    f,
                    "{what} of `{function}` could not be serialised: {source}"
                )
            }
            Self::Decode {
                function,
                what,
                source,
            } => write!(
                f,
                "{what} of `{function}` could not be read back: {source}; \
                 the type has probably changed since it was stored"
            ),
            Self::Store { function, source } => {
                write!(f, "`{function}` was not run: {source}")
            }
            Self::NotRecorded { function, reason } => write!(
                f,
                "`{function}` has run, and its result could not be recorded: {reason}; \
                 a later call with this key may run it again"
            ),
            Self::StartInDoubt { .. }
            | Self::CompensationFailed { .. }
            | Self::SagaConflict { .. }
            | Self::SagaFailed { .. }
            | Self::SagaCancelled { .. }
            | Self::SagaTimedOut { .. }
            | Self::SagaParked { .. }
            | Self::SagaNotFound { .. }
            | Self::NoSagaStarted
            | Self::JournalMismatch { .. }
            | Self::Superseded { .. } => saga::write(self, f),
        }
    }
}

/// How long the holder's lease lasts, where that is known.
fn lease(f: &mut fmt::Formatter<'_>, left: Option<Duration>) -> fmt::Result {
    match left {
        Some(left) => write!(f, " (its lease lasts another {:?})", readable(left)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::error::{Error, Opening};

    #[test]
    fn a_time_that_a_clock_measured_is_told_in_milliseconds() {
        let error = Error::CircuitOpen {
            breaker: "db",
            retry_after: Duration::from_nanos(59_999_981_779),
            cause: Opening::UNKNOWN,
        };
        assert_eq!(
            error.to_string(),
            "circuit breaker `db` is open; it may admit a call in 60s"
        );
    }
}
