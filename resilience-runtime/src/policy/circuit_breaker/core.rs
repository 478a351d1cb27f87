//! What lets a healthy call pass without the lock: one word that says what the machine said last,
//! and beside it the few numbers that change more often than the state.
//!
//! The machine behind the lock decides everything. Its holder publishes what it said as
//!
//! - the *word*: the generation, and how much of the machine a call needs ([`Need`]);
//! - *until*: how long it is open, for rejections;
//! - the *tallies*: successes that only have to be counted, under the generation and the time they
//!   belong to. The next holder of the lock takes them out and counts them. There are a few, so that
//!   threads do not have to wait for each other's.
//!
//! The tallies are shut while somebody holds the lock, and while successes need more than counting:
//! then they take the lock, too.

use std::time::Duration;

use super::moment::Moment;
use super::rules::Rules;
use super::state::{CircuitState, Machine, Need, Ticket, Verdict};
use super::window::tick;
use crate::sync::{AtomicI64, AtomicU64, Mutex, Ordering, PoisonError, TALLIES};

/// A generation, and what a call in it needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Word(u64);

impl Word {
    const NEED_BITS: u32 = 3;

    pub(crate) const fn new(generation: u64, need: Need) -> Self {
        Self(generation << Self::NEED_BITS | need as u64)
    }

    pub(crate) const fn bits(self) -> u64 {
        self.0
    }

    #[inline]
    pub(crate) fn load(word: &AtomicU64) -> Self {
        Self(word.load(Ordering::Acquire))
    }

    /// The ticket for a call that may run without being asked about.
    #[inline]
    pub(crate) fn ticket(self) -> Option<Ticket> {
        (self.need() >= Need::Watching as u64).then_some(Ticket::of(self.generation()))
    }

    #[inline]
    pub(crate) fn is(self, need: Need) -> bool {
        self.need() == need as u64
    }

    /// Whether it is open, in this generation.
    pub(crate) fn is_open_in(self, generation: u64) -> bool {
        self == Self::new(generation, Need::Waiting)
    }

    /// Whether a success of this ticket changes nothing.
    #[inline]
    pub(crate) fn is_silent_for(self, ticket: Ticket) -> bool {
        self == Self::new(ticket.generation, Need::Nothing)
    }

    #[inline]
    fn need(self) -> u64 {
        self.0 & ((1 << Self::NEED_BITS) - 1)
    }

    #[inline]
    fn generation(self) -> u64 {
        self.0 >> Self::NEED_BITS
    }
}

/// The tally as a number: the last bits of the generation and of the time, and a count.
#[derive(Debug, Clone, Copy)]
struct Tally(u64);

impl Tally {
    const COUNT_BITS: u32 = 24;
    const TAG_BITS: u32 = 20;
    /// A count that no tally reaches: nothing can be added.
    const SHUT: Self = Self(Self::COUNT_MASK);
    const COUNT_MASK: u64 = (1 << Self::COUNT_BITS) - 1;
    const TAG_MASK: u64 = (1 << Self::TAG_BITS) - 1;

    /// Open, with nothing in it. The tags come around after a million changes, within which no
    /// thread stands still between two instructions; that nothing has changed for so long is for
    /// others to see.
    #[inline]
    fn open(generation: u64, tick: i64) -> Self {
        let tick = tick.cast_unsigned() & Self::TAG_MASK;
        let tags = (generation & Self::TAG_MASK) << Self::TAG_BITS | tick;
        Self(tags << Self::COUNT_BITS)
    }

    #[inline]
    fn count(self) -> u64 {
        self.0 & Self::COUNT_MASK
    }

    /// What is in it; nothing when it is shut.
    fn successes(self) -> u32 {
        match self.0 {
            bits if bits == Self::SHUT.0 => 0,
            _ => u32::try_from(self.count()).unwrap_or(0),
        }
    }

    /// One more, if it is open for these and has room for another after it.
    #[inline]
    fn plus_one(self, open: Self, room: u64) -> Option<Self> {
        let fits = self.0 & !Self::COUNT_MASK == open.0 && self.count() + 1 < room;
        fits.then_some(Self(self.0 + 1))
    }
}

/// A tally that shares no cache line with anything, nor the pair of lines that is fetched together.
#[derive(Debug)]
#[repr(align(128))]
struct Apart(AtomicU64);

/// What a breaker remembers, made when it first has to.
#[derive(Debug)]
pub(crate) struct Memory {
    until: AtomicI64,
    /// The time that the tallies are for, all of it.
    tick: AtomicI64,
    tallies: [Apart; TALLIES],
    machine: Mutex<Machine>,
}

