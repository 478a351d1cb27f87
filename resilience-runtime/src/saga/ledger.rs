//! Writes that are made until they are durable.

use super::letter;
use crate::core::Core;
use crate::error::{Effect, StoreError};
use crate::pauses::Pauses;
use crate::saga::journal::{Advance, SagaId, SagaRecord, Written};

/// Why a saga cannot go on in this process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Stop {
    /// Another owner has it.
    Superseded,
    /// The journal and the code do not match, and this is how.
    Mismatch(String),
    /// The runtime shut down while the journal could not be written.
    Unwritten(String),
}

/// Writes `advance`, as often as it takes. Gives up only when the runtime is stopped.
pub(super) async fn write(
    core: &Core,
    id: &SagaId,
    epoch: i64,
    advance: Advance,
) -> Result<(), Stop> {
    self::advance(core, id, epoch, advance).await.map(drop)
}

/// The same. Whether somebody has asked to cancel the saga.
pub(super) async fn advance(
    core: &Core,
    id: &SagaId,
    epoch: i64,
    advance: Advance,
) -> Result<bool, Stop> {
    let mut pauses = Pauses::STORE;
    let (mut in_doubt, mut is_logged) = (false, false);
    loop {
        if in_doubt {
            match core.stores.journal.load(id.clone()).await {
                Ok(record) => match seen(record.as_ref(), epoch, &advance) {
                    Seen::Written => return Ok(record.is_some_and(|record| record.cancelled)),
                    Seen::Superseded => return Err(Stop::Superseded),
                    Seen::NotWritten => {}
                },
                Err(error) => {
                    wait(core, id, &error, &mut pauses).await?;
                    continue;
                }
            }
        }
        let written = core
            .stores
            .journal
            .advance(id.clone(), epoch, advance.clone());
        match written.await {
            Ok(Written::Yes { cancelled }) => return Ok(cancelled),
            Ok(Written::Superseded) => return Err(Stop::Superseded),
            Err(error) => {
                if let Some(letter) = advance.dead_letter.as_ref().filter(|_| !is_logged) {
                    letter::not_written(id, letter);
                    is_logged = true;
                }
                in_doubt = error.effect() != Effect::DidNotRun;
                wait(core, id, &error, &mut pauses).await?;
            }
        }
    }
}

/// Reads the saga, as often as it takes.
pub(super) async fn load(core: &Core, id: &SagaId) -> Result<Option<SagaRecord>, Stop> {
    let mut pauses = Pauses::STORE;
    loop {
        match core.stores.journal.load(id.clone()).await {
            Ok(record) => return Ok(record),
            Err(error) => wait(core, id, &error, &mut pauses).await?,
        }
    }
}

/// What the journal shows of a write that failed in doubt.
enum Seen {
    Written,
    NotWritten,
    Superseded,
}

/// A write is one commit, so any part of it stands for the whole; the parts that a write can have
/// are looked at from the one that no other write of this saga shares.
fn seen(record: Option<&SagaRecord>, epoch: i64, advance: &Advance) -> Seen {
    let Some(record) = record.filter(|record| record.epoch == epoch) else {
        return Seen::Superseded;
    };
    let has = |position| record.steps.iter().find(|step| step.position == position);
    let written = if let Some(position) = advance.undone {
        has(position).is_some_and(|step| step.undone)
    } else if let Some(status) = advance.status {
        record.status == status
    } else {
        // A letter alone cannot be told from one of an earlier round: it is written again, and replaces itself.
        // One without steps only waits for other writes, and has not waited.
        let mut steps = advance.steps.iter();
        !advance.steps.is_empty()
            && steps.all(|step| has(step.position).is_some_and(|is| is.outcome == step.outcome))
    };
    if written {
        Seen::Written
    } else {
        Seen::NotWritten
    }
}

/// Reports `error` and waits before the next try; `Err` when the runtime is stopped.
async fn wait(
    core: &Core,
    id: &SagaId,
    error: &StoreError,
    pauses: &mut Pauses,
) -> Result<(), Stop> {
    let pause = pauses.next();
    tracing::warn!(target: "resilience", saga_id = %id, %error, ?pause, "the saga waits for its journal");
    match core.gate.pause(pause).await {
        true => Ok(()),
        false => Err(Stop::Unwritten(error.to_string())),
    }
}
