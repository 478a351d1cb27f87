//! `#[saga_step(tx = ..)]`: a step whose effect and whose record are one commit.
//!
//! The step begins a transaction on the connection that it is lent, writes its record into it when its body is done, and
//! commits. So it has had its effect exactly when the journal says so, and is never in doubt for longer than it takes to
//! ask the journal.

use std::fmt;
use std::ops::ControlFlow;
use std::sync::Arc;

use super::codec::Codec;
use super::execution::{Execution, Scope, UnderWay};
use super::journal::{StepConnection, StepRecord, StepTransaction, Written};
use super::ledger::Stop;
use super::options::SagaStep;
use super::step;
use crate::arguments::Arguments;
use crate::error::{Effect, Error, StoreError};
use crate::outcome::{Answer, Function, Kept, Outcome, Refusal, Stored};

/// Why a commit is refused that finds no saga of this epoch although the journal has it.
const ELSEWHERE: &str = "the connection is to another database than the journal's: lend the step one to the database \
     that the runtime was opened on";

impl SagaStep {
    /// Begins the step and, on `connection`, its transaction: the body is to run on
    /// [`Taken::connection`], inside of [`Taken::scope`], and its answer goes to [`Taken::end`]. Or answers from the
    /// journal, or why not: as [`run`](Self::run), and [`Error::Store`] when no transaction could be begun.
    ///
    /// Outside of a saga it begins nothing, and lends the connection as it is.
    ///
    /// # Cancellation
    /// Nothing has happened then.
    pub fn begin_in<'c, C, T, E>(
        &self,
        connection: &'c mut C,
        arguments: Arguments,
        function: Function<Result<T, E>>,
        stored: Stored<T>,
        kept: Kept<E>,
    ) -> impl Future<Output = ControlFlow<Answer<T, E>, Taken<'c, C, T, E>>> + use<'c, C, T, E>
    where
        C: StepConnection,
    {
        let step = *self;
        let codec = Codec::new(function, stored, kept);
        async move {
            let under_way = match step::begin(&step, arguments, codec).await? {
                None => return ControlFlow::Continue(Taken(Kind::Plain(connection))),
                Some(under_way) => Uncommitted::of(under_way),
            };
            match connection.begin_step().await {
                Ok(transaction) => ControlFlow::Continue(Taken(Kind::Step(Box::new(Step {
                    transaction,
                    under_way,
                    codec,
                })))),
                Err(source) => {
                    ControlFlow::Break(under_way.fail(refused(source, &codec), &codec).await)
                }
            }
        }
    }
}

/// A step that has begun, with its transaction. If it is dropped, the transaction is rolled back.
#[must_use = "the step is committed by `end`"]
pub struct Taken<'c, C: StepConnection, T, E>(Kind<'c, C, T, E>);

enum Kind<'c, C: StepConnection, T, E> {
    /// Outside of a saga.
    Plain(&'c mut C),
    Step(Box<Step<'c, C, T, E>>),
}

struct Step<'c, C: StepConnection + 'c, T, E> {
    transaction: C::Transaction<'c>,
    under_way: Uncommitted,
    codec: Codec<T, E>,
}

impl<'c, C: StepConnection, T, E> Taken<'c, C, T, E> {
    /// The connection, in the transaction, for the body.
    pub fn connection(&mut self) -> &mut C {
        match &mut self.0 {
            Kind::Plain(connection) => connection,
            Kind::Step(step) => step.transaction.connection(),
        }
    }

    /// Where the body is to run.
    pub fn scope(&self) -> StepScope {
        StepScope(match &self.0 {
            Kind::Plain(_) => None,
            Kind::Step(step) => step.under_way.scope(),
        })
    }

    /// Commits what the body has done, together with the record that it has done it; rolls back where it failed.
    ///
    /// [`Error::Store`] where the commit failed, and the step has had no effect. When nobody knows, the journal is asked,
    /// for as long as it takes. [`Error::NotRecorded`] where the body has ended the transaction by itself.
    ///
    /// # Cancellation
    /// The transaction may be committed or not: the run that follows finds out.
    pub async fn end<O>(self, answer: O) -> Answer<T, E>
    where
        O: Outcome<Ok = T, Err = E>,
    {
        let answer = answer.into_answer();
        let step = match self.0 {
            Kind::Plain(_) => return answer,
            Kind::Step(step) => *step,
        };
        let output = match &answer.result {
            Ok(value) => step.codec.record(value),
            Err(_) => return step.roll_back(answer).await,
        };
        match output {
            Ok(output) => step.commit(output, answer).await,
            Err(unkept) => step.roll_back(unkept).await,
        }
    }
}

impl<'c, C: StepConnection + 'c, T, E> Step<'c, C, T, E> {
    async fn roll_back(self, answer: Answer<T, E>) -> Answer<T, E> {
        // Where it fails the connection is lost, and the transaction with it.
        let _ = self.transaction.roll_back().await;
        self.under_way.fail(answer, &self.codec).await
    }

    async fn commit(self, output: String, answer: Answer<T, E>) -> Answer<T, E> {
        let (mut under_way, codec) = (self.under_way, self.codec);
        let Some((execution, record, pivot)) = under_way.committing(output) else {
            return answer;
        };
        let (saga, epoch) = (execution.id.clone(), execution.epoch);
        let committed = self.transaction.commit(saga, epoch, record.clone(), pivot);
        let committed = committed.await;
        if let Err(error) = &committed
            && error.effect() == Effect::Ran
        {
            // Its body has ended the transaction.
            return under_way.fail_unrecorded(error, &codec).await;
        }
        let found = match committed {
            Ok(Written::Yes { cancelled }) => {
                if cancelled {
                    execution.cancel();
                }
                Ok(None)
            }
            Ok(Written::Superseded) => match execution.is_ours().await {
                Ok(true) => Ok(Some(StoreError::refused("committing a step", ELSEWHERE))),
                Ok(false) => Err(Stop::Superseded),
                Err(stop) => Err(stop),
            },
            Err(error) if error.effect() == Effect::DidNotRun => Ok(Some(error)),
            Err(error) => match execution.has_committed(&record).await {
                Ok(true) => Ok(None),
                Ok(false) => Ok(Some(StoreError::refused("committing a step", error))),
                Err(stop @ Stop::Unwritten(_)) => {
                    // Left as it is: the next process finds out.
                    return codec
                        .refused(execution.error(execution.stop(stop), codec.function.name));
                }
                Err(stop) => Err(stop),
            },
        };
        match found {
            Ok(None) => {
                under_way.committed(record);
                answer
            }
            Ok(Some(error)) => under_way.fail(refused(error, &codec), &codec).await,
            Err(stop) => codec.refused(execution.error(execution.stop(stop), codec.function.name)),
        }
    }
}

