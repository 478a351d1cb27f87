//! `#[saga]` and `#[saga_step]`: journaled steps with compensation.

pub mod journal;
