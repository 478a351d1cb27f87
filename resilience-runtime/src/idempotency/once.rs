//! One call of an `#[idempotent]` function, from its key to its answer.

use std::panic::resume_unwind;
use std::pin::Pin;
use std::sync::Arc;

use tracing::Instrument;

use crate::core::{SCOPED, inside, is_inside};
use crate::error::{Effect, Error};
use crate::idempotency::hold::Hold;
use crate::idempotency::key::{Key, Words};
use crate::idempotency::recording::Recorded;
use crate::idempotency::schema::Schema;
use crate::idempotency::store::{Record, RecordKind, Release};
use crate::idempotency::turn::{Caller, Turn};
use crate::idempotency::{Idempotent, OnSchemaChange, replayed};
use crate::outcome::{Answer, Function, Origin, Outcome, Records, Refusal};
use crate::telemetry::{meter, names};

impl Idempotent {
    /// Runs `call`, unless a call with `key` has succeeded before: then answers with the result of
    /// that one.
    ///
    /// The answer is an error of the policy, and `call` is not run, when
    /// - there is no key ([`Error::KeyMissing`]), or the key or an argument cannot be serialised
    ///   ([`Error::Encode`]),
    /// - another call with the key is running and did not end within `wait`
    ///   ([`Error::InProgress`], with what is left of its lease),
    /// - the key was used with other arguments ([`Error::KeyReused`]),
    /// - the operation has run and its result was not kept ([`Error::ResultLost`]), or was stored as
    ///   another type ([`Error::SchemaChanged`], unless it runs again then),
    /// - the store fails ([`Error::Store`], unless it runs unprotected then) or there is none
    ///   ([`Error::NoRuntime`], [`Error::ShuttingDown`]).
    ///
    /// It is [`Error::LeaseLost`] when `call` was dropped because its claim could not be kept, and
    /// [`Error::NotRecorded`] when `call` has run and the store did not take its result, in this call or in the
    /// one of this process that it waited for.
    ///
    /// # Cancellation
    /// Dropped before `call` has ended: `call` is dropped, then the key is given back in the
    /// background, and a duplicate that waits runs, as a second attempt. Dropped after `call` has ended with `Ok`:
    /// the result is recorded all the same.
    pub fn once<C, T, E>(
        &self,
        key: Key,
        call: C,
        function: Function<Result<T, E>>,
        records: impl Records<T, E>,
    ) -> impl Future<Output = Answer<T, E>>
    where
        C: Future,
        C::Output: Outcome<Ok = T, Err = E>,
    {
        let once = Once::new(*self, function, records);
        // In a box: durable layers nest, and a future that holds the whole of the inner one, once as
        // an argument and once while it is awaited, would double with each.
        let call = Box::pin(call);
        async move {
            let answer = match once.turn(key).await {
                Next::Answer(answer) => answer,
                Next::RunWithoutKey => call.await.into_answer(),
                Next::Run(hold, caller) => once.run(hold, caller.words, call).await,
            };
            once.end(answer)
        }
    }

    /// The same, with `call` in a task of its own, which also records its result: a caller that goes away does not
    /// stop it, and a shutdown of the runtime waits for it. Only the call that runs has a task; who waits, or is
    /// answered from a record, has none.
    ///
    /// # Panics
    /// When `call` does.
    ///
    /// # Cancellation
    /// Dropped before `call` has begun, it never begins. Dropped later, `call` goes on.
    pub fn once_detached<C, T, E>(
        &self,
        key: Key,
        call: C,
        function: Function<Result<T, E>>,
        records: impl Records<T, E> + Send + 'static,
    ) -> impl Future<Output = Answer<T, E>>
    where
        C: Future + Send + 'static,
        C::Output: Outcome<Ok = T, Err = E>,
        T: Send + 'static,
        E: Send + 'static,
    {
        let once = Once::new(*self, function, records);
        let call = Box::pin(call);
        async move {
            let answer = match once.turn(key).await {
                Next::Answer(answer) => answer,
                Next::RunWithoutKey => call.await.into_answer(),
                Next::Run(hold, caller) => {
                    let Caller {
                        core, background, ..
                    } = &caller;
                    let (core, background) = (Arc::clone(core), background.clone());
                    let running = once.run(hold, caller.words, call);
                    // What the body calls belongs to the same runtime, and is let in if this call was.
                    let running = SCOPED.scope(core, within(is_inside(), running));
                    match background.spawn(running.in_current_span()).await {
                        Ok(answer) => answer,
                        Err(error) => match error.try_into_panic() {
                            Ok(panic) => resume_unwind(panic),
                            Err(error) => once.not_recorded(format!(
                                "the task that ran it did not finish: {error}"
                            )),
                        },
                    }
                }
            };
            once.end(answer)
        }
    }
}

