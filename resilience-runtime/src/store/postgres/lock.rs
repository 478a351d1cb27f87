//! Locks.

use std::time::Duration;

use super::PostgresStore;
use super::call::Call;
use super::rows::{Reader, micros};
use super::statements::{ACQUIRE, RELEASE_LOCK, RENEW_LOCK};
use super::wakes::Topic;
use crate::BoxFuture;
use crate::error::StoreError;
use crate::idempotency::Digest;
use crate::lease::{Nonce, Ownership};
use crate::lock::store::{Acquired, Acquiring, LockStore};

const ACQUIRING: Reader = Reader {
    doing: "acquiring a lock",
};

impl LockStore for PostgresStore {
    fn ownership(&self) -> Ownership {
        Ownership::Lease
    }

    fn acquire(&self, acquiring: Acquiring) -> BoxFuture<'_, Result<Acquired, StoreError>> {
        Box::pin(async move {
            let Acquiring {
                key, nonce, waits, ..
            } = acquiring;
            let waiting = self.waiting(Topic::Turn(key, nonce), waits);
            let call = Call::new(ACQUIRING.doing, ACQUIRE)
                .bytes(*key.as_bytes())
                .bytes(nonce.as_u128().to_be_bytes())
                .number(micros(acquiring.lease))
                .flag(waits)
                .maybe_text(self.channel_of(waits));
            let rows = self.call(call).await?;
            let row = rows.first();
            if let Some(row) = row
                && ACQUIRING.column::<bool>(row, 0)?
            {
                self.reap_sometimes();
                return Ok(Acquired::Granted {
                    token: ACQUIRING.token(row, 1)?,
                    validity: None,
                });
            }
            let left = match row {
                Some(row) => ACQUIRING.remaining(row, 2)?,
                None => None,
            };
            let woken = self.woken(waiting, waits);
            Ok(Acquired::Busy {
                left,
                woken: Box::pin(async move { drop(woken.await) }),
            })
        })
    }

    fn renew(
        &self,
        key: Digest,
        nonce: Nonce,
        lease: Duration,
    ) -> BoxFuture<'_, Result<bool, StoreError>> {
        Box::pin(async move {
            let call = Call::new("renewing a lock", RENEW_LOCK)
                .bytes(*key.as_bytes())
                .bytes(nonce.as_u128().to_be_bytes())
                .number(micros(lease));
            Ok(!self.call(call).await?.is_empty())
        })
    }

    fn release(&self, key: Digest, nonce: Nonce) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            let call = Call::new("releasing a lock", RELEASE_LOCK)
                .bytes(*key.as_bytes())
                .bytes(nonce.as_u128().to_be_bytes());
            self.call(call).await.map(drop)
        })
    }
}
