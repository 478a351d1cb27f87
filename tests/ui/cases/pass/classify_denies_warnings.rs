// A crate that allows nothing can derive `Classify`: what it generates is clean.

#![deny(warnings, missing_docs, unused, unreachable_pub, unused_qualifications, future_incompatible)]
#![forbid(unsafe_code)]
//! Nothing is allowed here.

use std::time::Duration;

use resilience::{Class, Classify};

/// An error.
#[derive(Debug, Classify)]
pub enum Failure<E> {
    /// It may work later.
    #[classify(throttled(after = retry_after))]
    Busy {
        /// When.
        retry_after: ::core::option::Option<Duration>,
    },
    /// Gone for good.
    #[deprecated]
    #[classify(permanent)]
    Gone(u8),
    /// Another one.
    #[classify(transparent)]
    Inner(E),
}

/// An error that never occurs.
#[derive(Debug, Classify)]
pub enum Never {}

/// A name that the derive uses inside.
#[derive(Debug, Classify)]
#[classify(throttled(after = 0))]
pub struct Option(pub Duration);

fn main() {
    let failure = Failure::Inner(Option(Duration::ZERO));
    assert_ne!(failure.classify(), Class::Transient);
}