/// A change of state, to be told once the lock is released.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) to: CircuitState,
    pub(crate) generation: u64,
    pub(crate) openings: u64,
    /// For how long, where it opened by itself.
    pub(crate) open_for: Option<Duration>,
}

impl Change {
    /// What happened to a machine that was in `generation` before.
    pub(crate) fn since(generation: u64, machine: &Machine, rules: &Rules) -> Option<Self> {
        (machine.generation() != generation).then(|| Self {
            to: machine.state(),
            generation: machine.generation(),
            openings: machine.openings(),
            open_for: machine.open_for(rules),
        })
    }
}

/// The word and the memory of one breaker, and its rules.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Core<'a> {
    pub(crate) word: &'a AtomicU64,
    pub(crate) memory: &'a Memory,
    pub(crate) rules: &'a Rules,
}

impl Memory {
    pub(crate) fn new() -> Self {
        Self {
            until: AtomicI64::new(Moment::NEVER.0),
            tick: AtomicI64::new(0),
            tallies: std::array::from_fn(|_| Apart(AtomicU64::new(Tally::SHUT.0))),
            machine: Mutex::new(Machine::NEW),
        }
    }

    /// When an open breaker admits a call again. It is published before the word that says open;
    /// one that is read late is of a later opening.
    #[inline]
    pub(crate) fn until(&self) -> Moment {
        Moment(self.until.load(Ordering::Relaxed))
    }
}

impl Core<'_> {
    /// Counts a success without the lock; false when that is not possible (now). Threads that are in
    /// a `place` of their own do not disturb each other.
    #[inline]
    pub(crate) fn count_success(
        self,
        ticket: Ticket,
        place: usize,
        now: impl FnOnce() -> Moment,
    ) -> bool {
        if Word::load(self.word) != Word::new(ticket.generation, Need::Counting) {
            return false;
        }
        let tick = match self.rules.timed {
            true => tick(now(), self.rules),
            false => 0,
        };
        // The tag of a time comes around while nobody calls, for a short window within seconds.
        if self.memory.tick.load(Ordering::Relaxed) != tick {
            return false;
        }
        // So many successes fill a window of calls: then no more need be counted, which the one
        // who takes the lock will find out.
        let room = match self.rules.timed {
            true => Tally::COUNT_MASK,
            false => u64::from(self.rules.count_window()).min(Tally::COUNT_MASK),
        };
        let open = Tally::open(ticket.generation, tick);
        let Apart(counted) = &self.memory.tallies[place % TALLIES];
        let mut tally = Tally(counted.load(Ordering::Relaxed));
        while let Some(more) = tally.plus_one(open, room) {
            match counted.compare_exchange_weak(
                tally.0,
                more.0,
                Ordering::Release,
                Ordering::Relaxed,
            ) {
                Ok(_) => return true,
                Err(changed) => tally = Tally(changed),
            }
        }
        false
    }

    /// Works on the machine. What it says then is published before the lock is released.
    pub(crate) fn lock<R>(self, work: impl FnOnce(&mut Machine) -> R) -> (R, Option<Change>) {
        let mut machine = self
            .memory
            .machine
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        // They are opened and shut under the lock only: one that is shut stays shut.
        for Apart(tally) in &self.memory.tallies {
            if tally.load(Ordering::Relaxed) != Tally::SHUT.0 {
                let counted = Tally(tally.swap(Tally::SHUT.0, Ordering::Acquire));
                machine.fold(counted.successes());
            }
        }
        let generation = machine.generation();
        let result = work(&mut machine);
        let need = machine.need(self.rules);
        if need == Need::Waiting {
            let until = machine.open_until();
            self.memory.until.store(until.0, Ordering::Relaxed);
        }
        let word = Word::new(machine.generation(), need).bits();
        if self.word.load(Ordering::Relaxed) != word {
            self.word.store(word, Ordering::Release);
        }
        if need == Need::Counting {
            // After the word: whoever finds a tally open for a generation finds the generation.
            let tick = machine.tick();
            self.memory.tick.store(tick, Ordering::Relaxed);
            let open = Tally::open(machine.generation(), tick);
            for Apart(tally) in &self.memory.tallies {
                tally.store(open.0, Ordering::Release);
            }
        }
        let change = Change::since(generation, &machine, self.rules);
        (result, change)
    }

    /// An admitted call has ended, and it is not known to be of no consequence.
    pub(crate) fn settle(
        self,
        ticket: Ticket,
        verdict: Verdict,
        now: impl Fn() -> Moment,
    ) -> Option<Change> {
        self.lock(|machine| machine.settle(ticket, verdict, now, self.rules))
            .1
    }
}
