//! The commands.

pub(crate) mod dlq;
pub(crate) mod doctor;
pub(crate) mod migrate;
mod named;
pub(crate) mod sagas;
mod shown;
mod waiting;
