//! Who waits in this process, and for what.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;

/// Those who wait, by topic. A waiter is what wakes it, and what its store notes of it.
///
/// Whoever takes waiters out wakes them after the lock around this is gone.
#[derive(Debug)]
pub(super) struct Waiters<T, W> {
    last: u64,
    /// Topics that nobody waits for are not kept.
    by_topic: HashMap<T, Vec<(u64, W)>>,
}

impl<T, W> Default for Waiters<T, W> {
    fn default() -> Self {
        Self {
            last: 0,
            by_topic: HashMap::new(),
        }
    }
}

impl<T: Eq + Hash, W> Waiters<T, W> {
    /// From here on the waiter misses no wake-up of the topic. The answer is its number, by which it leaves.
    pub(super) fn join(&mut self, topic: T, waiter: W) -> u64 {
        self.last += 1;
        let waiters = self.by_topic.entry(topic).or_default();
        waiters.push((self.last, waiter));
        self.last
    }

    /// The waiter with this number, if it was not woken, waits no longer.
    pub(super) fn leave<Q: Eq + Hash + ?Sized>(&mut self, topic: &Q, number: u64)
    where
        T: Borrow<Q>,
    {
        if let Some(waiters) = self.by_topic.get_mut(topic) {
            waiters.retain(|(it, _)| *it != number);
            if waiters.is_empty() {
                self.by_topic.remove(topic);
            }
        }
    }

    /// All who wait for the topic, to be woken.
    pub(super) fn take<Q: Eq + Hash + ?Sized>(
        &mut self,
        topic: &Q,
    ) -> impl Iterator<Item = W> + use<T, W, Q>
    where
        T: Borrow<Q>,
    {
        let waiters = self.by_topic.remove(topic);
        waiters.into_iter().flatten().map(|(_, waiter)| waiter)
    }

    /// All, to be woken.
    pub(super) fn take_all(&mut self) -> impl Iterator<Item = W> + use<T, W> {
        let waiters = std::mem::take(&mut self.by_topic).into_values();
        waiters.flatten().map(|(_, waiter)| waiter)
    }

    /// Whether nobody waits.
    #[cfg(any(feature = "sqlite", feature = "redis", test))]
    pub(super) fn is_empty(&self) -> bool {
        self.by_topic.is_empty()
    }

    /// Who waits for what.
    #[cfg(feature = "sqlite")]
    pub(super) fn iter(&self) -> impl Iterator<Item = (&T, &W)> {
        let topics = self.by_topic.iter();
        topics.flat_map(|(topic, waiters)| waiters.iter().map(move |(_, waiter)| (topic, waiter)))
    }
}

#[cfg(test)]
mod tests {
    use super::Waiters;

    #[test]
    fn who_has_left_is_not_woken_and_the_others_are_once() {
        let mut waiters = Waiters::<&str, u8>::default();
        let first = waiters.join("a", 1);
        waiters.join("a", 2);
        let other = waiters.join("b", 3);
        waiters.leave("a", first);
        assert_eq!(waiters.take("a").collect::<Vec<_>>(), [2]);
        assert_eq!(waiters.take("a").count(), 0);
        assert_eq!(waiters.take_all().collect::<Vec<_>>(), [3]);
        waiters.leave("b", other);
        assert!(waiters.is_empty());
    }
}
