//! Parking a saga by hand.

use super::SqliteStore;
use super::advance::letter;
use super::operation::Operation;
use super::rows::column;
use super::statements::Part;
use crate::error::StoreError;
use crate::operator::Operator;
use crate::saga::journal::{Park, ParkOutcome, Parking, SagaId, Status};
use crate::store::rows::text;

const PARKING: &str = "parking a saga";

impl SqliteStore {
    /// See [`Journal::park`](crate::saga::journal::Journal::park).
    pub(super) async fn park_saga(
        &self,
        saga: SagaId,
        park: Park,
        by: Operator,
    ) -> Result<Option<ParkOutcome>, StoreError> {
        let found = self.try_find(&saga, PARKING).await?;
        let Some(there) = found.map_err(|unreadable| unreadable.refused(PARKING))? else {
            return Ok(Some(ParkOutcome::NotFound));
        };
        if !there.record.status.is_unfinished() {
            return Ok(Some(ParkOutcome::NotUnfinished(there.record.status)));
        }
        // An owner that is gone writes no more: what was read here stays true until somebody takes the saga over, and then the
        // epoch differs.
        if !self.is_gone(there.owner.clone()).await? {
            return Ok(Some(ParkOutcome::Owned(Some(there.owner))));
        }
        if there.record.epoch != park.epoch {
            return Ok(None);
        }
        let (epoch, status) = (park.epoch, park.status);
        let advance = park.advance();
        let id = saga.as_str();
        let change = (
            id,
            epoch,
            status.as_str(),
            advance.status.map(Status::as_str),
            advance.parking.map(Parking::as_str),
            advance.error.as_deref().map(text),
            text(&by.name),
            by.reason.as_deref().map(text),
            advance.dead_letter.as_ref().map(letter),
        );
        let operation = Operation::new(PARKING, Part::Park, id)
            .touching("saga", id)
            .with(Part::Park, &change);
        let rows = self.write(operation).await?;
        let letter = rows.first().map(|row| column(row, 2)).transpose();
        let letter = letter.map_err(|unreadable| unreadable.in_doubt(PARKING))?;
        Ok(letter.map(ParkOutcome::Parked))
    }
}
