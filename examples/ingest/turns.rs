//! One at a time per key.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OwnedMutexGuard;

/// A lock per key, made when it is first wanted and dropped when nobody wants it any more.
/// Waiters are served in the order in which they came.
#[derive(Debug, Clone, Default)]
pub struct Turns {
    locks: Arc<Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>>,
}

/// Nobody else has this key until it is dropped.
#[derive(Debug)]
pub struct Turn {
    turns: Turns,
    key: String,
    lock: Arc<tokio::sync::Mutex<()>>,
    guard: Option<OwnedMutexGuard<()>>,
}

impl Turns {
    /// Waits until nobody else has `key`. A dropped wait leaves the queue.
    pub async fn turn(&self, key: &str) -> Turn {
        let mut turn = self.queue(key);
        turn.guard = Some(Arc::clone(&turn.lock).lock_owned().await);
        turn
    }

    fn queue(&self, key: &str) -> Turn {
        let mut locks = self.locks.lock().unwrap_or_else(PoisonError::into_inner);
        Turn {
            turns: self.clone(),
            key: key.to_owned(),
            lock: Arc::clone(locks.entry(key.to_owned()).or_default()),
            guard: None,
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.guard = None;
        let locks = &self.turns.locks;
        let mut locks = locks.lock().unwrap_or_else(PoisonError::into_inner);
        // The map and this turn: nobody waits, and nobody can begin to while the map is locked.
        if Arc::strong_count(&self.lock) == 2 {
            locks.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::Future as _;
    use std::task::{Context, Poll, Waker};

    #[tokio::test]
    async fn one_key_is_held_once_and_forgotten_afterwards() {
        let turns = Turns::default();
        let first = turns.turn("a").await;
        let _other = turns.turn("b").await;

        let mut second = Box::pin(turns.turn("a"));
        let mut dropped = Box::pin(turns.turn("a"));
        let mut context = Context::from_waker(Waker::noop());
        assert!(second.as_mut().poll(&mut context).is_pending());
        assert!(dropped.as_mut().poll(&mut context).is_pending());
        drop(dropped);

        drop(first);
        let Poll::Ready(second) = second.as_mut().poll(&mut context) else {
            panic!("the turn was not passed on");
        };
        drop(second);
        let locks = turns.locks.lock().unwrap();
        assert_eq!(locks.keys().collect::<Vec<_>>(), ["b"]);
    }
}
