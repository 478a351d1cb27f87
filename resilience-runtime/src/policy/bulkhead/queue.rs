//! Places, and the line of those who wait for one.
//!
//! One word holds how many run and how many wait. While nobody waits, taking and giving back a place
//! is one exchange on that word. The line itself is behind a lock, and everybody who joins or leaves
//! it changes the number in the word under that lock, so that whoever gives a place back sees in the
//! word that there is somebody to hand it to.
//!
//! Somebody waits only while no place is free: a place that is given back goes to the first in line
//! without ever being free, and nobody gets past the line.

use std::task::Waker;

use super::line::Line;
use crate::sync::{AtomicU64, Mutex, MutexGuard, Ordering, PoisonError};

/// One who waits, in the word; one who runs is 1.
const ONE_WAITS: u64 = 1 << 32;

/// A number of places, and a line in front of them.
pub(super) struct Queue {
    pub(super) word: AtomicU64,
    pub(super) line: Mutex<Line>,
}

/// How a call without a free place goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Entry {
    /// There was a place after all.
    Admitted,
    /// It waits, under this ticket.
    Waiting(u64),
    /// The line is full, too.
    Full,
}

impl Queue {
    pub(super) fn running(&self) -> u32 {
        running(self.word.load(Ordering::Relaxed))
    }

    pub(super) fn waiting(&self) -> u32 {
        waiting(self.word.load(Ordering::Relaxed))
    }

    /// Takes a place if one is free and nobody waits.
    #[inline]
    pub(super) fn try_enter(&self, places: u32) -> bool {
        let mut word = self.word.load(Ordering::Relaxed);
        // Also false while somebody waits, whose number is above that of those who run.
        while word < u64::from(places) {
            match self.exchange(word, word + 1) {
                Ok(_) => return true,
                Err(now) => word = now,
            }
        }
        false
    }

    /// Takes a place, or joins the line, of `seats` at most.
    pub(super) fn enter_or_wait(&self, places: u32, seats: u32, waker: &Waker) -> Entry {
        let mut line = self.line();
        loop {
            if self.try_enter(places) {
                return Entry::Admitted;
            }
            let word = self.word.load(Ordering::Relaxed);
            if word < u64::from(places) {
                continue;
            }
            if waiting(word) >= seats {
                return Entry::Full;
            }
            // Only if all places are still taken: one that is given back from now on comes to us.
            if self.exchange(word, word + ONE_WAITS).is_ok() {
                return Entry::Waiting(line.join(waker));
            }
        }
    }

    /// Takes a place that may not exist. Whether there would have been neither one nor a seat.
    pub(super) fn enter_regardless(&self, places: u32, seats: u32) -> bool {
        let before = self.word.fetch_add(1, Ordering::Acquire);
        let all = u64::from(running(before)) + u64::from(waiting(before));
        all >= u64::from(places) + u64::from(seats)
    }

    /// Whether this ticket was called: its owner has a place now.
    pub(super) fn is_admitted(&self, ticket: u64, waker: &Waker) -> bool {
        let found = self.line().position(ticket, waker);
        found.is_none()
    }

    /// Gives up waiting. When a place was handed over in the meantime, it goes to the next.
    pub(super) fn leave_line(&self, ticket: u64, places: u32) {
        let mut line = self.line();
        let left = line.leave(ticket);
        if left.is_some() {
            self.word.fetch_sub(ONE_WAITS, Ordering::Relaxed);
        }
        drop(line);
        // A waker is the runtime's code: not under the lock.
        match left {
            Some(waker) => drop(waker),
            None => self.leave(places),
        }
    }

    /// Gives a place back.
    #[inline]
    pub(super) fn leave(&self, places: u32) {
        let mut word = self.word.load(Ordering::Relaxed);
        while is_surplus(word, places) {
            match self.exchange(word, word - 1) {
                Ok(_) => return,
                Err(now) => word = now,
            }
        }
        self.hand_over(places);
    }

    /// Hands the place to the first in line, or gives it back where there is nobody any more.
    #[cold]
    fn hand_over(&self, places: u32) {
        let mut line = self.line();
        let mut word = self.word.load(Ordering::Relaxed);
        while is_surplus(word, places) {
            match self.exchange(word, word - 1) {
                Ok(_) => return,
                Err(now) => word = now,
            }
        }
        let called = line.call();
        self.word.fetch_sub(ONE_WAITS, Ordering::Release);
        drop(line);
        if let Some(waker) = called {
            waker.wake();
        }
    }

    #[inline]
    fn exchange(&self, from: u64, to: u64) -> Result<u64, u64> {
        // What was done in a place is seen by the next who is in it.
        self.word
            .compare_exchange(from, to, Ordering::AcqRel, Ordering::Relaxed)
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a place that is given back is for nobody: no one waits, or more run than there are
/// places.
const fn is_surplus(word: u64, places: u32) -> bool {
    waiting(word) == 0 || running(word) > places
}

const fn running(word: u64) -> u32 {
    (word & (ONE_WAITS - 1)) as u32
}

const fn waiting(word: u64) -> u32 {
    (word >> 32) as u32
}
