//! A saga that another one calls in its body: a step of that one.

use std::pin::Pin;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::admission::{Admitted, SagaRequest};
use super::answer::{self, Ended};
use super::cancel;
use super::codec::Codec;
use super::compensation::{self, Undoing, Undone};
use super::drive::{Driven, Run, run_body};
use super::execution::{Child, Execution, Failure, UnderWay};
use super::journal::{
    Advance, CancelOutcome, Event, NewSaga, SagaId, SagaRecord, Started, Status, StepRecord,
};
use super::ledger::{self, Stop};
use super::step_name;
use super::waiting::{self, Waited};
use crate::BoxFuture;
use crate::arguments::differing_arguments;
use crate::core::Core;
use crate::error::{Effect, Error, StoreError};
use crate::key::Canonical;
use crate::operator::Operator;
use crate::outcome::{Answer, Failures, Outcome};
use crate::pauses::Pauses;

/// Where the identities of nested sagas come from, with the version of the encoding.
const DOMAIN: &[u8] = b"resilience nested saga\x01";
/// The argument of a step that is a saga: the id that its author chose. No argument of a function has such a name.
const ID: &str = "saga::id";

/// Calls a saga in the body of `parent`.
pub(super) async fn call<C, O, T, E>(
    parent: &Arc<Execution>,
    mut request: SagaRequest,
    call: Pin<Box<C>>,
    codec: Codec<T, E>,
    failures: Failures<E>,
) -> Answer<T, E>
where
    C: Future<Output = O>,
    O: Outcome<Ok = T, Err = E>,
{
    let step = match begin(parent, &request, codec).await {
        Ok(step) => step,
        Err(answer) => return answer,
    };
    let name = request.saga.name;
    let derived = || derived(&parent.id, name, step.arguments(), step.occurrence());
    request.id = Some(request.id.take().unwrap_or_else(derived));
    request.parent = Some(parent.id.clone());
    let Driven { answer, is_over } = run(&request, call, codec, failures).await;
    match &answer.result {
        Ok(value) => {
            // It was written down as the child's own result a moment ago.
            if let Ok(output) = codec.encode_output(value) {
                step.finish(output);
            }
        }
        // Dropped, the step is in doubt, and undone if the caller is.
        Err(_) if !is_over => {
            parent.left_behind();
        }
        Err(error) => {
            let failure = codec.encode_error(error);
            step.fail(failure, Failure::default()).await;
        }
    }
    answer
}

/// Begins the step of `parent` that the saga is; `Err` where there is an answer already.
async fn begin<T, E>(
    parent: &Arc<Execution>,
    request: &SagaRequest,
    codec: Codec<T, E>,
) -> Result<UnderWay, Answer<T, E>> {
    if let Some(id) = &request.id
        && request.core.running.is_above(&parent.id, id)
    {
        // It would wait for itself.
        return Err(codec.refused(Error::Recursive {
            function: request.function.to_owned(),
            key: id.to_string(),
        }));
    }
    match parent.child(request.saga.name, arguments(request)).await {
        Ok(Child::New(step)) => Ok(step),
        Ok(Child::Known(Ok(output))) => Err(codec.answer(Ended::Completed(output))),
        Ok(Child::Known(Err(failure))) => {
            let unreadable = Error::SagaFailed {
                saga: request.saga.name,
                id: format!("called by {}", parent.id),
                cause: "its error is of another type than the code's".to_owned(),
                compensated: true,
            };
            Err(codec.answer(Ended::Failed(failure, unreadable)))
        }
        Err(stop) => Err(codec.refused(parent.error(stop, codec.function.name))),
    }
}

/// Runs the saga, or finds out what it came to.
async fn run<C, O, T, E>(
    request: &SagaRequest,
    call: Pin<Box<C>>,
    codec: Codec<T, E>,
    failures: Failures<E>,
) -> Driven<T, E>
where
    C: Future<Output = O>,
    O: Outcome<Ok = T, Err = E>,
{
    match request.admit().await {
        Ok(Admitted::Run(running)) => {
            let run = Run {
                running,
                resumes: false,
            };
            run_body(run, call, codec, failures).await
        }
        Ok(Admitted::Over(record)) => {
            let is_over = record.status != Status::Parked;
            let answer =
                codec.answer(answer::ended(&request.core, request.saga.name, *record).await);
            Driven { answer, is_over }
        }
        Err((error, refusal)) => {
            let is_over = matches!(error, Error::SagaConflict { .. } | Error::Encode { .. });
            let answer = Answer::refused(error, refusal, &codec.function);
            Driven { answer, is_over }
        }
    }
}

