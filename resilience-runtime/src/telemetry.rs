//! What an operator sees of a call: its span, its metrics, and how metrics are written. Events are
//! written where they happen, by the policies.
//!
//! Nothing is built, formatted or allocated when nobody listens: every function here asks first. The
//! names, for users, are in `docs/telemetry.md`.

pub(crate) mod meter;
pub(crate) mod names;
mod observation;
mod observed;
pub(crate) mod sagas;

pub use observed::Observed;
