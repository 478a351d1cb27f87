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
//! - When the body returns `Err` or panics, when the saga is cancelled or its `timeout` is over, that decision is durable
//!   before the first compensation and never changes. Finished steps are undone one at a time, newest first, out of reach
//!   of another cancel, of every deadline and of the caller. A compensation may run again after a crash, too.
//! - Behind a step that is a `pivot` there is no way back: a saga that fails there is run again until it is done, a cancel is
//!   refused, and a timeout does nothing.
//! - A saga that is cancelled, or out of time, begins no new step. Those that are under way have 30 s to come out; then the
//!   body is dropped, and what did not come out is in doubt.
//! - A compensation that fails for good stops the rest, unless its author wants it otherwise: it, and the steps that finished
//!   before it, wait in the dead letter queue and the journal for an operator.
//! - A caller that goes away (a timeout above the saga, a closed connection) does not end the
//!   saga: the runtime finishes it. One that is [started](start()) has no caller from the beginning.
//! - A saga with an `id` or a `key` is one saga for as long as the journal has it: whoever calls it again gets its answer,
//!   however it ended, and whoever calls it with other arguments a conflict.
//! - A journal that cannot be written is waited for. It never is a reason to undo.
//!
//! # What the body must keep to
//!
//! Run again, the body must ask for the same steps with the same arguments: what it decides by must be its arguments, what
//! steps returned, and what [`now`] and [`random`] say. No new step begins before all those were asked for that are in the
//! journal: where the body stands still for a second before that, waiting for a step that is not, or ends, the
//! saga is parked, and the new code has had no effect. (So one branch of a body must not wait for a second for something
//! that is neither a step nor a [`sleep`], while another one asks for a step.) A step that failed answers the same when the body is run again if its
//! error has a JSON form; if not, it is run again, and a body that goes on after it can come out differently.
//!
//! Only steps that are awaited in the body's own task are journaled; a step in a task that the
//! body spawned is a plain call. A step within a step is part of that step. A saga that is called
//! in a saga's body is a step of it: it has an id that follows from its caller's, is undone with its caller, and is cancelled
//! with it. Under an `#[idempotent]`, in a step and under [`start`](start()) it is a saga of its own.

mod abandon;
mod admission;
mod answer;
mod cancel;
mod caught;
mod cause;
mod codec;
mod compensation;
mod context;
mod decision;
mod drive;
mod ending;
pub(crate) mod endings;
mod execution;
mod finish_on_drop;
mod forward;
mod handle;
mod helpers;
pub(crate) mod id;
mod identity;
pub mod journal;
mod ledger;
mod letter;
pub(crate) mod limits;
mod nested;
mod options;
mod parking;
pub(crate) mod recovery;
mod rerun;
mod reruns;
mod resume;
pub(crate) mod revived;
mod run;
pub(crate) mod running;
mod sagas;
pub(crate) mod slots;
mod stack;
mod start;
mod step;
mod step_name;
pub(crate) mod supervisor;
mod ticket;
mod transactional;
mod waiting;

pub(crate) use finish_on_drop::FinishOnDrop;
pub use handle::SagaHandle;
pub use helpers::{current, idempotency_key, now, random, sleep, uuid};
pub use identity::Identity;
pub use options::{OnDead, Recover, Saga, SagaStep};
pub use sagas::{CompensateOutcome, Sagas};
pub use start::{start, start_in};
pub use transactional::{StepScope, Taken};
