//! Waiting for a saga that somebody else works on.

use std::time::Duration;

use tokio::time::Instant;

use super::journal::{SagaId, SagaRecord};
use crate::core::Core;
use crate::error::StoreError;
use crate::pauses::Pauses;

/// Between two looks at a saga of another process.
const PAUSES: Pauses = Pauses::new(Duration::from_millis(20), Duration::from_millis(500));
/// After so many looks it may be that the saga's process is gone.
const LOOKS: u32 = 16;

/// How long somebody has waited for a saga, so that he hears once that nobody may ever end it.
#[derive(Debug, Default)]
pub(super) struct Watch {
    looks: u32,
    has_warned: bool,
}

impl Watch {
    /// Ever less often, because the question is about all sagas.
    fn is_due(&mut self) -> bool {
        self.looks = self.looks.saturating_add(1);
        !self.has_warned && self.looks >= LOOKS && self.looks.is_power_of_two()
    }

    /// Warns where no process that lives has the saga, and this one does not know it.
    async fn look(&mut self, core: &Core, record: &SagaRecord) {
        let (name, version) = (record.name.as_str(), record.version);
        let is_known = !core.inspects && core.catalog.saga(name, version).is_some();
        if !self.is_due() || is_known {
            return;
        }
        // A hint: a store that cannot be asked is somebody else's error.
        let orphaned = core.stores.journal.orphaned(Vec::new()).await;
        let mut orphaned = orphaned.unwrap_or_default().into_iter();
        if orphaned.any(|it| it.name == name && it.version == version) {
            self.has_warned = true;
            tracing::warn!(target: "resilience", saga = name, saga_id = %record.id, version,
                "a saga is waited for that no running program can end: start one that has this saga in this version, or \
                 deploy that version again; until then the call waits");
        }
    }
}

/// What came of waiting.
pub(super) enum Waited {
    /// The saga is at an end, or waits for an operator.
    Ended(Box<SagaRecord>),
    /// Ask for the key again: the saga has vanished, or takes so long that its process may be
    /// gone.
    Again,
    /// The runtime takes no work any more.
    ShuttingDown,
}

/// Woken by the sagas of this process; those of others are looked for, ever less often.
pub(super) async fn wait(
    core: &Core,
    id: &SagaId,
    watch: &mut Watch,
) -> Result<Waited, StoreError> {
    let mut pauses = PAUSES;
    for _ in 0..LOOKS {
        match look(core, id, &mut pauses, watch).await? {
            Look::Ended(record) => return Ok(Waited::Ended(record)),
            Look::Missing => return Ok(Waited::Again),
            Look::ShuttingDown => return Ok(Waited::ShuttingDown),
            Look::Working => {}
        }
    }
    Ok(Waited::Again)
}

/// Waits for as long as it takes, also for a journal that cannot be read; [`Waited::Again`] when there is no such saga,
/// nor will be by `appears_by`.
pub(super) async fn until_over(core: &Core, id: &SagaId, appears_by: Option<Instant>) -> Waited {
    let (mut pauses, mut watch) = (PAUSES, Watch::default());
    loop {
        let pause = match look(core, id, &mut pauses, &mut watch).await {
            Ok(Look::Ended(record)) => return Waited::Ended(record),
            Ok(Look::ShuttingDown) => return Waited::ShuttingDown,
            Ok(Look::Working) => continue,
            Ok(Look::Missing) if appears_by.is_none_or(|by| by <= Instant::now()) => {
                return Waited::Again;
            }
            Ok(Look::Missing) => pauses.next(),
            Err(error) => {
                let pause = pauses.next();
                tracing::warn!(target: "resilience", saga_id = %id, %error, ?pause,
                    "the end of a saga is waited for, and the journal cannot be read");
                pause
            }
        };
        if !core.gate.pause(pause).await {
            return Waited::ShuttingDown;
        }
    }
}

/// What one look found.
enum Look {
    Ended(Box<SagaRecord>),
    Missing,
    /// Somebody works on it. A pause has passed since, or it has just ended.
    Working,
    ShuttingDown,
}

async fn look(
    core: &Core,
    id: &SagaId,
    pauses: &mut Pauses,
    watch: &mut Watch,
) -> Result<Look, StoreError> {
    // Before the look, so that an end after it is not missed.
    let expected = core.endings.expect(id);
    match core.stores.journal.load(id.clone()).await? {
        Some(record) if record.status.is_unfinished() => watch.look(core, &record).await,
        Some(record) => return Ok(Look::Ended(Box::new(record))),
        None => return Ok(Look::Missing),
    }
    tokio::select! {
        () = expected.ended() => {}
        () = tokio::time::sleep(pauses.next()) => {}
        () = core.gate.closed(), if !core.accepts() || core.gate.is_open() => {
            if !core.accepts() {
                return Ok(Look::ShuttingDown);
            }
        }
    }
    Ok(Look::Working)
}
