//! Who waits, in the order in which they came.

use std::collections::VecDeque;
use std::mem;
use std::task::Waker;

/// A line of tasks. One is found by the ticket that it got when it joined; one whose ticket is not
/// there any more has been called.
#[derive(Debug)]
pub(crate) struct Line {
    next: u64,
    waiting: VecDeque<(u64, Waker)>,
}

impl Line {
    pub(crate) const EMPTY: Self = Self {
        next: 0,
        waiting: VecDeque::new(),
    };

    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Joins at the end.
    pub(crate) fn join(&mut self, waker: &Waker) -> u64 {
        let ticket = self.next;
        self.next += 1;
        self.waiting.push_back((ticket, waker.clone()));
        ticket
    }

    /// How many stand before this one, which `waker` is to wake from now on, and the waker that did
    /// before: the last of a task takes what the task holds with it, so it is not dropped under the
    /// lock of the line. `None` once it was called.
    pub(crate) fn position(
        &mut self,
        ticket: u64,
        waker: &Waker,
    ) -> Option<(usize, Option<Waker>)> {
        let position = self.find(ticket)?;
        let (_, known) = self.waiting.get_mut(position)?;
        let replaced = (!known.will_wake(waker)).then(|| mem::replace(known, waker.clone()));
        Some((position, replaced))
    }

    /// Calls the first one.
    pub(crate) fn call(&mut self) -> Option<Waker> {
        self.waiting.pop_front().map(|(_, waker)| waker)
    }

    /// Who is the first now.
    pub(crate) fn first(&self) -> Option<&Waker> {
        self.waiting.front().map(|(_, waker)| waker)
    }

    /// Takes one out. `None` when it was called before.
    pub(crate) fn leave(&mut self, ticket: u64) -> Option<Waker> {
        let position = self.find(ticket)?;
        self.waiting.remove(position).map(|(_, waker)| waker)
    }

    /// Tickets are given in ascending order.
    fn find(&self, ticket: u64) -> Option<usize> {
        self.waiting
            .binary_search_by_key(&ticket, |(ticket, _)| *ticket)
            .ok()
    }
}
