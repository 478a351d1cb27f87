//! Locks, and the lines of those who wait for them.

use std::time::Duration;

use sqlx::sqlite::SqliteRow;

use super::SqliteStore;
use super::idempotency::token;
use super::operation::Operation;
use super::rows::column;
use super::statements::Part;
use crate::BoxFuture;
use crate::error::StoreError;
use crate::idempotency::Digest;
use crate::lease::{FencingToken, Nonce, Ownership};
use crate::lock::store::{Acquired, Acquiring, LockStore, PLACE};
use crate::store::rows::Unreadable;

const ACQUIRING: &str = "acquiring a lock";

/// What an attempt to take a lock found.
enum Found {
    Granted(FencingToken),
    /// A worker has it, or is first in line, if it is alive.
    Taken {
        owner: String,
    },
}

impl LockStore for SqliteStore {
    fn ownership(&self) -> Ownership {
        Ownership::Process
    }

    fn acquire(&self, acquiring: Acquiring) -> BoxFuture<'_, Result<Acquired, StoreError>> {
        Box::pin(async move {
            let mut gone = None;
            loop {
                let rows = self
                    .write(self.acquiring(acquiring, gone.as_deref()))
                    .await?;
                let found = found(&rows, acquiring.nonce);
                match found.map_err(|error| error.in_doubt(ACQUIRING))? {
                    Found::Granted(token) => {
                        return Ok(Acquired::Granted {
                            token,
                            validity: None,
                        });
                    }
                    Found::Taken { owner } if self.is_gone(owner.clone()).await? => {
                        // The next round takes away what it has of this lock.
                        gone = Some(owner);
                    }
                    Found::Taken { .. } => return Ok(self.taken(acquiring)),
                }
            }
        })
    }

    /// There are no leases.
    fn renew(
        &self,
        _key: Digest,
        _nonce: Nonce,
        _lease: Duration,
    ) -> BoxFuture<'_, Result<bool, StoreError>> {
        Box::pin(async { Ok(true) })
    }

    fn release(&self, key: Digest, nonce: Nonce) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            let key = key.to_string();
            let change = (&key, nonce.to_string(), PLACE.as_secs_f64());
            let operation = Operation::new("releasing a lock", Part::Unlock, &key)
                .touching("lock", &key)
                .with(Part::Unlock, &change);
            self.write(operation).await.map(drop)
        })
    }
}

impl SqliteStore {
    fn acquiring(&self, acquiring: Acquiring, gone: Option<&str>) -> Operation {
        let key = acquiring.key.to_string();
        let change = (
            &key,
            acquiring.nonce.to_string(),
            self.shared.worker.id(),
            u8::from(acquiring.waits),
            gone,
            PLACE.as_secs_f64(),
        );
        let operation = Operation::new(ACQUIRING, Part::Lock, &key)
            .touching("lock", &key)
            .with(Part::Lock, &change);
        self.cleaning(operation)
    }

    fn taken(&self, acquiring: Acquiring) -> Acquired {
        if !acquiring.waits {
            return Acquired::Busy {
                left: None,
                woken: Box::pin(std::future::pending()),
            };
        }
        let (key, nonce) = (acquiring.key.to_string(), acquiring.nonce.to_string());
        let registered = self.shared.wakes.until_turn(key, nonce);
        Acquired::Busy {
            left: None,
            woken: Box::pin(registered.woken()),
        }
    }
}

fn found(rows: &[SqliteRow], nonce: Nonce) -> Result<Found, Unreadable> {
    let row = rows.first().ok_or_else(Unreadable::missing)?;
    let holder: Option<String> = column(row, 2)?;
    if holder.as_ref() == Some(&nonce.to_string()) {
        return token(row, 3).map(Found::Granted);
    }
    Ok(Found::Taken {
        owner: column(row, 4)?,
    })
}
