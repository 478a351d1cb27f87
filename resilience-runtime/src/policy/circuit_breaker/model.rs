//! The breaker, with all that stands in front of its lock, against a model that is too simple to be
//! wrong in the same way: it keeps every call it ever admitted, and counts.

mod reference;

use std::cell::Cell;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use proptest::prelude::*;

use super::core::{Core, Memory, Word};
use super::moment::Moment;
use super::rules::Rules;
use super::state::{CircuitState, Machine, Need, Ticket, Verdict};
use super::window::Counts;
use reference::{End, Model};

#[derive(Debug, Clone)]
enum Move {
    Call,
    /// Ends one of all calls ever admitted, also one that has ended or whose era is over.
    End(prop::sample::Index, Option<End>),
    /// Calls that succeed at once.
    Successes(u32),
    Wait(i64),
}

fn any_move() -> impl Strategy<Value = Move> {
    let end = prop_oneof![
        4 => Just(Some((false, false))),
        4 => Just(Some((true, false))),
        1 => Just(Some((false, true))),
        1 => Just(Some((true, true))),
        1 => Just(None),
    ];
    prop_oneof![
        4 => Just(Move::Call),
        6 => (any::<prop::sample::Index>(), end).prop_map(|(call, end)| Move::End(call, end)),
        2 => (1_u32..15).prop_map(Move::Successes),
        // Around the ten seconds of `open_for`, from both sides and exactly; and so that of what is in
        // a window of three seconds or of eight a part leaves it.
        3 => prop_oneof![1_i64..500, 1_000_i64..6_000, 2_500_i64..3_000, 7_000_i64..8_000, Just(10_000)]
            .prop_map(|millis| Move::Wait(millis * 1_000_000)),
    ]
}

fn any_rules() -> impl Strategy<Value = Rules> {
    let base = Rules {
        open_for: 10_000,
        chosen_permits: 3,
        ..Rules::DEFAULT
    };
    let opening = prop_oneof![
        Just(Rules {
            chosen_threshold: 3,
            ..base
        }),
        Just(Rules {
            failure_rate: 0.5,
            chosen_window: 7,
            ..base
        }),
        Just(Rules {
            failure_rate: 0.5,
            chosen_window: 70,
            chosen_minimum: 4,
            ..base
        }),
        Just(Rules {
            failure_rate: 0.5,
            chosen_window: 5,
            chosen_threshold: 2,
            ..base
        }),
        Just(Rules {
            failure_rate: 0.5,
            chosen_window: 8_000,
            timed: true,
            chosen_minimum: 5,
            ..base
        }),
        Just(Rules {
            slow_after: 1,
            chosen_slow_rate: 0.5,
            failure_rate: 0.5,
            chosen_window: 6,
            ..base
        }),
        Just(Rules {
            slow_after: 1,
            chosen_slow_rate: 0.5,
            chosen_window: 3_000,
            timed: true,
            chosen_minimum: 3,
            ..base
        }),
    ];
    (
        opening,
        prop::bool::ANY,
        prop_oneof![Just(0), Just(300_000), Just(500_000)],
        prop::bool::ANY,
    )
        .prop_map(|(rules, by_rate, recovery, grows)| Rules {
            half_open_rate: if by_rate { 0.5 } else { 0.0 },
            chosen_successes: if by_rate { 0 } else { 2 },
            recovery,
            factor: 2.0,
            longest: if grows { 35_000 } else { 0 },
            ..rules
        })
}

/// What a gate does, without its name.
struct Breaker<'a> {
    core: Core<'a>,
    now: Cell<i64>,
    /// The thread that a success is of.
    place: Cell<usize>,
}

impl Breaker<'_> {
    fn clock(&self) -> impl Fn() -> Moment + Copy {
        || Moment(self.now.get())
    }

    fn admit(&self) -> Result<Ticket, Duration> {
        let word = Word::load(self.core.word);
        if let Some(ticket) = word.ticket() {
            return Ok(ticket);
        }
        let (now, until) = (self.clock()(), self.core.memory.until());
        if word.is(Need::Waiting) && now < until {
            return Err(until.since(now));
        }
        self.core
            .lock(|machine| machine.admit(self.clock(), self.core.rules))
            .0
    }

    fn settle(&self, ticket: Ticket, verdict: Verdict) {
        let place = self.place.replace(self.place.get() + 1);
        let quick = verdict == Verdict::Success { slow: false }
            && (Word::load(self.core.word).is_silent_for(ticket)
                || self.core.count_success(ticket, place, self.clock()));
        if !quick {
            self.core.settle(ticket, verdict, self.clock());
        }
    }
}

