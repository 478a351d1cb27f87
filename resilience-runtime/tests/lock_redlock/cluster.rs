//! Nodes with faults that are switched at run time.

use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use resilience_runtime::error::StoreError;
use resilience_runtime::idempotency::Digest;
use resilience_runtime::lock::redlock::{Node, Redlock};
use resilience_runtime::lock::store::{
    Acquired, Acquiring, FencingToken, LockStore, Nonce, Ownership,
};
use resilience_runtime::store::memory::MemoryStore;
use tokio::sync::{oneshot, watch};
use tokio::time::{Instant, sleep};

pub(crate) const KEY: Digest = Digest::from_bytes([0; 32]);
pub(crate) const LEASE: Duration = Duration::from_secs(10);

type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// How a node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Well,
    /// It is not reached.
    Down,
    /// It is stopped: what it was sent, it does when it goes on.
    Hangs,
    /// It does what it is sent, and its answers are lost.
    Mute,
}

/// A server that several processes reach.
pub(crate) struct Server {
    store: Mutex<MemoryStore>,
    mode: watch::Sender<Mode>,
    /// One question after another, as they come.
    turn: tokio::sync::Mutex<()>,
    latency: Mutex<Duration>,
    pub(crate) asked: AtomicUsize,
}

impl Server {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            store: Mutex::new(MemoryStore::new()),
            mode: watch::Sender::new(Mode::Well),
            turn: tokio::sync::Mutex::default(),
            latency: Mutex::default(),
            asked: AtomicUsize::new(0),
        })
    }

    pub(crate) fn is(&self, mode: Mode) {
        self.mode.send_replace(mode);
    }

    /// Forgets everything.
    pub(crate) fn restart_empty(&self) {
        *self.store.lock().unwrap() = MemoryStore::new();
    }

    pub(crate) fn latency(&self, latency: Duration) {
        *self.latency.lock().unwrap() = latency;
    }

    /// Behind the back of the code under test.
    pub(crate) fn store(&self) -> MemoryStore {
        self.store.lock().unwrap().clone()
    }

    /// Whether anybody could take the lock now. Leaves it as it was.
    pub(crate) async fn is_free(&self) -> bool {
        let nonce = Nonce::random();
        let answer = self.store().acquire(asking(nonce, false)).await.unwrap();
        self.store().release(KEY, nonce).await.unwrap();
        matches!(answer, Acquired::Granted { .. })
    }

    /// Does `work` on the server, whether or not its answer is waited for.
    fn send<T, F>(self: &Arc<Self>, work: F) -> BoxFuture<'static, Result<T, StoreError>>
    where
        T: Send + 'static,
        F: AsyncWork<T>,
    {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let (answer, answered) = oneshot::channel();
        let server = Arc::clone(self);
        tokio::spawn(async move {
            if *server.mode.borrow() == Mode::Down {
                let _ = answer.send(Err(lost()));
                return;
            }
            let turn = server.turn.lock().await;
            let latency = *server.latency.lock().unwrap();
            if latency > Duration::ZERO {
                sleep(latency).await;
            }
            let hangs = |mode: &Mode| *mode != Mode::Hangs;
            let mode = *server.mode.subscribe().wait_for(hangs).await.unwrap();
            let store = server.store();
            let done = work(store).await;
            drop(turn);
            let _ = answer.send(if mode == Mode::Mute {
                Err(lost())
            } else {
                done
            });
        });
        Box::pin(async move { answered.await.unwrap() })
    }
}

pub(crate) trait AsyncWork<T>:
    FnOnce(MemoryStore) -> BoxFuture<'static, Result<T, StoreError>> + Send + 'static
{
}
impl<T, F> AsyncWork<T> for F where
    F: FnOnce(MemoryStore) -> BoxFuture<'static, Result<T, StoreError>> + Send + 'static
{
}

fn lost() -> StoreError {
    StoreError::in_doubt("asking a node", "the connection is lost")
}

/// A server as one process sees it.
struct View {
    server: Arc<Server>,
    /// How far the clock of the process is behind.
    behind: Duration,
}