/// What is done at one call: the typed part, around decisions that know no types.
struct Once<T, E, S> {
    idempotent: Idempotent,
    function: Function<Result<T, E>>,
    records: S,
}

impl<T, E, S: Copy> Clone for Once<T, E, S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T, E, S: Copy> Copy for Once<T, E, S> {}

enum Next<T, E> {
    Run(Hold, Caller),
    RunWithoutKey,
    Answer(Answer<T, E>),
}

/// Why a record does not answer.
enum Unread {
    /// It has no result.
    Lost(String),
    /// It is of this type, and not of that one.
    Changed(String, String),
}

impl<T, E, S: Records<T, E>> Once<T, E, S> {
    fn new(idempotent: Idempotent, function: Function<Result<T, E>>, records: S) -> Self {
        Self {
            idempotent,
            function,
            records,
        }
    }

    async fn turn(self, key: Key) -> Next<T, E> {
        let mut caller = match Caller::new(self.idempotent, key, self.function.name) {
            Ok(caller) => caller,
            Err(error) => return Next::Answer(self.refused(error)),
        };
        let mut replaces = None;
        loop {
            let record = match caller.turn(replaces.take()).await {
                Turn::Run(hold) => {
                    self.count(names::IDEMPOTENCY_EXECUTIONS);
                    return Next::Run(hold, caller);
                }
                Turn::RunWithoutKey => return Next::RunWithoutKey,
                Turn::Refused(error) => return Next::Answer(self.refused(error)),
                Turn::Replay(record) => record,
            };
            let again = self.idempotent.on_schema_change == OnSchemaChange::RunAgain;
            match self.read(&record) {
                Ok(result) => return Next::Answer(replay(result, Origin::RECORD)),
                Err(Unread::Changed(..)) if again => replaces = Some(record),
                Err(unread) => return Next::Answer(self.unread(unread, &caller.words)),
            }
        }
    }

    /// Runs `call` under its claim, and has what it came to recorded.
    async fn run<C>(self, mut hold: Hold, words: Words, mut call: Pin<Box<C>>) -> Answer<T, E>
    where
        C: Future,
        C::Output: Outcome<Ok = T, Err = E>,
    {
        let Ok(outcome) = hold.run(call.as_mut()).await else {
            // The body goes before the claim does.
            drop(call);
            drop(hold);
            return self.lease_lost(&words);
        };
        let answer = outcome.into_answer();
        let Some((kind, schema, content)) = self.kept(&answer) else {
            hold.release(ending(&answer)).await;
            return answer;
        };
        let recorded = hold.complete(kind, schema.words(), content, self.idempotent.ttl);
        match recorded.await {
            Recorded::Stored => answer,
            Recorded::Theirs(theirs) => self.theirs(&theirs, answer, &words),
            Recorded::Taken => self.not_recorded(format!(
                "another call with key {words} has taken the key over, and runs it too"
            )),
            Recorded::Not(reason) => self.not_recorded(reason),
        }
    }

    /// What is kept of an answer: its kind, its type, and its text; `None` for an error that frees the key.
    fn kept(&self, answer: &Answer<T, E>) -> Option<(RecordKind, Schema, String)> {
        let (kind, schema, encoded) = match &answer.result {
            Ok(value) => {
                let encoded = (self.records.values().encode)(value);
                (RecordKind::Value, self.schema(RecordKind::Value), encoded)
            }
            // A policy's failure is of the moment, whatever the pattern says of its variant.
            Err(_) if answer.origin.is_refusal() => return None,
            Err(error) => {
                let encoded = self.records.error(error)?;
                (RecordKind::Error, self.schema(RecordKind::Error), encoded)
            }
        };
        let max = self.idempotent.max_result;
        let reason = match encoded {
            Ok(content) if content.len() <= max => return Some((kind, schema, content)),
            Ok(content) => format!("it has {} bytes of JSON, and {max} are kept", content.len()),
            Err(error) => format!("it has no JSON form: {error}"),
        };
        let function = self.function.name;
        tracing::warn!(target: "resilience", function, reason,
            "a result is not kept, and later duplicates will fail");
        self.count(names::IDEMPOTENCY_TOMBSTONES);
        Some((RecordKind::Tombstone, schema, reason))
    }

