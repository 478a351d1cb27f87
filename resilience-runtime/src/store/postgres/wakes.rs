//! Who waits in this process, and how the server's notifications find them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{oneshot, watch};

use crate::BoxFuture;
use crate::idempotency::Digest;
use crate::idempotency::store::{Record, RecordKind};
use crate::lease::Nonce;
use crate::store::waiters::Waiters;

/// A payload of 8,000 bytes or more is refused by the server. What has a longer text is asked for.
const TEXT_MAX: usize = 7_600;

/// What is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Topic {
    /// The end of the run under this key.
    Record(Digest),
    /// The turn of this nonce at this lock.
    Turn(Digest, Nonce),
}

/// Who waits for what.
#[derive(Default)]
pub(super) struct Wakes {
    waiters: Mutex<Waiters<Topic, Wake>>,
    sagas: Sagas,
}

/// How often it was said that there may be something to do for sagas, and how much of that was told to somebody.
struct Sagas {
    said: watch::Sender<u64>,
    told: AtomicU64,
}

impl Default for Sagas {
    fn default() -> Self {
        Self {
            said: watch::Sender::new(0),
            told: AtomicU64::new(0),
        }
    }
}

/// Wakes one waiter, with the record where it came along.
type Wake = oneshot::Sender<Option<Record>>;

impl Wakes {
    fn waiters(&self) -> MutexGuard<'_, Waiters<Topic, Wake>> {
        self.waiters.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From here on, no wake-up of `topic` is missed. Dropping it is how a waiter leaves.
    pub(super) fn register(self: &Arc<Self>, topic: Topic) -> Waiting {
        let (wake, woken) = oneshot::channel();
        let number = self.waiters().join(topic, wake);
        Waiting {
            wakes: Arc::clone(self),
            topic,
            number,
            woken,
        }
    }

    /// Hears what a notification says. One that is none of ours is no concern of ours.
    pub(super) fn hear(&self, payload: &str) {
        if let Some((topic, record)) = read(payload) {
            let waiters = self.waiters().take(&topic);
            wake(waiters, record.as_ref());
        }
    }

    /// There may be something to do for sagas.
    pub(super) fn sagas(&self) {
        self.sagas.said.send_modify(|said| *said += 1);
    }

    /// Resolves when [`sagas`](Self::sagas) was called since the last time that somebody was told.
    pub(super) fn changed(&self) -> impl Future<Output = ()> + Send + '_ {
        let told = self.sagas.told.load(Ordering::Acquire);
        let mut said = self.sagas.said.subscribe();
        async move {
            // An error would say that nobody can be woken any more.
            let said = said.wait_for(|said| *said > told).await.map(|said| *said);
            match said {
                Ok(said) => {
                    self.sagas.told.fetch_max(said, Ordering::AcqRel);
                }
                Err(_) => std::future::pending().await,
            }
        }
    }

    /// Wakes everybody: a notification may have been missed.
    pub(super) fn all(&self) {
        self.sagas();
        let waiters = self.waiters().take_all();
        wake(waiters, None);
    }
}

fn wake(waiters: impl Iterator<Item = Wake>, record: Option<&Record>) {
    for waiter in waiters {
        // Who has left needs no waking.
        drop(waiter.send(record.cloned()));
    }
}

/// A place among the waiters.
pub(super) struct Waiting {
    wakes: Arc<Wakes>,
    topic: Topic,
    number: u64,
    woken: oneshot::Receiver<Option<Record>>,
}

impl Waiting {
    /// Resolves with the wake-up.
    pub(super) fn woken(mut self) -> BoxFuture<'static, Option<Record>> {
        Box::pin(async move { (&mut self.woken).await.ok().flatten() })
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.wakes.waiters().leave(&self.topic, self.number);
    }
}

/// Whether the record can be read back from a notification, which is written by the server: `r`, the key, and then
/// a line each for the fingerprint, the kind, the schema and the content.
pub(super) fn fits(record: &Record) -> bool {
    record.schema.len() + record.content.len() <= TEXT_MAX
        && !record.schema.contains(['\n', '\0'])
        && !record.content.contains('\0')
}

fn read(payload: &str) -> Option<(Topic, Option<Record>)> {
    if let Some(rest) = payload.strip_prefix('t') {
        let (key, nonce) = rest.split_at_checked(64)?;
        let nonce = Nonce::from_u128(u128::from_str_radix(nonce, 16).ok()?);
        return Some((Topic::Turn(Digest::from_hex(key)?, nonce), None));
    }
    let mut lines = payload.strip_prefix('r')?.splitn(5, '\n');
    let key = Digest::from_hex(lines.next()?)?;
    let record = match lines.next() {
        None => None,
        Some(fingerprint) => Some(Record {
            fingerprint: Digest::from_hex(fingerprint)?,
            kind: RecordKind::from_word(lines.next()?)?,
            schema: lines.next()?.into(),
            content: lines.next()?.into(),
        }),
    };
    Some((Topic::Record(key), record))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: Digest = Digest::from_bytes([1; 32]);

    #[tokio::test]
    async fn a_notification_wakes_who_waits_for_it_and_brings_the_record() {
        let wakes = Arc::new(Wakes::default());
        let waiting = wakes.register(Topic::Record(KEY));
        let left = wakes.register(Topic::Record(KEY));
        drop(left);
        wakes.hear(&format!("r{KEY}\n{KEY}\nvalue\nu8\n\"a\nb\""));
        let record = waiting.woken().await.unwrap();
        assert_eq!(&*record.content, "\"a\nb\"");
        assert_eq!(&*record.schema, "u8");
        assert!(wakes.waiters().is_empty());
    }

    #[tokio::test]
    async fn a_turn_is_one_nonce_s() {
        let wakes = Arc::new(Wakes::default());
        let (first, second) = (Nonce::random(), Nonce::random());
        let turn = wakes.register(Topic::Turn(KEY, first));
        let _other = wakes.register(Topic::Turn(KEY, second));
        wakes.hear(&format!("t{KEY}{first}"));
        assert_eq!(turn.woken().await, None);
        assert!(!wakes.waiters().is_empty());
        wakes.all();
        assert!(wakes.waiters().is_empty());
    }

    #[test]
    fn what_others_send_is_not_ours() {
        for payload in ["", "r", "t", "x", "rzz", "tñññ", "hello\nworld"] {
            assert!(read(payload).is_none(), "{payload}");
        }
        let cut = format!("r{KEY}\n{KEY}\nvalue");
        assert!(read(&cut).is_none());
    }
}
