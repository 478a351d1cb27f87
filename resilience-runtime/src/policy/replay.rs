//! One argument for many attempts.

use std::fmt;

/// An argument that is passed by value to every attempt: one clone less than there are attempts,
/// and none at all for an attempt that an inner policy refuses.
///
/// The bound is asked for by [`Replay::new`] alone, so that an argument which is not `Clone` is
/// one compile error, on the argument.
pub struct Replay<T> {
    value: Option<T>,
    copy: fn(&T) -> T,
}

impl<T> fmt::Debug for Replay<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The value is the user's, and may be a secret.
        f.debug_struct("Replay").finish_non_exhaustive()
    }
}

impl<T> Replay<T> {
    /// Keeps `value` for the attempts to come.
    #[must_use]
    pub fn new(value: T) -> Self
    where
        T: Replayable,
    {
        Self {
            value: Some(value),
            copy: T::replay,
        }
    }

    /// A clone of the argument, which stays: for a call that a hedge or a fallback may make once
    /// more.
    ///
    /// Exclusive, although it changes nothing: a future that holds it then asks no more of the
    /// argument than that it is `Send`.
    #[must_use]
    pub fn copy(&mut self) -> T {
        match &self.value {
            Some(value) => (self.copy)(value),
            None => asked_too_often(),
        }
    }

    /// The argument for a call that has attempts of its own.
    #[must_use]
    pub fn fork(&mut self) -> Self {
        Self {
            value: Some(self.copy()),
            copy: self.copy,
        }
    }

    /// The argument for one attempt: a clone, or, for the last attempt, the value itself.
    ///
    /// `last` is what [`Attempts::is_last`](super::retry::Attempts::is_last) said at the start of
    /// this attempt.
    pub fn take(&mut self, last: bool) -> T {
        let argument = if last {
            self.value.take()
        } else {
            self.value.as_ref().map(self.copy)
        };
        match argument {
            Some(argument) => argument,
            None => asked_too_often(),
        }
    }
}

/// Where the last attempt has the value: `Attempts` says `is_last` of one attempt only and always
/// breaks the loop after it, so generated code does not get here. There is no other answer: a value
/// that was moved out cannot be had twice.
#[cold]
fn asked_too_often() -> ! {
    unreachable!("an argument was asked for after the last attempt had it")
}

/// An argument that several attempts can each have for themselves: `Clone`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be passed on more than once: it is not `Clone`",
    label = "each attempt, and a fallback, needs its own copy of this argument",
    note = "take it by reference, wrap it in `Arc`, or derive `Clone` for `{Self}`"
)]
pub trait Replayable {
    /// A copy for one attempt.
    #[must_use]
    fn replay(&self) -> Self;
}

#[diagnostic::do_not_recommend]
impl<T: Clone> Replayable for T {
    fn replay(&self) -> Self {
        self.clone()
    }
}
