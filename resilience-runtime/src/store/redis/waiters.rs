//! Who waits in this process, and for what.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use tokio::sync::oneshot;

use crate::store::waiters as shared;

/// The waiters of a process, by topic. A topic is a word that a script publishes, followed by a line feed and what
/// there is to say.
#[derive(Clone, Default)]
pub(crate) struct Waiters(Arc<Mutex<Topics>>);

/// What wakes a waiter takes what was said.
type Topics = shared::Waiters<Arc<str>, oneshot::Sender<Arc<[u8]>>>;

impl Waiters {
    /// A waiter that misses nothing from now on.
    pub(crate) fn register(&self, topic: &str) -> Waiter {
        let (sender, woken) = oneshot::channel();
        let topic: Arc<str> = topic.into();
        let number = self.topics().join(Arc::clone(&topic), sender);
        Waiter {
            waiters: self.clone(),
            topic,
            number,
            woken,
        }
    }

    /// Wakes who waits for the topic of this message.
    pub(super) fn deliver(&self, message: &[u8]) {
        let mut parts = message.splitn(2, |byte| *byte == b'\n');
        let topic = parts.next().and_then(|it| std::str::from_utf8(it).ok());
        let content = parts.next().unwrap_or_default();
        let woken = topic.map(|topic| self.topics().take(topic));
        let content: Arc<[u8]> = content.into();
        for waiter in woken.into_iter().flatten() {
            let _ = waiter.send(Arc::clone(&content));
        }
    }

    /// Wakes everybody with nothing to say: what they wait for may have happened while nobody listened.
    pub(super) fn wake_all(&self) {
        let woken = self.topics().take_all();
        drop(woken);
    }

    /// Whether nobody waits.
    pub(super) fn is_empty(&self) -> bool {
        self.topics().is_empty()
    }

    fn topics(&self) -> MutexGuard<'_, Topics> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Resolves with what was said, or with `None` when nobody listened for a while. Dropping it is how one leaves.
pub(crate) struct Waiter {
    waiters: Waiters,
    topic: Arc<str>,
    number: u64,
    woken: oneshot::Receiver<Arc<[u8]>>,
}

impl Future for Waiter {
    type Output = Option<Arc<[u8]>>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.woken).poll(context).map(Result::ok)
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        self.waiters.topics().leave(&*self.topic, self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_message_reaches_who_waits_for_its_topic() {
        let waiters = Waiters::default();
        let (mut one, other) = (waiters.register("a"), waiters.register("b"));
        waiters.deliver(b"a\nline\nline");
        assert_eq!((&mut one).await.as_deref(), Some(&b"line\nline"[..]));
        drop(other);
        assert!(waiters.is_empty());
    }

    #[tokio::test]
    async fn a_silence_wakes_everybody() {
        let waiters = Waiters::default();
        let waiter = waiters.register("a");
        waiters.wake_all();
        assert_eq!(waiter.await, None);
    }
}
