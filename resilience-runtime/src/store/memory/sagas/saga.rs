//! One saga.

use std::sync::Weak;
use std::time::Duration;

use super::super::{Asking, Owner, is_gone};
use crate::dlq::RetryAs;
use crate::error::StoreError;
use crate::idempotency::Digest;
use crate::saga::journal::{
    Advance, Event, NewSaga, SagaCursor, SagaRecord, SagaSummary, SagaVersion, Status, StepOutcome,
    StepRecord,
};
use crate::timestamp::Timestamp;

/// A saga and its owner.
pub(in super::super) struct Saga {
    pub(in super::super) record: SagaRecord,
    /// Of the start that has written it.
    pub(in super::super) nonce: u128,
    /// `None`: nobody.
    owner: Option<Owner>,
    /// Whether steps came out or were undone since an interruption was counted.
    progressed: bool,
    /// What an operator asked for, of one that is dead.
    retry: Option<RetryAs>,
}

impl Saga {
    pub(in super::super) fn begin(new: NewSaga, asking: &Asking) -> Self {
        let mut record = SagaRecord::new(new.id, new.name, new.input, asking.now);
        record.version = new.version;
        record.key = new.key.map(|key| key.digest);
        record.parent = new.parent;
        record.deadline = new.timeout.map(|timeout| asking.now.after(timeout));
        Self {
            record,
            nonce: new.nonce,
            owner: Some(asking.owner.clone()),
            progressed: false,
            retry: None,
        }
    }

    pub(super) fn place(&self) -> SagaCursor {
        SagaCursor {
            started_at: self.record.started_at,
            id: self.record.id.clone(),
        }
    }

    pub(in super::super) fn belongs_to(&self, owner: &Owner) -> bool {
        let own = self.owner.as_ref();
        own.is_some_and(|own| Weak::ptr_eq(own, owner))
    }

    pub(in super::super) fn is_known(&self, known: &[SagaVersion]) -> bool {
        let record = &self.record;
        let mut known = known.iter();
        known.any(|known| known.name == record.name && known.version == record.version)
    }

    pub(in super::super) fn is_left_behind(&self) -> bool {
        self.record.status.is_unfinished() && self.owner.as_ref().is_none_or(is_gone)
    }

    /// The request of an operator that nobody has taken up.
    pub(in super::super) fn requested(&self) -> Option<Status> {
        let event = match (self.retry?, self.record.status) {
            (RetryAs::Itself, Status::Parked) => Event::Resumed,
            _ => Event::Compensate,
        };
        self.record.status.after(event)
    }

    pub(super) fn leave(&mut self) {
        self.owner = None;
    }

    pub(in super::super) fn request(&mut self, how: RetryAs) {
        self.retry = Some(how);
    }

    /// Whether it has given its key up to the next one, whose key is kept for `ttl`.
    pub(in super::super) fn gives_up_its_key(&self, ttl: Duration, now: Timestamp) -> bool {
        match self.record.status {
            Status::Completed => now.since(self.record.updated_at) >= ttl,
            Status::Compensated | Status::Failed | Status::Resolved => true,
            Status::Running
            | Status::Compensating
            | Status::CompensationFailed
            | Status::Parked => false,
        }
    }

    pub(in super::super) fn has_key(&self, key: Digest) -> bool {
        self.record.key == Some(key)
    }

    /// Gives one that is left behind to who asks.
    pub(in super::super) fn take_over(&mut self, asking: &Asking) -> SagaRecord {
        if self.owner.is_some() {
            let before = match self.progressed {
                true => 0,
                false => self.record.interruptions,
            };
            self.record.interruptions = before.saturating_add(1);
            self.progressed = false;
        }
        self.acquire(asking)
    }

    /// Gives it to who asks, to go on as `status`.
    pub(in super::super) fn revive(&mut self, status: Status, asking: &Asking) -> SagaRecord {
        self.record.status = status;
        self.record.parking = None;
        self.record.interruptions = 0;
        self.progressed = false;
        self.retry = None;
        self.acquire(asking)
    }

    fn acquire(&mut self, asking: &Asking) -> SagaRecord {
        self.owner = Some(asking.owner.clone());
        self.record.epoch += 1;
        self.record.updated_at = asking.now;
        self.read(asking.now)
    }

    /// An operator has closed its last letter.
    pub(in super::super) fn resolve(&mut self, now: Timestamp) {
        self.record.status = Status::Resolved;
        self.record.parking = None;
        self.record.epoch += 1;
        self.record.updated_at = now;
        self.retry = None;
    }

    /// Writes everything but what concerns letters, or nothing.
    pub(in super::super) fn advance(
        &mut self,
        advance: &Advance,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let record = &mut self.record;
        let mut steps = record.steps.clone();
        for step in &advance.steps {
            self.progressed |= add_step(&mut steps, step, now)?;
        }
        for step in &mut steps {
            if Some(step.position) == advance.undone && !step.undone {
                step.undone = true;
                self.progressed = true;
            }
        }
        record.steps = steps;
        record.pivoted |= advance.pivots;
        if let Some(status) = advance.status {
            if record.status != status {
                record.updated_at = now;
            }
            record.status = status;
            let parking = advance.parking.or(record.parking);
            record.parking = parking.filter(|_| status == Status::Parked);
        }
        let set = |text: &mut Option<String>, new: &Option<String>| {
            if new.is_some() {
                text.clone_from(new);
            }
        };
        set(&mut record.output, &advance.output);
        set(&mut record.error, &advance.error);
        set(&mut record.failure, &advance.failure);
        if advance.status == Some(Status::Completed) {
            record.error = None;
        }
        Ok(())
    }

    /// Whether somebody has asked to cancel it, and it can be and is not yet.
    pub(in super::super) fn is_to_be_cancelled(&self) -> bool {
        let record = &self.record;
        record.cancelled && !record.pivoted && record.status == Status::Running
    }

    pub(in super::super) fn read(&self, now: Timestamp) -> SagaRecord {
        SagaRecord {
            read_at: now,
            ..self.record.clone()
        }
    }

    pub(in super::super) fn summary(&self) -> SagaSummary {
        let record = &self.record;
        let count = |steps: usize| u32::try_from(steps).unwrap_or(u32::MAX);
        let undone = record.steps.iter().filter(|step| step.undone).count();
        SagaSummary {
            id: record.id.clone(),
            name: record.name.clone(),
            version: record.version,
            status: record.status,
            parking: record.parking,
            steps: count(record.steps.len()),
            undone: count(undone),
            epoch: record.epoch,
            cancelled: record.cancelled,
            error: record.error.clone(),
            parent: record.parent.clone(),
            started_at: record.started_at,
            updated_at: record.updated_at,
        }
    }
}

/// The same step at the same position is the same write, made again; another one there would be
/// lost without a trace. Whether it came out now.
fn add_step(
    steps: &mut Vec<StepRecord>,
    step: &StepRecord,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let written = || StepRecord {
        written_at: Some(now),
        ..step.clone()
    };
    match steps.binary_search_by_key(&step.position, |step| step.position) {
        Err(index) => steps.insert(index, written()),
        Ok(index) => {
            let there = &mut steps[index];
            if (&there.step, there.occurrence) != (&step.step, step.occurrence) {
                let text = format!(
                    "position {} holds step `{}` and not `{}`",
                    step.position, there.step, step.step
                );
                return Err(StoreError::refused("writing the saga journal", text));
            }
            if there.outcome != StepOutcome::InDoubt || step.outcome == StepOutcome::InDoubt {
                return Ok(false);
            }
            *there = written();
        }
    }
    Ok(step.outcome != StepOutcome::InDoubt)
}