/// The arguments of the step: those of the saga, and its id, where it was chosen.
fn arguments(request: &SagaRequest) -> String {
    let Some(id) = &request.id else {
        return request.input.clone();
    };
    let mut arguments: serde_json::Map<_, _> =
        serde_json::from_str(&request.input).unwrap_or_default();
    arguments.insert(ID.to_owned(), id.as_str().into());
    serde_json::Value::Object(arguments).to_string()
}

/// The id of the saga that `parent` calls, or starts, as the `occurrence`-th of this name.
pub(super) fn derived(parent: &SagaId, name: &str, arguments: &str, occurrence: u32) -> SagaId {
    let mut hash = Sha256::new_with_prefix(DOMAIN);
    Canonical::into(&mut hash).text(parent.as_str());
    Canonical::into(&mut hash).text(name);
    Canonical::into(&mut hash).text(arguments);
    Canonical::into(&mut hash).number(occurrence);
    SagaId::of_digest(&hash.finalize())
}

/// The saga that a step of `parent` is, if it is one: its id, and its name.
fn child_of<'a>(parent: &SagaId, step: &'a StepRecord) -> Option<(SagaId, &'a str)> {
    let name = step_name::called_saga(&step.step)?;
    let given = serde_json::from_str::<serde_json::Value>(&step.arguments);
    let given = given.ok().and_then(|arguments| {
        let id = arguments.get(ID)?.as_str()?;
        Some(SagaId::from(id.to_owned()))
    });
    let id = given.unwrap_or_else(|| derived(parent, name, &step.arguments, step.occurrence));
    Some((id, name))
}

/// Whether a step is a saga that was called.
pub(super) fn is_call(step: &StepRecord) -> bool {
    step_name::called_saga(&step.step).is_some()
}

/// Undoes the saga that `step` of `parent` is: what is running is cancelled and waited for first. Nothing, where the step is
/// none. May be called again after it failed, or was cut off.
pub(super) fn undo_child<'a>(
    core: &'a Arc<Core>,
    parent: &'a SagaId,
    step: &'a StepRecord,
) -> BoxFuture<'a, Result<(), NotUndone>> {
    // In a box: what is undone may be nested sagas again.
    Box::pin(undo_called(core, parent, step))
}

/// Why a saga that was called is not undone.
pub(super) enum NotUndone {
    /// It cannot be, for this reason.
    Failed(String),
    /// The next process goes on.
    Stopped(Stop),
}

async fn undo_called(
    core: &Arc<Core>,
    parent: &SagaId,
    step: &StepRecord,
) -> Result<(), NotUndone> {
    let Some((child, name)) = child_of(parent, step) else {
        return Ok(());
    };
    loop {
        let found = ledger::load(core, &child).await;
        let found = found.map_err(NotUndone::Stopped)?;
        let Some(record) = found else {
            bar(core, parent, &child, name, step).await?;
            continue;
        };
        if !is_the_called(&record, name, step) {
            return Ok(());
        }
        match record.status {
            Status::Running | Status::Compensating => wait(core, parent, record).await?,
            Status::Compensated | Status::Failed | Status::Resolved => return Ok(()),
            Status::Completed | Status::CompensationFailed | Status::Parked => {
                let journal = &core.stores.journal;
                let revive = || journal.revive(child.clone(), Event::Compensate, None);
                // Without one somebody else was first: it is looked at again.
                if let Some(revived) = insist(core, &child, Some(Effect::DidNotRun), revive).await?
                {
                    // With another epoch somebody may have tried to undo it in between.
                    let is_first =
                        record.status == Status::Completed && revived.epoch == record.epoch + 1;
                    if undo(core, &child, revived, is_first).await? {
                        return Ok(());
                    }
                }
            }
        }
    }
}

/// Whether this is the saga that `step` called. If not, another saga already had the id that the author chose: then the call had
/// no effect, if it was made at all.
fn is_the_called(record: &SagaRecord, name: &str, step: &StepRecord) -> bool {
    let differing = differing_arguments(&record.input, &step.arguments);
    record.name == name && differing.iter().all(|argument| argument == ID)
}

