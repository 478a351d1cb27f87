//! The compile-error tests.
//!
//! A case in `cases/<topic>/<mistake>.rs` begins with the mistake in words, then with what the
//! compiler must say about it on any compiler: our own lines, and how many errors it is.
//!
//! ```text
//! // The option is misspelt.
//! //~ #[retry] has no option `max_atempts`
//! //~ did you mean `max_attempts`?
//! //~ errors: 1
//! ```
//!
//! `errors: 1` may be left out. Beside the case, a `.stderr` file has the whole text as the
//! compiler printed it that it was blessed with. Compilers differ in the rest of their words, so
//! that the whole text is compared on that one only. A case in `cases/pass` compiles.
//!
//! `RESILIENCE_UI_ANY_COMPILER=1` leaves the comparison of whole texts out.

// Clippy lets tests panic, but not their helpers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod case;
// Its name is how scripts/test gives these tests, which are slow, a stage of their own.
mod compile_errors;
mod package;