impl View {
    fn clock(&self, token: FencingToken) -> FencingToken {
        let behind = u64::try_from(self.behind.as_micros()).unwrap();
        FencingToken::new(token.as_u64() - behind)
    }
}

impl Node for View {
    fn acquire_from(
        &self,
        acquiring: Acquiring,
        floor: FencingToken,
    ) -> BoxFuture<'_, Result<Acquired, StoreError>> {
        let floor = self.clock(floor);
        self.server
            .send(move |store| Box::pin(async move { store.acquire_from(acquiring, floor).await }))
    }

    fn raise(
        &self,
        key: Digest,
        nonce: Nonce,
        token: FencingToken,
    ) -> BoxFuture<'_, Result<bool, StoreError>> {
        self.server
            .send(move |store| Box::pin(async move { store.raise(key, nonce, token).await }))
    }
}

impl LockStore for View {
    fn ownership(&self) -> Ownership {
        Ownership::Lease
    }

    fn acquire(&self, acquiring: Acquiring) -> BoxFuture<'_, Result<Acquired, StoreError>> {
        self.server
            .send(move |store| Box::pin(async move { store.acquire(acquiring).await }))
    }

    fn renew(
        &self,
        key: Digest,
        nonce: Nonce,
        lease: Duration,
    ) -> BoxFuture<'_, Result<bool, StoreError>> {
        self.server
            .send(move |store| Box::pin(async move { store.renew(key, nonce, lease).await }))
    }

    fn release(&self, key: Digest, nonce: Nonce) -> BoxFuture<'_, Result<(), StoreError>> {
        self.server
            .send(move |store| Box::pin(async move { store.release(key, nonce).await }))
    }
}

pub(crate) fn servers(count: usize) -> Vec<Arc<Server>> {
    (0..count).map(|_| Server::new()).collect()
}

/// A process that knows these servers.
pub(crate) fn process<'a>(servers: impl IntoIterator<Item = &'a Arc<Server>>) -> Redlock {
    process_with_clock(servers, Duration::ZERO)
}

pub(crate) fn process_with_clock<'a>(
    servers: impl IntoIterator<Item = &'a Arc<Server>>,
    behind: Duration,
) -> Redlock {
    let view = |server: &Arc<Server>| -> Arc<dyn Node> {
        Arc::new(View {
            server: Arc::clone(server),
            behind,
        })
    };
    Redlock::new(servers.into_iter().map(view).collect()).unwrap()
}

pub(crate) fn asking(nonce: Nonce, waits: bool) -> Acquiring {
    Acquiring {
        key: KEY,
        nonce,
        lease: LEASE,
        waits,
        replicas: 0,
    }
}

/// Tries it, and answers with the token when it was granted.
pub(crate) async fn try_lock(redlock: &Redlock, nonce: Nonce) -> Option<FencingToken> {
    match redlock.acquire(asking(nonce, false)).await.unwrap() {
        Acquired::Granted { token, .. } => Some(token),
        Acquired::Busy { .. } => None,
    }
}

/// Waits for it as callers do: woken, and once a second in any case.
pub(crate) async fn lock(redlock: &Redlock, nonce: Nonce) -> FencingToken {
    lock_since(redlock, nonce).await.0
}

/// The same, and from when the lease counts.
pub(crate) async fn lock_since(redlock: &Redlock, nonce: Nonce) -> (FencingToken, Instant) {
    loop {
        let asked = Instant::now();
        match redlock.acquire(asking(nonce, true)).await {
            Ok(Acquired::Granted { token, .. }) => return (token, asked),
            Ok(Acquired::Busy { woken, left }) => {
                let net = left.map_or(Duration::from_secs(1), |left| {
                    left.min(Duration::from_secs(1))
                });
                let _ = tokio::time::timeout(net, woken).await;
            }
            Err(_) => sleep(Duration::from_millis(100)).await,
        }
    }
}

/// Long enough for everything that is given back in the background.
pub(crate) async fn settle() {
    sleep(Duration::from_secs(3)).await;
}