    fn read(&self, record: &Record) -> Result<Result<T, E>, Unread> {
        let (schema, content) = (self.schema(record.kind), &*record.content);
        let decoded = match record.kind {
            RecordKind::Tombstone => return Err(Unread::Lost(content.to_owned())),
            _ if !schema.accepts(&record.schema) => {
                let stored = record.schema.to_string();
                return Err(Unread::Changed(stored, schema.to_string()));
            }
            RecordKind::Value => (self.records.values().decode)(content).map(Ok),
            RecordKind::Error => self.records.read_error(content).map(Err),
        };
        decoded.map_err(|error| {
            let stored = format!("an earlier form of {schema} ({error})");
            Unread::Changed(stored, schema.to_string())
        })
    }

    fn schema(&self, kind: RecordKind) -> Schema {
        let type_name = match kind {
            RecordKind::Error => self.records.error_type(),
            RecordKind::Value | RecordKind::Tombstone => (self.records.values().type_name)(),
        };
        let version = self.idempotent.version;
        Schema { type_name, version }
    }

    /// The record of another call, which ran at the same time and was first.
    fn theirs(&self, theirs: &Record, ours: Answer<T, E>, words: &Words) -> Answer<T, E> {
        let function = self.function.name;
        tracing::warn!(target: "resilience", function, key = %words,
            "a call ran twice: its lease was lost, and another call has completed it");
        self.count(names::IDEMPOTENCY_RAN_TWICE);
        match self.read(theirs) {
            Ok(result) => replay(result, Origin::RECORD_OF_ANOTHER),
            // There is no answer that would be another one.
            Err(_) => ours,
        }
    }

    fn lease_lost(&self, words: &Words) -> Answer<T, E> {
        let function = self.function.name;
        let key = words.to_string();
        tracing::warn!(target: "resilience", function, key, "the lease of a call was lost, and it was stopped");
        self.count(names::IDEMPOTENCY_LEASES_LOST);
        self.refused(Error::LeaseLost { function, key })
    }

    fn not_recorded(&self, reason: String) -> Answer<T, E> {
        let function = self.function.name;
        tracing::error!(target: "resilience", function, reason, "a call has run and is not recorded");
        self.count(names::IDEMPOTENCY_NOT_RECORDED);
        self.refused(Error::NotRecorded { function, reason })
    }

    fn unread(&self, unread: Unread, words: &Words) -> Answer<T, E> {
        let (function, key) = (self.function.name, words.to_string());
        self.refused(match unread {
            Unread::Lost(reason) => Error::ResultLost {
                function,
                key,
                reason,
            },
            Unread::Changed(stored, current) => Error::SchemaChanged {
                function,
                key,
                stored,
                current,
            },
        })
    }

    /// The call may be made again when nothing but the moment was against it.
    fn refused(&self, error: Error) -> Answer<T, E> {
        let refusal = match error {
            Error::InProgress { .. } | Error::Store { .. } => {
                Refusal::Rejected { retry_after: None }
            }
            _ => Refusal::Final,
        };
        Answer::refused(error, refusal, &self.function)
    }

    /// The last thing before the caller has its answer.
    fn end(&self, answer: Answer<T, E>) -> Answer<T, E> {
        let replayed = answer.origin.is_record();
        if replayed {
            self.count(names::IDEMPOTENCY_REPLAYS);
        }
        replayed::mark(replayed);
        answer
    }

    fn count(&self, name: &'static str) {
        meter::count(name, "function", self.function.name);
    }
}

fn replay<T, E>(result: Result<T, E>, origin: Origin) -> Answer<T, E> {
    Answer { result, origin }
}

/// How a run without a result has ended: what an inner policy cut off has not come to its end, and what one has
/// rejected never began.
fn ending<T, E>(answer: &Answer<T, E>) -> Release {
    match answer.origin.effect() {
        Effect::DidNotRun => Release::Unused,
        Effect::MayHaveRun => Release::Interrupted,
        Effect::Ran => Release::Failed,
    }
}

/// As part of work that is inside, where the caller was.
async fn within<F: Future>(is_inside: bool, future: F) -> F::Output {
    if is_inside {
        inside(future).await
    } else {
        future.await
    }
}
