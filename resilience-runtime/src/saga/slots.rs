//! Who works on sagas in the background: so many at once, each name in its turn.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, oneshot};

/// How many sagas are worked on side by side that nobody waits for.
const AT_ONCE: usize = 16;
/// After so long a saga gives its place away and goes on without one: what takes longer mostly waits, for a lock, a
/// timer or a service that hangs, and the others must not wait with it.
const LONG: Duration = Duration::from_secs(10);

/// The places of a runtime. Names take turns, so that a flood of one saga does not keep the others waiting.
pub(crate) struct BackgroundSlots {
    lines: Mutex<Lines>,
    /// Signalled whenever somebody has left a line.
    moved: Notify,
}

struct Lines {
    free: usize,
    /// Those who wait, by name, the next name first. Empty ones are not kept.
    waiting: VecDeque<(String, VecDeque<oneshot::Sender<Slot>>)>,
}

/// A place, until it is dropped.
pub(super) struct Slot(Option<Arc<BackgroundSlots>>);

impl Default for BackgroundSlots {
    fn default() -> Self {
        Self {
            lines: Mutex::new(Lines {
                free: AT_ONCE,
                waiting: VecDeque::new(),
            }),
            moved: Notify::new(),
        }
    }
}

impl BackgroundSlots {
    /// A place for a saga of this name, in its turn. Dropped while it waits, it leaves the line.
    pub(super) async fn enter(self: &Arc<Self>, name: &str) -> Slot {
        let place = {
            let mut lines = self.lines();
            if lines.free > 0 {
                lines.free -= 1;
                return Slot(Some(Arc::clone(self)));
            }
            lines.join(name)
        };
        // The sender is dropped only after it was used, or together with the runtime.
        place.await.unwrap_or(Slot(None))
    }

    /// Whether fewer than this many wait.
    pub(super) fn has_room(&self, most: usize) -> bool {
        self.lines().count() < most
    }

    /// Resolves when fewer than this many wait.
    pub(super) async fn room(&self, most: usize) {
        loop {
            let moved = self.moved.notified();
            tokio::pin!(moved);
            moved.as_mut().enable();
            if self.has_room(most) {
                return;
            }
            moved.await;
        }
    }

    fn lines(&self) -> MutexGuard<'_, Lines> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lines {
    fn join(&mut self, name: &str) -> oneshot::Receiver<Slot> {
        let (sender, place) = oneshot::channel();
        match self.waiting.iter_mut().find(|(of, _)| of == name) {
            Some((_, line)) => line.push_back(sender),
            None => self
                .waiting
                .push_back((name.to_owned(), VecDeque::from([sender]))),
        }
        place
    }

    fn next(&mut self) -> Option<oneshot::Sender<Slot>> {
        let (name, mut line) = self.waiting.pop_front()?;
        let next = line.pop_front();
        if !line.is_empty() {
            self.waiting.push_back((name, line));
        }
        next
    }

    fn count(&self) -> usize {
        self.waiting.iter().map(|(_, line)| line.len()).sum()
    }
}

impl Slot {
    /// Does `work` in this place, or, when it takes long, without one.
    pub(super) async fn during<F: Future>(self, work: F) -> F::Output {
        let mut work = std::pin::pin!(work);
        match tokio::time::timeout(LONG, &mut work).await {
            Ok(output) => output,
            Err(_elapsed) => {
                drop(self);
                work.await
            }
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let Some(slots) = self.0.take() else {
            return;
        };
        loop {
            let next = {
                let mut lines = slots.lines();
                let next = lines.next();
                lines.free += usize::from(next.is_none());
                next
            };
            slots.moved.notify_waiters();
            let Some(next) = next else {
                return;
            };
            match next.send(Self(Some(Arc::clone(&slots)))) {
                Ok(()) => return,
                // It has left the line.
                Err(mut slot) => drop(slot.0.take()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lets everybody run who can.
    async fn settle() {
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
    }

    fn work(
        slots: &Arc<BackgroundSlots>,
        name: &'static str,
        begun: &Arc<Mutex<Vec<&'static str>>>,
    ) {
        let (slots, begun) = (Arc::clone(slots), Arc::clone(begun));
        tokio::spawn(async move {
            let slot = slots.enter(name).await;
            begun.lock().unwrap().push(name);
            slot.during(tokio::time::sleep(Duration::from_secs(1)))
                .await;
        });
    }

    #[tokio::test(start_paused = true)]
    async fn names_take_turns_whatever_came_first() {
        let slots = Arc::new(BackgroundSlots::default());
        let begun = Arc::default();
        for _ in 0..3 * AT_ONCE {
            work(&slots, "flood", &begun);
        }
        for name in ["one", "two", "one"] {
            work(&slots, name, &begun);
        }
        settle().await;
        assert_eq!(begun.lock().unwrap().len(), AT_ONCE);
        slots.room(1 + 2 * AT_ONCE + 3).await;
        tokio::time::sleep(Duration::from_millis(1500)).await;
        let begun = begun.lock().unwrap().split_off(AT_ONCE);
        assert_eq!(begun.len(), AT_ONCE);
        assert_eq!(begun[..6], ["flood", "one", "two", "flood", "one", "flood"]);
    }

    #[tokio::test(start_paused = true)]
    async fn who_leaves_the_line_takes_no_place_along() {
        let slots = Arc::new(BackgroundSlots::default());
        let mut places = Vec::new();
        for _ in 0..AT_ONCE {
            places.push(slots.enter("first").await);
        }
        let left = tokio::time::timeout(Duration::from_secs(1), slots.enter("left"));
        assert!(left.await.is_err());
        places.clear();
        for _ in 0..AT_ONCE {
            places.push(slots.enter("later").await);
        }
        assert_eq!(slots.lines().free, 0);
        slots.room(1).await;
    }

    #[tokio::test(start_paused = true)]
    async fn what_takes_long_goes_on_without_a_place() {
        let slots = Arc::new(BackgroundSlots::default());
        for _ in 0..AT_ONCE {
            let slot = slots.enter("hangs").await;
            tokio::spawn(slot.during(std::future::pending::<()>()));
        }
        let began = tokio::time::Instant::now();
        drop(slots.enter("other").await);
        assert_eq!(began.elapsed().as_secs(), LONG.as_secs());
    }
}
