//! What is seen of a call of an annotated function.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod calls;
#[cfg(feature = "metrics")]
mod metered;
mod spans;
