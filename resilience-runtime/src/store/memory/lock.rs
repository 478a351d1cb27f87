//! Locks.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::{MemoryStore, Owner, is_gone};
use crate::BoxFuture;
use crate::error::StoreError;
use crate::idempotency::Digest;
use crate::lease::{FencingToken, Nonce, Ownership};
use crate::lock::redlock::Node;
use crate::lock::store::{Acquired, Acquiring, LockStore, PLACE};

/// A lock that is held, or waited for.
#[derive(Default)]
pub(super) struct Lock {
    holder: Option<Holder>,
    line: VecDeque<Waiter>,
}

struct Holder {
    nonce: Nonce,
    owner: Owner,
    until: Instant,
    token: FencingToken,
}

struct Waiter {
    nonce: Nonce,
    owner: Owner,
    /// When it asked last.
    seen: Instant,
    turn: Arc<Notify>,
}

impl Lock {
    /// Removes who is gone.
    fn clear(&mut self, now: Instant) {
        let held = |it: &Holder| it.until > now && !is_gone(&it.owner);
        self.holder = self.holder.take().filter(held);
        self.line
            .retain(|it| it.seen + PLACE > now && !is_gone(&it.owner));
    }

    /// Who may have it next: the holder, or else the first in line.
    fn turn(&self) -> Option<Nonce> {
        let holder = self.holder.as_ref().map(|it| it.nonce);
        holder.or_else(|| self.line.front().map(|it| it.nonce))
    }

    /// The holder, where that is `nonce` and its lease is not over.
    fn held_by(&mut self, nonce: Nonce, now: Instant) -> Option<&mut Holder> {
        let holder = self.holder.as_mut();
        holder.filter(|it| it.nonce == nonce && it.until > now)
    }

    fn leave(&mut self, nonce: Nonce) {
        self.line.retain(|it| it.nonce != nonce);
    }
}

impl LockStore for MemoryStore {
    fn ownership(&self) -> Ownership {
        Ownership::Lease
    }

    fn acquire(&self, acquiring: Acquiring) -> BoxFuture<'_, Result<Acquired, StoreError>> {
        Box::pin(async move { Ok(self.acquire_now(acquiring, 0)) })
    }

    fn renew(
        &self,
        key: Digest,
        nonce: Nonce,
        lease: Duration,
    ) -> BoxFuture<'_, Result<bool, StoreError>> {
        Box::pin(async move {
            let now = Instant::now();
            let mut data = self.data();
            let lock = data.locks.get_mut(&key);
            let mine = lock.and_then(|lock| lock.held_by(nonce, now));
            Ok(mine.map(|it| it.until = now + lease).is_some())
        })
    }

    fn release(&self, key: Digest, nonce: Nonce) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            let mut data = self.data();
            let Some(lock) = data.locks.get_mut(&key) else {
                return Ok(());
            };
            lock.holder = lock.holder.take().filter(|it| it.nonce != nonce);
            lock.leave(nonce);
            lock.clear(Instant::now());
            if lock.holder.is_none() {
                match lock.line.front() {
                    Some(next) => next.turn.notify_one(),
                    None => drop(data.locks.remove(&key)),
                }
            }
            Ok(())
        })
    }
}

impl Node for MemoryStore {
    fn acquire_from(
        &self,
        acquiring: Acquiring,
        floor: FencingToken,
    ) -> BoxFuture<'_, Result<Acquired, StoreError>> {
        Box::pin(async move { Ok(self.acquire_now(acquiring, floor.as_u64())) })
    }

    fn raise(
        &self,
        key: Digest,
        nonce: Nonce,
        token: FencingToken,
    ) -> BoxFuture<'_, Result<bool, StoreError>> {
        Box::pin(async move {
            let now = Instant::now();
            let mut data = self.data();
            let lock = data.locks.get_mut(&key);
            let mine = lock.and_then(|lock| lock.held_by(nonce, now));
            self.raise_tokens(token.as_u64());
            Ok(mine.map(|it| it.token = it.token.max(token)).is_some())
        })
    }
}

impl MemoryStore {
    fn acquire_now(&self, acquiring: Acquiring, floor: u64) -> Acquired {
        let now = Instant::now();
        let mut data = self.data();
        let lock = data.locks.entry(acquiring.key).or_default();
        lock.clear(now);
        let nonce = acquiring.nonce;
        if lock.turn().is_none_or(|turn| turn == nonce) {
            lock.leave(nonce);
            let token = match &lock.holder {
                Some(holder) => holder.token,
                None => FencingToken::new(self.tokens_from(floor)),
            };
            lock.holder = Some(Holder {
                nonce,
                owner: self.owner(),
                until: now + acquiring.lease,
                token,
            });
            return Acquired::Granted {
                token,
                validity: None,
            };
        }
        Acquired::Busy {
            left: lock.holder.as_ref().map(|it| it.until - now),
            woken: if acquiring.waits {
                lock.wait(nonce, self.owner(), now)
            } else {
                Box::pin(std::future::pending())
            },
        }
    }
}

impl Lock {
    fn wait(&mut self, nonce: Nonce, owner: Owner, now: Instant) -> BoxFuture<'static, ()> {
        let turn = match self.line.iter_mut().find(|it| it.nonce == nonce) {
            Some(waiter) => {
                waiter.seen = now;
                Arc::clone(&waiter.turn)
            }
            None => {
                let turn = Arc::<Notify>::default();
                self.line.push_back(Waiter {
                    nonce,
                    owner,
                    seen: now,
                    turn: Arc::clone(&turn),
                });
                turn
            }
        };
        Box::pin(async move { turn.notified().await })
    }
}
