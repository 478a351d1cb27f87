//! What an operator sees: spans, events and metrics, in one place, so that their names are.
//!
//! Nothing is built, formatted or allocated when nobody listens: every function here asks first. The
//! names, for users, are in `docs/telemetry.md`.

pub(crate) mod meter;
mod observation;
mod observed;

pub use observed::Observed;