/// False when another process has taken it over meanwhile, and undoes it.
async fn undo(
    core: &Arc<Core>,
    child: &SagaId,
    record: SagaRecord,
    is_first: bool,
) -> Result<bool, NotUndone> {
    let undoing = Undoing::of(core, record);
    let undoing = match is_first {
        true => undoing.for_the_first_time(),
        false => undoing,
    };
    match compensation::undo(core, undoing).await {
        Undone::Compensated => Ok(true),
        Undone::Stuck { step, error } => Err(NotUndone::Failed(format!(
            "step `{step}` of the nested saga {child} could not be undone, and has a dead letter of its own: {error}"
        ))),
        Undone::Stopped(Stop::Superseded) => Ok(false),
        Undone::Stopped(stop) => Err(NotUndone::Stopped(stop)),
    }
}

/// Cancels a saga that is running, and waits for its end.
async fn wait(core: &Arc<Core>, parent: &SagaId, record: SagaRecord) -> Result<(), NotUndone> {
    if record.status == Status::Running {
        let by = Operator::program().because(format!("saga {parent}, which called it, is undone"));
        let request =
            || -> BoxFuture<'_, _> { Box::pin(cancel::request(core, &record.id, by.clone())) };
        if insist(core, &record.id, None, request).await? == Some(CancelOutcome::Pivoted) {
            tracing::info!(target: "resilience", saga_id = %record.id, saga = record.name,
                "a nested saga is past a pivot, and is undone when it is done");
        }
    }
    match waiting::until_over(core, &record.id, None).await {
        Waited::Ended(_) | Waited::Again => Ok(()),
        Waited::ShuttingDown => {
            let reason = format!("saga {} is still to be undone", record.id);
            Err(NotUndone::Stopped(Stop::Unwritten(reason)))
        }
    }
}

/// Takes the id of a saga that was never started, so that a start which is still under way finds it taken: a saga that its
/// caller has given up must not begin.
async fn bar(
    core: &Arc<Core>,
    parent: &SagaId,
    child: &SagaId,
    name: &str,
    step: &StepRecord,
) -> Result<(), NotUndone> {
    // Should this process die before the end of it is written, one with the same code finds it.
    let versions = core.catalog.sagas.keys();
    let versions = versions.filter_map(|(known, version)| (*known == name).then_some(*version));
    let bar = NewSaga {
        id: child.clone(),
        given: true,
        name: name.to_owned(),
        version: versions.max().unwrap_or(1),
        key: None,
        input: step.arguments.clone(),
        timeout: None,
        parent: Some(parent.clone()),
        nonce: Uuid::new_v4().as_u128(),
    };
    let start = || core.stores.journal.start(bar.clone());
    if let Started::New(_) = insist(core, child, None, start).await? {
        let advance = Advance {
            status: Status::Running.after(Event::FailedEmpty),
            error: Some("it was not started: the saga that called it is undone".to_owned()),
            ..Advance::default()
        };
        match ledger::write(core, child, 1, advance).await {
            // Somebody has taken it over: it is looked at again.
            Ok(()) | Err(Stop::Superseded) => {}
            Err(stop) => return Err(NotUndone::Stopped(stop)),
        }
    }
    Ok(())
}

/// Asks the journal until it answers, or the runtime is stopped; only after failures without effect, if `again_after` says
/// so.
async fn insist<'a, T>(
    core: &Core,
    id: &SagaId,
    again_after: Option<Effect>,
    ask: impl Fn() -> BoxFuture<'a, Result<T, StoreError>>,
) -> Result<T, NotUndone> {
    let mut pauses = Pauses::STORE;
    loop {
        let error = match ask().await {
            Ok(answer) => return Ok(answer),
            Err(error) if again_after.is_some_and(|effect| effect != error.effect()) => {
                return Err(NotUndone::Failed(error.to_string()));
            }
            Err(error) => error,
        };
        let pause = pauses.next();
        tracing::warn!(target: "resilience", saga_id = %id, %error, ?pause, "undoing a nested saga waits for the journal");
        if !core.gate.pause(pause).await {
            return Err(NotUndone::Stopped(Stop::Unwritten(error.to_string())));
        }
    }
}
