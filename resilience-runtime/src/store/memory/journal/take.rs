//! Who takes which sagas.

use super::super::audit::Subject;
use super::super::{Asking, Data};
use super::size;
use crate::operator::Operator;
use crate::saga::journal::{Event, Parking, SagaId, SagaRecord, SagaVersion, Status};
use crate::timestamp::Timestamp;

impl Data {
    pub(super) fn take_over(
        &mut self,
        known: &[SagaVersion],
        limit: u32,
        asking: &Asking,
    ) -> Vec<SagaRecord> {
        let taken = self
            .sagas
            .iter_mut()
            .filter(|saga| saga.is_known(known))
            .filter_map(|saga| {
                if saga.is_left_behind() {
                    Some(saga.take_over(asking))
                } else {
                    let status = saga.requested()?;
                    Some(saga.revive(status, asking))
                }
            });
        taken.take(size(limit)).collect()
    }

    pub(super) fn take_parked(
        &mut self,
        known: &[SagaVersion],
        parked_before: Timestamp,
        limit: u32,
        asking: &Asking,
    ) -> Vec<SagaRecord> {
        let taken = self
            .sagas
            .iter_mut()
            .filter(|saga| {
                let record = &saga.record;
                record.status == Status::Parked
                    && record.parking == Some(Parking::Mismatch)
                    && record.updated_at < parked_before
                    && saga.is_known(known)
            })
            .map(|saga| saga.revive(Status::Running, asking));
        taken.take(size(limit)).collect()
    }

    pub(super) fn revive(
        &mut self,
        id: &SagaId,
        event: Event,
        by: Option<Operator>,
        asking: &Asking,
    ) -> Option<SagaRecord> {
        let action = match event {
            Event::Resumed => "retry",
            Event::Compensate => "compensate",
            _ => return None,
        };
        let saga = self.sagas.get_mut(id)?;
        let status = saga.record.status.after(event)?;
        if let Some(by) = by {
            self.audit.write(asking, by, action, Subject::Saga(id));
        }
        Some(saga.revive(status, asking))
    }
}
