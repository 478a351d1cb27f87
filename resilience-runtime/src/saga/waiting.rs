//! Waiting for a saga that somebody else works on.

use std::time::Duration;

use super::journal::{SagaId, SagaRecord};
use crate::core::Core;
use crate::error::StoreError;
use crate::pauses::Pauses;

/// Between two looks at a saga of another process.
const PAUSES: Pauses = Pauses::new(Duration::from_millis(20), Duration::from_millis(500));
/// After so many looks it may be that the saga's process is gone.
const LOOKS: u32 = 16;

/// What came of waiting.
pub(super) enum Waited {
    /// The saga is at an end.
    Ended(SagaRecord),
    /// Ask for the key again: the saga has vanished, or takes so long that its process may be
    /// gone.
    Again,
    /// The runtime takes no work any more.
    ShuttingDown,
}

/// Woken by the sagas of this process; those of others are looked for, ever less often.
pub(super) async fn wait(core: &Core, id: &SagaId) -> Result<Waited, StoreError> {
    let mut pauses = PAUSES;
    let mut pause = pauses.next();
    for _ in 0..LOOKS {
        // Before the look, so that an end after it is not missed.
        let expected = core.endings.expect(id);
        match core.stores.journal.load(id.clone()).await? {
            Some(record) if record.status.is_unfinished() => {}
            Some(record) => return Ok(Waited::Ended(record)),
            None => return Ok(Waited::Again),
        }
        tokio::select! {
            () = expected.ended() => {}
            () = tokio::time::sleep(pause) => pause = pauses.next(),
            () = core.gate.closed(), if !core.accepts() || core.gate.is_open() => {
                if !core.accepts() {
                    return Ok(Waited::ShuttingDown);
                }
            }
        }
    }
    Ok(Waited::Again)
}