fn verdict(end: Option<End>) -> Verdict {
    match end {
        Some((false, slow)) => Verdict::Success { slow },
        Some((true, slow)) => Verdict::Failure { slow },
        None => Verdict::Withdrawn,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_048, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_breaker_does_what_the_model_does(
        rules in any_rules(),
        moves in prop::collection::vec(any_move(), 1..200),
        looks in prop::bool::ANY,
    ) {
        let (memory, mut model) = (Memory::new(), Model::new(rules));
        let word = AtomicU64::new(Word::new(0, Machine::NEW.need(&rules)).bits());
        let core = Core { word: &word, memory: &memory, rules: &rules };
        let breaker = Breaker { core, now: Cell::new(0), place: Cell::new(0) };
        let mut tickets = Vec::new();
        for step in moves {
            let now = breaker.now.get();
            match step {
                Move::Wait(time) => breaker.now.set(now + time),
                Move::Call => {
                    let answer = breaker.admit();
                    let wait = model.call(now).map(|wait| Duration::from_nanos(wait.cast_unsigned()));
                    prop_assert_eq!(answer.err(), wait);
                    tickets.extend(answer.ok().map(Some));
                }
                Move::Successes(count) => for _ in 0..count {
                    let answer = breaker.admit();
                    prop_assert_eq!(answer.is_err(), model.call(now).is_some());
                    let Ok(ticket) = answer else { continue };
                    breaker.settle(ticket, verdict(Some((false, false))));
                    tickets.push(None);
                    model.end(tickets.len() - 1, Some((false, false)), now);
                },
                Move::End(call, end) => {
                    let Some(call) = (!tickets.is_empty()).then(|| call.index(tickets.len())) else {
                        continue;
                    };
                    let Some(ticket) = tickets[call].take() else { continue };
                    breaker.settle(ticket, verdict(end));
                    model.end(call, end, now);
                }
            }
            // Looking takes the lock, which empties the tally: not in every run.
            if looks {
                let now = breaker.now.get();
                let (state, figures) = core.lock(|machine| {
                    (machine.state(), machine.figures(Moment(now), &rules))
                }).0;
                prop_assert_eq!(state, model.state());
                if matches!(state, CircuitState::Closed | CircuitState::Recovering) {
                    prop_assert_eq!(figures.failures_in_a_row, model.failures_in_a_row());
                    let counts = if rules.has_window() { model.window(now) } else { Counts::default() };
                    prop_assert_eq!(figures.counts, counts);
                }
            }
        }
        let (state, generation) = core.lock(|machine| (machine.state(), machine.generation())).0;
        prop_assert_eq!(state, model.state());
        prop_assert_eq!(generation, model.eras.len() as u64 - 1);
    }
}

#[test]
fn a_number_written_out_equals_the_default() {
    let written = Rules {
        chosen_threshold: 5,
        chosen_permits: 3,
        chosen_successes: 3,
        // Without a rate there is no window.
        chosen_window: 50,
        ..Rules::DEFAULT
    };
    assert_eq!(Rules::DEFAULT, written);
    let others = [
        Rules {
            chosen_successes: 2,
            ..written
        },
        Rules {
            failure_rate: 0.5,
            ..written
        },
        Rules {
            recovery: 1,
            ..written
        },
    ];
    assert!(others.iter().all(|other| *other != written));
}

#[test]
fn a_default_never_contradicts_what_was_chosen() {
    let one_probe = Rules {
        chosen_permits: 1,
        ..Rules::DEFAULT
    };
    assert_eq!(one_probe.success_threshold(), 1);
    let five_successes = Rules {
        chosen_successes: 5,
        ..Rules::DEFAULT
    };
    assert_eq!(five_successes.half_open_permits(), 5);
    let small_window = Rules {
        failure_rate: 0.5,
        chosen_window: 10,
        chosen_minimum: 20,
        ..Rules::DEFAULT
    };
    assert_eq!(small_window.minimum_calls(), 10);
}

#[test]
fn the_longest_time_is_no_overflow() {
    let rules = Rules {
        open_for: u32::MAX,
        factor: 1_000_000.0,
        longest: u32::MAX,
        ..Rules::DEFAULT
    };
    assert_eq!(rules.open_for(u32::MAX), rules.open_for(1));
    assert_eq!(Moment(i64::MAX - 1).after(rules.open_for(1)), Moment::NEVER);
}
