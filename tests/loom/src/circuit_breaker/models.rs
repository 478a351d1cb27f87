//! A breaker of two threads, in every order.

use loom::sync::Arc;
use loom::sync::atomic::AtomicU64;
use loom::thread;

use super::core::{Core, Memory, Word};
use super::moment::Moment;
use super::rules::Rules;
use super::state::{CircuitState, Machine, Need, Ticket, Verdict};
use super::window::Counts;

const SUCCESS: Verdict = Verdict::Success { slow: false };
const FAILURE: Verdict = Verdict::Failure { slow: false };
/// When a breaker that opened at the beginning is half-open.
const LATER: Moment = Moment(60_000_000_000);

struct Breaker {
    word: AtomicU64,
    memory: Memory,
    rules: Rules,
}

impl Breaker {
    fn new(rules: Rules) -> Arc<Self> {
        Arc::new(Self {
            word: AtomicU64::new(Word::new(0, Machine::NEW.need(&rules)).bits()),
            memory: Memory::new(),
            rules,
        })
    }

    /// Opens after one failure, and closes after one success.
    fn brittle() -> Arc<Self> {
        Self::new(Rules {
            chosen_threshold: 1,
            chosen_permits: 1,
            ..Rules::DEFAULT
        })
    }

    fn core(&self) -> Core<'_> {
        Core {
            word: &self.word,
            memory: &self.memory,
            rules: &self.rules,
        }
    }

    /// As a call does it.
    fn admit(&self, now: Moment) -> Option<Ticket> {
        let word = Word::load(&self.word);
        if let Some(ticket) = word.ticket() {
            return Some(ticket);
        }
        if word.is(Need::Waiting) && now < self.memory.until() {
            return None;
        }
        self.core()
            .lock(|machine| machine.admit(|| now, &self.rules))
            .0
            .ok()
    }

    /// As a call does it, on the thread that is in this place.
    fn settle_at(&self, place: usize, ticket: Ticket, verdict: Verdict, now: Moment) {
        let quick = verdict == SUCCESS
            && (Word::load(&self.word).is_silent_for(ticket)
                || self.core().count_success(ticket, place, || now));
        if !quick {
            self.core().settle(ticket, verdict, || now);
        }
    }

    fn settle(&self, ticket: Ticket, verdict: Verdict, now: Moment) {
        self.settle_at(0, ticket, verdict, now);
    }

    fn call(&self, verdict: Verdict, now: Moment) -> bool {
        self.call_at(0, verdict, now)
    }

    fn call_at(&self, place: usize, verdict: Verdict, now: Moment) -> bool {
        let ticket = self.admit(now);
        if let Some(ticket) = ticket {
            self.settle_at(place, ticket, verdict, now);
        }
        ticket.is_some()
    }

    fn state(&self) -> CircuitState {
        self.core().lock(|machine| machine.state()).0
    }

    fn counts(&self, now: Moment) -> Counts {
        let figures = |machine: &mut Machine| machine.figures(now, &self.rules);
        self.core().lock(figures).0.counts
    }
}

#[test]
fn a_success_beside_the_failure_that_opens_does_not_keep_it_closed() {
    loom::model(|| {
        let breaker = Breaker::brittle();
        let other = Arc::clone(&breaker);
        let succeeds = thread::spawn(move || {
            other.call(SUCCESS, Moment(0));
        });
        breaker.call(FAILURE, Moment(0));
        // Who has opened it is rejected, whatever the other does.
        assert!(breaker.admit(Moment(0)).is_none());
        succeeds.join().unwrap();
        assert_eq!(breaker.state(), CircuitState::Open);
    });
}

#[test]
fn a_rejection_knows_when_the_breaker_opened() {
    loom::model(|| {
        let breaker = Breaker::brittle();
        let other = Arc::clone(&breaker);
        let fails = thread::spawn(move || {
            other.call(FAILURE, Moment(0));
        });
        if Word::load(&breaker.word).is(Need::Waiting) {
            assert_eq!(breaker.memory.until(), LATER);
        }
        fails.join().unwrap();
    });
}

#[test]
fn a_late_success_does_not_close_a_breaker_that_opens_again() {
    loom::model(|| {
        let breaker = Breaker::brittle();
        let late = breaker.admit(Moment(0)).unwrap();
        breaker.call(FAILURE, Moment(0));
        let other = Arc::clone(&breaker);
        let succeeds = thread::spawn(move || other.settle(late, SUCCESS, LATER));
        // A probe, which fails.
        assert!(breaker.call(FAILURE, LATER));
        succeeds.join().unwrap();
        assert_eq!(breaker.state(), CircuitState::Open);
    });
}

#[test]
fn of_two_callers_one_gets_the_one_permit() {
    loom::model(|| {
        let breaker = Breaker::brittle();
        breaker.call(FAILURE, Moment(0));
        let other = Arc::clone(&breaker);
        let asks = thread::spawn(move || other.admit(LATER).is_some());
        let here = breaker.admit(LATER).is_some();
        assert!(here != asks.join().unwrap());
        assert_eq!(breaker.state(), CircuitState::HalfOpen);
    });
}

/// A window of calls, in which successes are only counted.
fn counting() -> Arc<Breaker> {
    let breaker = Breaker::new(Rules {
        failure_rate: 1.0,
        chosen_window: 8,
        chosen_minimum: 1,
        ..Rules::DEFAULT
    });
    breaker.call(SUCCESS, Moment(0));
    assert!(Word::load(&breaker.word).is(Need::Counting));
    breaker
}

#[test]
fn no_success_is_lost_or_counted_twice_while_others_take_the_lock() {
    // In the same place, and each in its own.
    for place in [0, 1] {
        loom::model(move || no_success_is_lost(place));
    }
}

fn no_success_is_lost(place: usize) {
    let breaker = counting();
    let other = Arc::clone(&breaker);
    let succeeds = thread::spawn(move || {
        other.call_at(place, SUCCESS, Moment(0));
        other.call_at(place, SUCCESS, Moment(0));
    });
    breaker.call(FAILURE, Moment(0));
    breaker.call(SUCCESS, Moment(0));
    succeeds.join().unwrap();
    let expected = Counts {
        calls: 5,
        failures: 1,
        slow: 0,
    };
    assert_eq!(breaker.counts(Moment(0)), expected);
}

#[test]
fn a_late_success_is_not_counted_in_the_next_generation() {
    loom::model(|| {
        let breaker = counting();
        let late = breaker.admit(Moment(0)).unwrap();
        let other = Arc::clone(&breaker);
        let succeeds = thread::spawn(move || other.settle(late, SUCCESS, Moment(0)));
        breaker.core().lock(Machine::close);
        breaker.call(SUCCESS, Moment(0));
        succeeds.join().unwrap();
        assert_eq!(breaker.counts(Moment(0)).calls, 1);
    });
}
