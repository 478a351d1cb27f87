//! One call of an `#[idempotent]` function, from its key to its answer.

mod translate;

use std::panic::resume_unwind;
use std::pin::Pin;

use tracing::Instrument;

use crate::core::{SCOPED, inside, is_inside};
use crate::error::{Effect, Error};
use crate::idempotency::hold::Hold;
use crate::idempotency::key::{Key, Words};
use crate::idempotency::recording::Recorded;
use crate::idempotency::store::{Record, Release};
use crate::idempotency::turn::{Caller, Turn};
use crate::idempotency::{Idempotent, OnSchemaChange, replayed};
use crate::outcome::{Answer, Function, Origin, Outcome, Records, Refusal};
use crate::telemetry::{meter, names};
pub(super) use translate::Unread;

impl Idempotent {
    /// Runs `call`, unless a call with `key` has succeeded before: then answers with the result of
    /// that one.
    ///
    /// The answer is an error of the policy, and `call` is not run, when
    /// - there is no key ([`Error::KeyMissing`]), or the key or an argument cannot be serialised
    ///   ([`Error::Encode`]),
    /// - another call with the key is running and did not end within `wait`
    ///   ([`Error::InProgress`], with what is left of its lease),
    /// - the call is inside of the one that it would wait for ([`Error::Recursive`]),
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
                Err(answer) => answer,
                Ok(None) => call.await.into_answer(),
                Ok(Some(begun)) => once.run(begun, call).await,
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
                Err(answer) => answer,
                Ok(None) => call.await.into_answer(),
                Ok(Some(begun)) => {
                    let (core, background) = begun.hold.home();
                    let running = once.run(begun, call);
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
pub(super) struct Once<T, E, S> {
    pub(super) idempotent: Idempotent,
    pub(super) function: Function<Result<T, E>>,
    records: S,
}

impl<T, E, S: Copy> Clone for Once<T, E, S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T, E, S: Copy> Copy for Once<T, E, S> {}

/// A call whose turn it is to run.
struct Begun {
    hold: Hold,
    words: Words,
}

impl<T, E, S: Records<T, E>> Once<T, E, S> {
    pub(super) fn new(
        idempotent: Idempotent,
        function: Function<Result<T, E>>,
        records: S,
    ) -> Self {
        Self {
            idempotent,
            function,
            records,
        }
    }

    /// Waits for the turn of this call: to run, under its key or, where there is none, without; or to answer.
    async fn turn(self, key: Key) -> Result<Option<Begun>, Answer<T, E>> {
        let mut caller = Caller::new(self.idempotent, key, self.function.name)
            .map_err(|error| self.refused(error))?;
        let mut replaces = None;
        loop {
            let record = match caller.turn(replaces.take()).await {
                Turn::Run(hold) => {
                    self.count(names::IDEMPOTENCY_EXECUTIONS);
                    let words = caller.words;
                    return Ok(Some(Begun { hold, words }));
                }
                Turn::RunWithoutKey => return Ok(None),
                Turn::Refused(error) => return Err(self.refused(error)),
                Turn::Replay(record) => record,
            };
            let again = self.idempotent.on_schema_change == OnSchemaChange::RunAgain;
            match self.read(&record) {
                Ok(result) => return Err(replay(result, Origin::RECORD)),
                Err(Unread::Changed(..)) if again => replaces = Some(record),
                Err(unread) => return Err(self.unread(unread, &caller.words)),
            }
        }
    }

    /// Runs `call` under its claim, and has what it came to recorded.
    async fn run<C>(self, begun: Begun, mut call: Pin<Box<C>>) -> Answer<T, E>
    where
        C: Future,
        C::Output: Outcome<Ok = T, Err = E>,
    {
        let Begun { mut hold, words } = begun;
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

    pub(super) fn not_recorded(&self, reason: String) -> Answer<T, E> {
        let function = self.function.name;
        tracing::error!(target: "resilience", function, reason, "a call has run and is not recorded");
        self.count(names::IDEMPOTENCY_NOT_RECORDED);
        self.refused(Error::NotRecorded { function, reason })
    }

    /// The call may be made again when nothing but the moment was against it.
    pub(super) fn refused(&self, error: Error) -> Answer<T, E> {
        let refusal = match error {
            Error::InProgress { .. } | Error::Store { .. } => {
                Refusal::Rejected { retry_after: None }
            }
            _ => Refusal::Final,
        };
        Answer::refused(error, refusal, &self.function)
    }

    /// The last thing before the caller has its answer.
    pub(super) fn end(&self, answer: Answer<T, E>) -> Answer<T, E> {
        let replayed = answer.origin.is_record();
        if replayed {
            self.count(names::IDEMPOTENCY_REPLAYS);
        }
        replayed::mark(replayed);
        answer
    }

    pub(super) fn count(&self, name: &'static str) {
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
