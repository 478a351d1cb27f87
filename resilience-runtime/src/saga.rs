//! `#[saga]` and `#[saga_step]`: journaled steps with compensation.
//!
//! # What is guaranteed
//!
//! - A saga is durable before its body begins, and each step before the next one begins. A saga of
//!   `k` steps costs `k + 1` durable writes, and one more for each step that has to be undone.
//! - After a crash, a process that opens the store runs the saga function again with its
//!   journaled arguments. Finished steps answer from the journal and are not run. The step that
//!   was running at the crash is run again: **a step runs at least once**. If its effect must not
//!   happen twice, the service that it calls needs an idempotency key.
//! - When the body returns `Err` or panics, when the saga is cancelled, or when its `timeout` is over, the decision to undo is
//!   durable before the first compensation runs and never changes. Finished steps are undone one at a time, newest first.
//!   Neither a cancellation, nor a deadline, nor the caller interrupts that. A compensation may run again after a crash, too.
//! - After a step that is a `pivot` there is no way back: if the saga fails after it, it is run again until it is done;
//!   cancelling it is refused, and its timeout has no effect.
//! - A saga that is cancelled or out of time begins no new step. Steps that are under way get 30 s to end; then the
//!   body is dropped, and steps that have not ended are in doubt.
//! - A compensation that fails for good stops the undoing, unless the saga says `on_dead = continue`. The failed step waits
//!   in the dead letter queue for an operator; the steps before it are in the journal.
//! - A caller that goes away (a timeout above the saga, a closed connection) does not end the
//!   saga: the runtime finishes it. A saga that is [started](start()) has no caller from the beginning.
//! - A saga with an `id` or a `key` is one saga for as long as the journal has it. Whoever calls it again gets its answer,
//!   however it ended; whoever calls it with other arguments gets a conflict.
//! - While the journal cannot be written, the saga waits. This is never a reason to undo it.
//!
//! # What the body must keep to
//!
//! When the body is run again, it must ask for the same steps with the same arguments. So its decisions may depend only on its
//! arguments, on the results of steps, and on [`now`] and [`random`]. No new step begins before the body has asked for all
//! steps that are in the journal. If the body ends before that, or makes no progress for a second while it waits for a step
//! that is not in the journal, the saga is parked, and the new code has had no effect. (So while one branch of a body asks
//! for a step, another one must not wait for a second for something that is neither a step nor a [`sleep`].) A step that
//! failed gives the same answer when the body is run again if its error has a JSON form. If it has none, the step is run
//! again, and a body that goes on after the error may take another path.
//!
//! Only steps that are awaited in the body's own task are journaled; a step in a task that the
//! body spawned is a plain call. A step within a step is part of that step. A saga that is called
//! in a saga's body is a step of it: its id follows from its caller's id, and it is undone and cancelled together with its
//! caller. Under an `#[idempotent]`, in a step and under [`start`](start()) it is a saga of its own.

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
