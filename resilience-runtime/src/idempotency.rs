//! `#[idempotent]`: one execution per key, its result replayed.
//!
//! The first call with a key claims it at the store, runs, and stores its result. A later call with
//! that key gets the stored result, and the body does not run. A call that comes while the first one
//! runs waits for it.
//!
//! # Guarantees
//!
//! - While a call runs, no other call with its key runs, in any process on the same store. Where the store has
//!   leases, a call whose lease was lost is dropped before another one can begin; what it does within one poll,
//!   while its process is stopped, is what [`fencing_token`](crate::invocation::fencing_token) is for.
//! - A result that a caller got is at the store, for `ttl`. It is serialised before success is declared, it is
//!   at the store before the caller has it, and it gets there even when the caller goes away after the body's end.
//! - The arguments are compared wherever a key is found: at the store, in the calls that run in this process, in
//!   the results that it remembers, and in what a wake-up brings along.
//! - Only results are stored, and those errors that `store_errors` names. Any other `Err`, a panic and a dropped
//!   call give the key back at once, and the next call runs the body again, whatever the body had done by then.
//!   That one can know: [`attempt`](crate::invocation::attempt) and
//!   [`interrupted`](crate::invocation::interrupted). What must not be done twice after a failure belongs into the
//!   steps of a saga.
//! - After the death of a process (`kill -9`, power loss) the keys of its running calls become free, with the end
//!   of their leases or, in SQLite, at once, and a call that waits takes over. What was stored stays, as durable as
//!   the store is.
//! - A store that cannot be asked refuses the call, unless the author says that it runs unprotected then.
//! - A result that cannot be kept (it has no JSON form, or is longer than `max_result`) is the caller's all the
//!   same; in its place a tombstone is stored, and every duplicate gets [`Error::ResultLost`]: the body does not
//!   run again.
//! - A store that fails after the body is asked again for as long as a lease lasts. Then the effect has happened
//!   and the record has not, which is [`Error::NotRecorded`], for the caller and for the duplicates that were
//!   waiting in its process. The key is given back as interrupted: a call that comes later runs the body again.
//! - Of two calls that both ran, because one lost its lease in the middle of a poll, the first record counts: the
//!   other one gets it, too.
//! - A result that was stored as another type is refused ([`Error::SchemaChanged`]) or, with
//!   `on_schema_change = run_again`, replaced by a new run.
//!
//! # Results in memory
//!
//! A process remembers its own latest 1,024 records of up to 4 KiB each, for a minute and never longer than `ttl`:
//! a duplicate then costs no round trip.
//!
//! # Keys
//!
//! A key is the SHA-256 digest of the scope, the operation's name, the version of the key, and the key expression,
//! as typed tokens; [`key`](crate::key) says what is equal. `""`, `()` and `None` are no key ([`Error::KeyMissing`]),
//! nor a scope. The arguments, in the same encoding with their names and in their order, make a fingerprint: a key that comes
//! with another one is refused.
//!
//! [`Error::KeyMissing`]: crate::error::Error::KeyMissing
//! [`Error::NotRecorded`]: crate::error::Error::NotRecorded
//! [`Error::ResultLost`]: crate::error::Error::ResultLost
//! [`Error::SchemaChanged`]: crate::error::Error::SchemaChanged

pub(crate) mod flight;
mod give_back;
mod hold;
pub(crate) mod key;
mod once;
mod options;
mod recording;
pub(crate) mod remembered;
pub(crate) mod replayed;
pub(crate) mod resuming;
mod schema;
pub mod store;
#[cfg(test)]
mod tests;
pub mod transaction;
mod turn;

pub use crate::key::Digest;
pub use key::{Key, KeyPart, SagaKey};
pub use options::{Idempotent, OnSchemaChange};
pub use replayed::replayed;
