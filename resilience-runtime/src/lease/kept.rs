//! A lease that this process keeps: renewed in the background, and noticed when it is lost.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::{Ownership, bounded};
use crate::BoxFuture;
use crate::error::StoreError;
use crate::invocation::Invocation;

/// How far two clocks may run apart within a lease: one part in a hundred, as in Redlock's validity time.
const DRIFT_PART: u32 = 100;
/// And what is added for leases so short that the part is nothing.
const DRIFT_LEAST: Duration = Duration::from_millis(2);
/// A renewal that failed is tried again after this part of the lease.
const RETRY_PART: u32 = 30;

/// How long a holder may rely on `lease`, from before it asked.
pub(crate) fn validity(lease: Duration) -> Duration {
    lease.saturating_sub(lease / DRIFT_PART + DRIFT_LEAST)
}

/// Asks the store to renew; false when the lease is another's by now.
pub(crate) type Renew = Box<dyn Fn() -> BoxFuture<'static, Result<bool, StoreError>> + Send + Sync>;

/// A lease that is renewed until this is dropped, or until it is lost.
pub(crate) struct Kept(Option<Lease>);

/// The lease is over: another holder may have replaced this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lost;

/// How long a lease may be relied on, for others to look at.
#[derive(Clone)]
pub(crate) struct Left(Arc<Term>);

struct Lease {
    term: Arc<Term>,
    renewal: JoinHandle<()>,
}

/// Up to when the lease may be relied on.
struct Term {
    asked: Instant,
    /// In nanoseconds after `asked`.
    nanos: AtomicU64,
    lost: watch::Sender<bool>,
}

impl Kept {
    /// Keeps what was granted for `lease` to a question that was sent at `asked`.
    pub(crate) fn new(
        background: &Handle,
        ownership: Ownership,
        asked: Instant,
        lease: Duration,
        renew: Renew,
    ) -> Self {
        Self::valid_for(background, ownership, asked, lease, validity(lease), renew)
    }

    /// The same where the first grant may be relied on for `valid` only.
    pub(crate) fn valid_for(
        background: &Handle,
        ownership: Ownership,
        asked: Instant,
        lease: Duration,
        valid: Duration,
        renew: Renew,
    ) -> Self {
        if ownership == Ownership::Process {
            return Self::forever();
        }
        let lease = bounded(lease);
        let term = Arc::new(Term {
            asked,
            nanos: AtomicU64::new(nanos(valid.min(validity(lease)))),
            lost: watch::Sender::new(false),
        });
        let renewal = background.spawn(keep(Arc::clone(&term), asked, lease, renew));
        Self(Some(Lease { term, renewal }))
    }

    /// What has no lease: nothing to renew, and nothing to lose.
    pub(crate) fn forever() -> Self {
        Self(None)
    }

    /// Whether the lease may be relied on now.
    pub(crate) fn is_valid(&self) -> bool {
        self.left() != Some(Duration::ZERO)
    }

    /// How long it may be relied on if it is not renewed; `None` for ever.
    pub(crate) fn left(&self) -> Option<Duration> {
        self.0.as_ref().map(|lease| lease.term.left())
    }

    /// The same, for somebody who does not keep it.
    pub(crate) fn watched(&self) -> Option<Left> {
        self.0.as_ref().map(|lease| Left(Arc::clone(&lease.term)))
    }

    /// Resolves when the lease is lost. Cancel safe.
    pub(crate) async fn lost(&self) {
        match &self.0 {
            Some(lease) => lease.term.lost().await,
            None => std::future::pending().await,
        }
    }

    /// Polls `body`, as the work of `invocation`, for as long as the lease is valid and never after that.
    pub(crate) async fn guard<F: Future>(
        &self,
        invocation: Invocation,
        mut body: Pin<&mut F>,
    ) -> Result<F::Output, Lost> {
        let Some(Lease { term, .. }) = &self.0 else {
            return Ok(poll_fn(|context| invocation.enter(|| body.as_mut().poll(context))).await);
        };
        let mut lost = pin!(term.lost());
        poll_fn(|context| {
            if term.left().is_zero() {
                return Poll::Ready(Err(Lost));
            }
            match invocation.enter(|| body.as_mut().poll(context)) {
                Poll::Ready(output) => Poll::Ready(Ok(output)),
                Poll::Pending => lost.as_mut().poll(context).map(|()| Err(Lost)),
            }
        })
        .await
    }

    /// Ends the renewal, and waits for the one that is under way: no renewal comes after what follows.
    pub(crate) async fn end(mut self) {
        if let Some(lease) = &mut self.0 {
            lease.renewal.abort();
            // Cancelled, which is what was asked for.
            let _ = (&mut lease.renewal).await;
        }
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        if let Some(lease) = &self.0 {
            lease.renewal.abort();
        }
    }
}

impl Left {
    /// How long the lease may be relied on if it is not renewed.
    pub(crate) fn now(&self) -> Duration {
        self.0.left()
    }
}

impl Term {
    fn left(&self) -> Duration {
        self.length().saturating_sub(self.asked.elapsed())
    }

    /// When it is over, if it is not renewed.
    fn over(&self) -> Instant {
        self.asked + self.length()
    }

    fn length(&self) -> Duration {
        Duration::from_nanos(self.nanos.load(Ordering::Acquire))
    }

    async fn lost(&self) {
        let mut lost = self.lost.subscribe();
        if lost.wait_for(|lost| *lost).await.is_err() {
            // The sender lives in `self`.
            std::future::pending::<()>().await;
        }
    }

    fn renewed(&self, asked: Instant, lease: Duration) {
        let until = asked.saturating_duration_since(self.asked) + validity(lease);
        self.nanos.store(nanos(until), Ordering::Release);
    }

    fn lose(&self) {
        self.nanos.store(0, Ordering::Release);
        self.lost.send_replace(true);
    }
}

/// Renews at a third of the lease, and tries a renewal that fails again until the lease is over.
async fn keep(term: Arc<Term>, mut asked: Instant, lease: Duration, renew: Renew) {
    let mut pause = lease / 3;
    loop {
        let over = term.over();
        tokio::time::sleep_until((asked + pause).min(over)).await;
        // What a process that was stopped finds: it must not renew what it could not rely on for a while.
        if term.left().is_zero() {
            return term.lose();
        }
        let now = Instant::now();
        // A store that does not answer is not waited for beyond the end: who holds is to hear of it then.
        let renewed = tokio::time::timeout_at((now + lease / 3).min(over), renew()).await;
        match renewed {
            Ok(Ok(true)) => {
                term.renewed(now, lease);
                pause = lease / 3;
            }
            Ok(Ok(false)) => return term.lose(),
            Ok(Err(error)) => {
                tracing::debug!(target: "resilience", %error, "a lease was not renewed");
                pause = lease / RETRY_PART;
            }
            Err(_) => pause = Duration::ZERO,
        }
        asked = now;
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
