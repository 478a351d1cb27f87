//! Parking a saga by hand.

use uuid::Uuid;

use super::super::PostgresStore;
use super::super::call::Call;
use super::super::rows::column;
use super::statements::PARK;
use super::write::{letter, maybe};
use crate::error::StoreError;
use crate::operator::Operator;
use crate::saga::journal::{Park, ParkOutcome, SagaId, Status};
use crate::store::rows::{Unreadable, text};

const DOING: &str = "parking a saga";

impl PostgresStore {
    /// See [`Journal::park`](crate::saga::journal::Journal::park).
    pub(super) async fn park_saga(
        &self,
        saga: SagaId,
        park: Park,
        by: Operator,
    ) -> Result<Option<ParkOutcome>, StoreError> {
        let (epoch, status) = (park.epoch, park.status);
        let advance = park.advance();
        self.bury_the_dead(DOING).await?;
        let letter = advance.dead_letter.as_ref().map(letter);
        let call = Call::new(DOING, PARK)
            .text(saga.as_str())
            .number(epoch)
            .text(status.as_str())
            .maybe_text(advance.status.map(|status| status.as_str().to_owned()))
            .maybe_text(advance.parking.map(|parking| parking.as_str().to_owned()))
            .maybe_text(maybe(advance.error.as_deref()))
            .maybe_text(letter.map(|letter| letter.to_string()))
            .text(self.shared.sagas.worker.all_ids())
            .text(text(&by.name))
            .maybe_text(maybe(by.reason.as_deref()))
            .text(Uuid::new_v4().to_string());
        let rows = self.hand_over(saga.as_str(), call).await?;
        let Some(row) = rows.first() else {
            return Ok(Some(ParkOutcome::NotFound));
        };
        let read = || {
            let found: String = column(row, 0)?;
            Ok(match found.as_str() {
                "changed" => None,
                "done" => Some(ParkOutcome::Parked(column(row, 1)?)),
                "owned" => Some(ParkOutcome::Owned(column(row, 2)?)),
                word => {
                    let status = Status::from_stored(word);
                    let unknown = || Unreadable::because(format!("unknown word {word:?}"));
                    Some(ParkOutcome::NotUnfinished(status.ok_or_else(unknown)?))
                }
            })
        };
        read().map_err(|unreadable: Unreadable| unreadable.in_doubt(DOING))
    }
}
