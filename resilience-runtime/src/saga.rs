//! `#[saga]` and `#[saga_step]`: journaled steps with compensation.
//!
//! # What is guaranteed
//!
//! - A saga is durable before its body begins, and each step before the next one begins. A saga of
//!   `k` steps costs `k + 1` durable writes, and one more for each step that has to be undone.
//! - After a crash, a process that opens the store runs the saga function again with its
//!   journaled arguments. Finished steps answer from the journal and are not run. The step that
//!   was running at the crash is run again: **a step runs at least once**, and one that must not
//!   have its effect twice needs a key that its service knows.
//! - When the body returns `Err` (or panics), that decision is durable before the first
//!   compensation and never changes. Finished steps are undone one at a time, newest first. A
//!   compensation may run again after a crash, too.
//! - A compensation that fails for good stops the rest: it, and the steps that finished before
//!   it, wait in the dead letter queue and the journal for an operator.
//! - A caller that goes away (a timeout above the saga, a closed connection) does not end the
//!   saga: the runtime finishes it.
//! - A journal that cannot be written is waited for. It never is a reason to undo.
//!
//! # What the body must keep to
//!
//! Run again, the body must ask for the same steps with the same arguments, those of one name in the
//! same order: what it decides by must be its arguments and what steps returned. Where it asks for something else the
//! saga stops and goes to the dead letter queue. A step that failed is no part of the journal:
//! a body that goes on after one, or tries it again itself instead of by `#[retry]` on the step,
//! can come out differently when it is run again.
//!
//! Only steps that are awaited in the body's own task are journaled; a step in a task that the
//! body spawned is a plain call. A step within a step is part of that step. A saga that is called
//! in a saga's body is a saga of its own.

mod abandon;
mod admission;
mod caught;
mod compensation;
mod context;
mod ending;
pub(crate) mod endings;
mod execution;
mod helpers;
pub(crate) mod id;
mod identity;
pub mod journal;
mod ledger;
mod options;
pub(crate) mod recovery;
mod resume;
mod run;
mod sagas;
mod step;
pub(crate) mod supervisor;
mod ticket;
mod transactional;
mod unstoppable;
mod waiting;

pub(crate) use compensation::{Undoing, Undone, undo};
pub use helpers::{current, idempotency_key, now, random, sleep, uuid};
pub use identity::Identity;
pub use options::{OnDead, Recover, Saga, SagaStep};
pub use sagas::Sagas;
pub use transactional::{StepScope, Taken};
pub(crate) use unstoppable::Unstoppable;
