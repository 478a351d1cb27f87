//! The nodes, and what is sent to them.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::runtime::Handle;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, timeout};

use super::Node;
use crate::BoxFuture;
use crate::error::StoreError;
use crate::key::Digest;
use crate::lock::store::{Acquired, Acquiring, FencingToken, Nonce, PLACE};

/// A node must answer within this part of the lease, so that nodes which hang leave most of it.
const PATIENCE_PART: u32 = 20;
/// But it gets at least this long, which a server that is alive and busy may take,
const PATIENCE_LEAST: Duration = Duration::from_millis(50);
/// and no longer than this: what a release waits, which has no lease.
pub(super) const PATIENCE_MOST: Duration = Duration::from_millis(500);
/// How often a release is sent to a node that does not confirm it.
const RELEASES: u32 = 3;

/// How long one node is waited for.
pub(super) fn patience(lease: Duration) -> Duration {
    let part = (lease / PATIENCE_PART).clamp(PATIENCE_LEAST, PATIENCE_MOST);
    part.min(lease / 4)
}

/// What went wrong at a node, in words.
pub(super) type Failure = String;

/// An answer of a node that is under way. It does not depend on whoever waits for it.
pub(super) type Ask<T> = BoxFuture<'static, Result<T, Failure>>;

/// What became of a release, at which node.
pub(super) type Released = (usize, Result<(), Failure>);

/// The lock of one nonce, at one node.
pub(super) type Place = (Digest, Nonce, usize);

/// The nodes, in the order in which they were given.
pub(super) struct Nodes {
    nodes: Vec<Arc<dyn Node>>,
    background: Handle,
    /// The greatest token that this process has proposed or seen.
    tokens: AtomicU64,
    /// When a node failed last, if it has not answered since.
    failed: Mutex<Vec<Option<Instant>>>,
    /// What goes on in the background, per place: whoever asks next waits for it.
    busy: Mutex<HashMap<Place, watch::Receiver<()>>>,
}

impl Nodes {
    pub(super) fn new(nodes: Vec<Arc<dyn Node>>) -> Self {
        Self {
            background: Handle::current(),
            tokens: AtomicU64::new(0),
            failed: Mutex::new(vec![None; nodes.len()]),
            busy: Mutex::default(),
            nodes,
        }
    }

    pub(super) fn count(&self) -> usize {
        self.nodes.len()
    }

    pub(super) fn quorum(&self) -> usize {
        self.nodes.len() / 2 + 1
    }

    /// The node whose line counts for `key`: keys are spread over the nodes, and one that failed lately is left out.
    pub(super) fn line(&self, key: Digest) -> usize {
        let first = usize::from(key.as_bytes()[0]) % self.count();
        let failed = guard(&self.failed);
        let well = |index: &usize| failed[*index].is_none_or(|at| at.elapsed() > PLACE);
        let mut order = (first..self.count()).chain(0..first);
        order.find(well).unwrap_or(first)
    }

