//! The attribute macros of the `resilience` crate.
