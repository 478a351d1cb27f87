//! The names of steps that are no functions of the author's.
//!
//! They are what the journals have, and macros refuse them to authors: change none.

/// How all of them begin.
const RESERVED: &str = "saga::";
/// How those begin that are sagas which the body calls; the name of the saga follows.
const CALL: &str = "saga::call ";

/// The step of [`now`](super::now).
pub(super) const NOW: &str = "saga::now";
/// The step of [`sleep`](super::sleep).
pub(super) const SLEEP: &str = "saga::sleep";

/// Whether no function of the author's has this name.
pub(super) fn is_reserved(step: &str) -> bool {
    step.starts_with(RESERVED)
}

/// The step that is a call of `saga`.
pub(super) fn of_call(saga: &str) -> String {
    format!("{CALL}{saga}")
}

/// The saga that a step of this name calls, if it is a call.
pub(super) fn called_saga(step: &str) -> Option<&str> {
    step.strip_prefix(CALL)
}

/// What stands for `saga` in the id of one that a body starts and does not wait for. No step has this name.
pub(super) fn of_start(saga: &str) -> String {
    format!("saga::start {saga}")
}
