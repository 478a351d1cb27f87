//! A connection to a database that is the disk of the journal.

use std::sync::Arc;

use resilience_runtime::BoxFuture;
use resilience_runtime::error::StoreError;
use resilience_runtime::saga::journal::{
    Advance, SagaId, StepConnection, StepRecord, StepTransaction, Written,
};

use crate::store::Store;
use crate::world::World;

/// A connection to the disk of a process.
pub(crate) struct Connection {
    pub(crate) store: Arc<Store>,
    pub(crate) world: World,
}

/// What the body did, which is an effect once it is committed.
pub(crate) struct Transaction<'c> {
    connection: &'c mut Connection,
}

impl StepConnection for Connection {
    type Transaction<'c> = Transaction<'c>;

    fn begin_step(&mut self) -> BoxFuture<'_, Result<Transaction<'_>, StoreError>> {
        Box::pin(async move {
            match self.world.act("begin".to_owned()).await {
                Ok(_) => Ok(Transaction { connection: self }),
                Err(error) => Err(StoreError::refused("beginning", error)),
            }
        })
    }
}

impl StepTransaction for Transaction<'_> {
    type Connection = Connection;

    fn connection(&mut self) -> &mut Connection {
        self.connection
    }

    fn commit<'c>(
        self,
        saga: SagaId,
        epoch: i64,
        step: StepRecord,
        _pivots: bool,
    ) -> BoxFuture<'c, Result<Written, StoreError>>
    where
        Self: 'c,
    {
        Box::pin(async move {
            let Connection { store, world } = &*self.connection;
            if world.act("send".to_owned()).await.is_err() {
                return Err(StoreError::in_doubt("committing", "the connection broke"));
            }
            if world.act("commit".to_owned()).await.is_err() {
                return Err(StoreError::refused("committing", "a deadlock"));
            }
            let effect = format!("committed {}", step.occurrence);
            let written = write(store, &saga, epoch, step).await?;
            if written == Written::YES {
                world.act(effect).await.unwrap();
            }
            if world.act("answer".to_owned()).await.is_err() {
                return Err(StoreError::in_doubt("committing", "the connection broke"));
            }
            Ok(written)
        })
    }

    fn roll_back<'c>(self) -> BoxFuture<'c, Result<(), StoreError>>
    where
        Self: 'c,
    {
        Box::pin(async move {
            self.connection
                .world
                .act("rollback".to_owned())
                .await
                .unwrap();
            Ok(())
        })
    }
}

/// The record, in the transaction that commits it.
async fn write(
    store: &Store,
    saga: &SagaId,
    epoch: i64,
    step: StepRecord,
) -> Result<Written, StoreError> {
    store
        .write(|data| {
            let advance = Advance {
                steps: vec![step],
                ..Advance::default()
            };
            let what = data.advance(saga, epoch, advance);
            let written = match what {
                Some(_) => Written::YES,
                None => Written::Superseded,
            };
            (what.map(|what| format!("tx {what}")), written)
        })
        .await
}
