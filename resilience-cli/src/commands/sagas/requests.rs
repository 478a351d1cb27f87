//! What is asked of the programs that run sagas; and parking, for sagas that have no program.

use resilience_runtime::dlq::{DeadLetterFilter, DeadLetterId, RetryAs};
use resilience_runtime::operator::Operator;
use resilience_runtime::runtime::Runtime;
use resilience_runtime::saga::journal::{CancelOutcome, ParkOutcome, SagaId, SagaRecord, Status};
use serde_json::json;

use crate::arguments::Waiting;
use crate::commands::{named, waiting};
use crate::failure::{Failure, FailureKind};
use crate::output::{Output, line};

pub(super) async fn cancel(
    runtime: &Runtime,
    id: &str,
    by: Operator,
    until: &Waiting,
    output: &Output,
) -> Result<(), Failure> {
    let id = named::id(runtime, id).await?;
    match runtime.sagas().cancel(&id, by).await? {
        None => {
            let message = format!("there is no saga {id} any more");
            return Err(Failure::new(FailureKind::NotFound, message));
        }
        Some(CancelOutcome::Requested) => {}
        Some(CancelOutcome::Pivoted) => {
            return Err(conflict(format!(
                "saga {id} is past a pivot: it can only go forward, and was not cancelled"
            )));
        }
        Some(CancelOutcome::NotRunning(status)) => {
            let instead = match status.is_dead() {
                true => "; `sagas compensate` undoes it",
                false => "",
            };
            return Err(conflict(format!(
                "saga {id} is not running: it is {}{instead}",
                status.as_str()
            )));
        }
        Some(other) => {
            return Err(conflict(format!("saga {id} was not cancelled: {other:?}")));
        }
    }
    if !until.wait {
        output.value(&json!({ "saga": id, "result": "requested" }));
        let id = line(id.as_str());
        output.say(&format!("asked for saga {id} to be cancelled"));
        return Ok(());
    }
    let record = waiting::saga(runtime, &id, until.timeout).await?;
    ended(&id, record, until, output)
}

fn ended(
    id: &SagaId,
    record: Option<SagaRecord>,
    until: &Waiting,
    output: &Output,
) -> Result<(), Failure> {
    let status = record.as_ref().map(|it| it.status);
    let word = status.map_or("deleted", Status::as_str);
    output.value(&json!({ "saga": id, "result": word }));
    let message = match status {
        None | Some(Status::Compensated | Status::Failed | Status::Resolved) => {
            output.say(&format!("saga {} is {word}", line(id.as_str())));
            return Ok(());
        }
        Some(Status::Completed) => {
            return Err(conflict(format!(
                "saga {id} was completed before it could be cancelled"
            )));
        }
        Some(status) if !status.is_dead() => {
            let known = record.as_ref().map_or(String::new(), named::code);
            format!(
                "saga {id} is still {word} after {}: is a program running that knows {known}? The request stands",
                humantime::format_duration(until.timeout)
            )
        }
        Some(_) => {
            let error = record.and_then(|it| it.error).unwrap_or_default();
            format!("saga {id} waits for an operator now, {word}: {error}")
        }
    };
    Err(Failure::new(FailureKind::Failed, message))
}

pub(super) async fn compensate(
    runtime: &Runtime,
    id: &str,
    by: Operator,
    until: &Waiting,
    output: &Output,
) -> Result<(), Failure> {
    let saga = named::saga(runtime, id).await?;
    let id = &saga.id;
    if !saga.status.is_dead() {
        let status = saga.status.as_str();
        let instead = match saga.status {
            Status::Running if saga.pivoted => ", and past a pivot: it can only go forward",
            Status::Running => "; `sagas cancel` stops it, and undoes it",
            _ => "",
        };
        return Err(conflict(format!(
            "saga {id} does not wait for an operator: it is {status}{instead}"
        )));
    }
    let letter = open_letter(runtime, id).await?;
    runtime
        .dead_letters()
        .request_retry(letter, RetryAs::Compensation, by)
        .await?;
    if !until.wait {
        output.value(&json!({ "saga": id, "letter": letter, "result": "requested" }));
        let id = line(id.as_str());
        output.say(&format!(
            "asked for saga {id} to be undone (letter {letter})"
        ));
        return Ok(());
    }
    let ended = waiting::letter(runtime, letter, until.timeout).await?;
    output.value(&json!({ "saga": id, "letter": letter, "result": waiting::word(&ended) }));
    let known = named::code(&saga);
    match waiting::failure(&ended, &format!("saga {id}"), &known, until.timeout) {
        Some(failure) => Err(failure),
        None => {
            output.say(&format!("saga {} is undone", line(id.as_str())));
            Ok(())
        }
    }
}

/// Parks the saga itself: it has no program that could be asked, and parking needs none of its code.
pub(super) async fn park(
    runtime: &Runtime,
    id: &str,
    by: Operator,
    output: &Output,
) -> Result<(), Failure> {
    let saga = named::saga(runtime, id).await?;
    let id = &saga.id;
    let letter = match runtime.sagas().park(id, by).await? {
        ParkOutcome::Parked(letter) => letter,
        ParkOutcome::Owned(owner) => {
            let owner = owner.map_or(String::new(), |owner| format!(" (worker {owner})"));
            return Err(conflict(format!(
                "a live program has saga {id}{owner}: `sagas cancel` asks it to stop and undo the saga"
            )));
        }
        ParkOutcome::NotUnfinished(status) => {
            let instead = match status.is_dead() {
                true => ", and has dead letters: `sagas show` lists them",
                false => "",
            };
            let status = status.as_str();
            return Err(conflict(format!(
                "saga {id} is not unfinished: it is {status}{instead}"
            )));
        }
        ParkOutcome::NotFound => {
            let message = format!("there is no saga {id} any more");
            return Err(Failure::new(FailureKind::NotFound, message));
        }
        other => return Err(conflict(format!("saga {id} was not parked: {other:?}"))),
    };
    output.value(&json!({ "saga": id, "letter": letter, "result": "parked" }));
    let id = line(id.as_str());
    output.say(&format!("saga {id} is parked (letter {letter})"));
    Ok(())
}

/// A dead saga has one that is unresolved at least.
async fn open_letter(runtime: &Runtime, id: &SagaId) -> Result<DeadLetterId, Failure> {
    let of_saga = DeadLetterFilter {
        saga: Some(id.clone()),
        ..DeadLetterFilter::unresolved()
    };
    let letters = runtime.dead_letters().list(of_saga, None, 1).await?;
    let letter = letters.first().map(|it| it.id);
    letter.ok_or_else(|| {
        conflict(format!(
            "saga {id} has no open dead letter any more; look at it again"
        ))
    })
}

fn conflict(message: String) -> Failure {
    Failure::new(FailureKind::Conflict, message)
}
