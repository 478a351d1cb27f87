//! One call of a compensation.

use std::sync::Arc;

use super::Undoing;
use crate::arguments::JournaledArguments;
use crate::core::{Core, SCOPED};
use crate::invocation::Invocation;
use crate::lease::FencingToken;
use crate::registry::{Compensate, CompensationError, JournaledCall, StepEntry};
use crate::saga::caught::Caught;
use crate::saga::context::{self, Context};
use crate::saga::journal::StepRecord;

/// Which one it is.
#[derive(Clone, Copy)]
pub(super) struct Attempt {
    /// How often an earlier run may have called it.
    pub(super) before: u32,
    /// How often this run has called it, with this time.
    pub(super) here: u32,
}

/// Calls it once: out of reach of everybody's deadline, and for as long as its step allows. A panic is a failure, and so is
/// an answer that does not come in time.
pub(super) async fn call(
    core: &Arc<Core>,
    saga: &Undoing,
    entry: &StepEntry,
    compensation: Compensate,
    step: &StepRecord,
    attempt: Attempt,
) -> Result<(), CompensationError> {
    let function = entry.step.name;
    let arguments = JournaledArguments::decode(function, &step.arguments);
    let call = compensation(JournaledCall {
        function,
        states: core.states.clone(),
        arguments: arguments.map_err(CompensationError::NotCalled)?,
        output: step.output.clone(),
    });
    let invocation = Invocation {
        attempt: attempt.before.saturating_add(attempt.here),
        interrupted: attempt.before > 0,
        token: u64::try_from(saga.epoch).ok().map(FencingToken::new),
    };
    // What it calls works on this runtime, and is no step of any saga.
    let call = context::within(
        Context::compensating(&saga.id, step),
        Caught(Box::pin(invocation.during(call))),
    );
    let call = SCOPED.scope(Arc::clone(core), call);
    let limit = entry.step.limit;
    match tokio::time::timeout(limit, call).await {
        Ok(Ok(result)) => result,
        Ok(Err(panic)) => Err(CompensationError::Failed(panic)),
        Err(_elapsed) => {
            let error = format!("it did not answer within {limit:?}");
            Err(CompensationError::Failed(error))
        }
    }
}
