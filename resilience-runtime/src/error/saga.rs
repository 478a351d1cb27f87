//! The same about sagas: what happened, to which saga and id, and what to do now.

use std::fmt;

use super::Error;
use super::time::readable;
use crate::saga::journal::Parking;

/// Writes an error that is about a saga; nothing for the others.
pub(super) fn write(error: &Error, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match error {
        Error::StartInDoubt { saga, id, source } => write!(
            f,
            "saga `{saga}` ({id}) was not run by this call, and the next process may find and \
             run it: {source}; look for it in the journal before you start another one, or give it an `id` or a `key` and \
             call again with that"
        ),
        Error::CompensationFailed {
            saga,
            id,
            step,
            cause,
            dead_letter,
        } => write!(
            f,
            "saga `{saga}` ({id}) failed ({cause}), and step `{step}` could not be undone; \
             dead letter {dead_letter} holds what is left to do: retry it when the cause is gone, or do it by hand and resolve it"
        ),
        Error::SagaConflict {
            saga,
            id,
            existing,
            arguments,
        } => {
            write!(
                f,
                "saga `{saga}` ({id}) was not started: there is a saga with this id, and "
            )?;
            if saga == existing {
                write!(f, "it has another value of {}", Names(arguments))?;
            } else {
                write!(f, "it is one of `{existing}`")?;
            }
            f.write_str("; an id or a key stands for one piece of work: use a new one for a new one")
        }
        Error::SagaFailed {
            saga,
            id,
            cause,
            compensated,
        } => {
            let undone = undone(*compensated);
            write!(
                f,
                "saga `{saga}` ({id}) failed{undone}: {cause}; to try again, start a new one, under another `id` or `key` if it has one"
            )
        }
        Error::SagaCancelled {
            saga,
            id,
            compensated,
        } => {
            let undone = undone(*compensated);
            write!(
                f,
                "saga `{saga}` ({id}) was cancelled{undone}; its audit says by whom"
            )
        }
        Error::SagaTimedOut {
            saga,
            id,
            after,
            compensated,
        } => {
            let (after, undone) = (readable(*after), undone(*compensated));
            write!(
                f,
                "saga `{saga}` ({id}) did not end within its `timeout` of {after:?}{undone}; start a new one, or raise it"
            )
        }
        Error::SagaParked {
            saga,
            id,
            reason,
            cause,
            dead_letter,
        } => {
            write!(f, "saga `{saga}` ({id}) is parked: {cause}; ")?;
            match reason {
                Parking::Mismatch => write!(
                    f,
                    "it goes on by itself when code that fits its journal is started; to undo it, see dead letter \
                     {dead_letter}"
                ),
                Parking::Poison | Parking::Stuck => write!(
                    f,
                    "remove what stops it and retry dead letter {dead_letter}, or undo it there"
                ),
                Parking::Operator => write!(
                    f,
                    "no process goes on with it unless dead letter {dead_letter} is retried, forward or as a compensation"
                ),
            }
        }
        Error::SagaNotFound { id } => write!(
            f,
            "the journal has no saga {id}: it was never started, or the transaction that was to start it was rolled back, \
             or it ended longer ago than the `retention`"
        ),
        Error::NoSagaStarted => f.write_str(
            "the future ended without starting a saga: `saga::start` and `saga::start_in` take the call of a function \
             under `#[saga]`, and nothing above the saga may answer it (an `#[idempotent]` that knows the result does: give the saga \
             an `id` or a `key` instead)",
        ),
        Error::JournalMismatch {
            saga,
            id,
            difference,
        } => write!(
            f,
            "the journal of saga `{saga}` ({id}) does not match the code: {difference}; \
             the saga is parked, with a dead letter, and goes on by itself when code that fits is started"
        ),
        Error::Superseded { saga, id } => write!(
            f,
            "saga `{saga}` ({id}) was taken over by another process, which brings it to its end; look it up \
             by its id to see how it ended"
        ),
        _ => Ok(()),
    }
}

fn undone(compensated: bool) -> &'static str {
    match compensated {
        true => " and was undone",
        false => "",
    }
}

/// Names of arguments, in a sentence.
struct Names<'a>(&'a [String]);

impl fmt::Display for Names<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, name) in self.0.iter().enumerate() {
            let separator = match index {
                0 => "",
                _ if index + 1 == self.0.len() => " and of ",
                _ => ", of ",
            };
            write!(f, "{separator}`{name}`")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_conflict_names_the_arguments_and_nothing_of_their_values() {
        let conflict = |existing: &str, arguments: &[&str]| Error::SagaConflict {
            saga: "pay",
            id: "order-17".to_owned(),
            existing: existing.to_owned(),
            arguments: arguments.iter().map(|&name| name.to_owned()).collect(),
        };
        assert_eq!(
            conflict("pay", &["amount", "to", "why"]).to_string(),
            "saga `pay` (order-17) was not started: there is a saga with this id, and it has another value of `amount`, \
             of `to` and of `why`; an id or a key stands for one piece of work: use a new one for a new one"
        );
        let text = conflict("refund", &[]).to_string();
        assert!(text.contains("and it is one of `refund`;"), "{text}");
    }

    #[test]
    fn the_ends_of_a_saga_are_told_apart() {
        let (saga, id) = ("pay", || "7".to_owned());
        let failed = |compensated| Error::SagaFailed {
            saga,
            id: id(),
            cause: "no money".to_owned(),
            compensated,
        };
        assert_eq!(
            failed(true).to_string(),
            "saga `pay` (7) failed and was undone: no money; to try again, start a new one, under another `id` or `key` if it has one"
        );
        assert_eq!(
            failed(false).to_string(),
            "saga `pay` (7) failed: no money; to try again, start a new one, under another `id` or `key` if it has one"
        );
        let timed_out = Error::SagaTimedOut {
            saga,
            id: id(),
            after: Duration::from_secs(30),
            compensated: true,
        };
        assert_eq!(
            timed_out.to_string(),
            "saga `pay` (7) did not end within its `timeout` of 30s and was undone; start a new one, or raise it"
        );
        let parked = |reason| {
            let parked = Error::SagaParked {
                saga,
                id: id(),
                reason,
                cause: "why".to_owned(),
                dead_letter: "3".to_owned(),
            };
            parked.to_string()
        };
        assert!(parked(Parking::Mismatch).contains("code that fits its journal"));
        assert!(parked(Parking::Stuck).contains("retry dead letter 3"));
        assert!(parked(Parking::Operator).contains("dead letter 3 is retried"));
    }
}