/// The database did not do what the step needs of it. Nothing has happened.
fn refused<T, E>(source: StoreError, codec: &Codec<T, E>) -> Answer<T, E> {
    let function = codec.function.name;
    let refusal = Refusal::Rejected { retry_after: None };
    Answer::refused(Error::Store { function, source }, refusal, &codec.function)
}

/// A step that is not committed. Dropped, it has had no effect, unless it was just being committed.
struct Uncommitted {
    step: Option<UnderWay>,
    committing: Option<(StepRecord, bool)>,
}

impl Uncommitted {
    fn of(step: UnderWay) -> Self {
        Self {
            step: Some(step),
            committing: None,
        }
    }

    fn scope(&self) -> Option<Scope> {
        self.step.as_ref().map(UnderWay::scope)
    }

    /// From now on it may be committed.
    fn committing(&mut self, output: String) -> Option<(Arc<Execution>, StepRecord, bool)> {
        let step = self.step.as_ref()?;
        let (record, pivot) = step.done(output);
        self.committing = Some((record.clone(), pivot));
        Some((Arc::clone(step.execution()), record, pivot))
    }

    fn committed(mut self, record: StepRecord) {
        if let Some(step) = self.step.take() {
            step.finish_durable(record);
        }
    }

    /// It has had its effect, or a part of it, and the journal will never have its record.
    async fn fail_unrecorded<T, E>(
        mut self,
        error: &StoreError,
        codec: &Codec<T, E>,
    ) -> Answer<T, E> {
        let answer = codec.refused(Error::NotRecorded {
            function: codec.function.name,
            reason: error.to_string(),
        });
        if let Some(step) = self.step.take() {
            let failure = step::failure(step.is_retriable(), &answer);
            let error = codec.error_of(&answer);
            step.fail_after(Effect::MayHaveRun, error, failure).await;
        }
        answer
    }

    /// It is rolled back, for good. Resolves when the body may hear of it.
    async fn fail<T, E>(mut self, answer: Answer<T, E>, codec: &Codec<T, E>) -> Answer<T, E> {
        if let Some(step) = self.step.take() {
            let failure = step::failure(step.is_retriable(), &answer);
            step.fail(codec.error_of(&answer), failure).await;
        }
        answer
    }
}

impl Drop for Uncommitted {
    fn drop(&mut self) {
        let Some(step) = self.step.take() else {
            return;
        };
        if let Some((record, pivot)) = self.committing.take() {
            step.execution().unresolved(record, pivot);
        }
        step.withdraw();
    }
}

/// The scope in which the body of a step with its own transaction runs: functions such as
/// [`idempotency_key`](super::idempotency_key) find their step in it, and steps that are called in it are plain calls.
#[must_use = "the body runs in it"]
pub struct StepScope(Option<Scope>);

impl StepScope {
    /// Runs the body.
    pub async fn run<F: Future>(self, body: F) -> F::Output {
        match self.0 {
            Some(scope) => scope.enter(body).await,
            None => body.await,
        }
    }
}

impl<C: StepConnection, T, E> fmt::Debug for Taken<'_, C, T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Taken")
    }
}

impl fmt::Debug for StepScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StepScope")
    }
}