    /// A token for a new holder: the time, and greater than every token that this process knows.
    pub(super) fn propose(&self) -> FencingToken {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.map_or(0, |since| {
            u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
        });
        let propose = |last: u64| Some(now.max(last + 1));
        let last = self
            .tokens
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, propose);
        FencingToken::new(now.max(last.unwrap_or(0) + 1))
    }

    pub(super) fn seen(&self, token: FencingToken) {
        self.tokens.fetch_max(token.as_u64(), Ordering::Relaxed);
    }

    pub(super) fn acquire(
        self: &Arc<Self>,
        index: usize,
        acquiring: Acquiring,
        floor: FencingToken,
    ) -> Ask<Acquired> {
        let node = Arc::clone(&self.nodes[index]);
        let answer = async move { node.acquire_from(acquiring, floor).await };
        let place = (acquiring.key, acquiring.nonce, index);
        self.ask(place, patience(acquiring.lease), answer)
    }

    pub(super) fn raise(
        self: &Arc<Self>,
        index: usize,
        acquiring: Acquiring,
        token: FencingToken,
    ) -> Ask<bool> {
        let node = Arc::clone(&self.nodes[index]);
        let (key, nonce) = (acquiring.key, acquiring.nonce);
        let answer = async move { node.raise(key, nonce, token).await };
        self.ask((key, nonce, index), patience(acquiring.lease), answer)
    }

    pub(super) fn renew(
        self: &Arc<Self>,
        index: usize,
        key: Digest,
        nonce: Nonce,
        lease: Duration,
    ) -> Ask<bool> {
        let node = Arc::clone(&self.nodes[index]);
        let answer = async move { node.renew(key, nonce, lease).await };
        self.ask((key, nonce, index), patience(lease), answer)
    }

    /// Asks one node, after what is going on at the place in the background, and for so long at most.
    fn ask<T, F>(self: &Arc<Self>, place: Place, patience: Duration, answer: F) -> Ask<T>
    where
        T: 'static,
        F: Future<Output = Result<T, StoreError>> + Send + 'static,
    {
        let nodes = Arc::clone(self);
        // Now, and not when it is polled: it may be put behind something that begins in between.
        let before = guard(&nodes.busy).get(&place).cloned();
        Box::pin(async move {
            let answer = timeout(patience, async {
                after(before).await;
                answer.await
            });
            let answer = answer.await;
            nodes.answered(place, matches!(answer, Ok(Ok(_))));
            match answer {
                Ok(answer) => answer.map_err(|error| error.to_string()),
                Err(_) => Err(format!("no answer within {patience:?}")),
            }
        })
    }

    /// Lets a question that nobody waits for any more come to its end: what is asked next at this place waits for it.
    pub(super) fn settle<T: Send + 'static>(self: &Arc<Self>, place: Place, ask: Ask<T>) {
        self.spawn(place, async move {
            // Whatever it was: the lock is given back where it is, by its holder.
            let _ = ask.await;
        });
    }

    /// Gives the lock and the place in the line back, after the question that is still under way. The first answer
    /// is told; where it is a failure, it is tried again.
    pub(super) fn release<T: Send + 'static>(
        self: &Arc<Self>,
        place: Place,
        ask: Option<Ask<T>>,
        told: Option<mpsc::UnboundedSender<Released>>,
    ) {
        let node = Arc::clone(&self.nodes[place.2]);
        let (nodes, mut told) = (Arc::clone(self), told);
        self.spawn(place, async move {
            if let Some(ask) = ask {
                let _ = ask.await;
            }
            for pause in 1..=RELEASES {
                let released = timeout(PATIENCE_MOST, node.release(place.0, place.1)).await;
                let released = match released {
                    Ok(answer) => answer.map_err(|error| error.to_string()),
                    Err(_) => Err(format!("no answer within {PATIENCE_MOST:?}")),
                };
                let is_released = released.is_ok();
                nodes.answered(place, is_released);
                if let Some(told) = told.take() {
                    // Nobody may be listening: that is why this is in the background.
                    let _ = told.send((place.2, released));
                }
                if is_released {
                    return;
                }
                sleep(PATIENCE_LEAST * pause).await;
            }
        });
    }

    fn answered(&self, place: Place, well: bool) {
        guard(&self.failed)[place.2] = (!well).then(Instant::now);
    }

    /// Does `work` in the background, after what is going on at the place already.
    fn spawn(self: &Arc<Self>, place: Place, work: impl Future<Output = ()> + Send + 'static) {
        let (done, under_way) = watch::channel(());
        let before = guard(&self.busy).insert(place, under_way.clone());
        let nodes = Arc::clone(self);
        self.background.spawn(async move {
            after(before).await;
            work.await;
            let mut busy = guard(&nodes.busy);
            // Unless something else came after it.
            if busy
                .get(&place)
                .is_some_and(|it| it.same_channel(&under_way))
            {
                busy.remove(&place);
            }
            drop(done);
        });
    }
}

/// Waits for the end of something in the background.
async fn after(before: Option<watch::Receiver<()>>) {
    if let Some(mut before) = before {
        // Nothing is ever sent: the end is that the sender is gone.
        let _ = before.changed().await;
    }
}

fn guard<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
