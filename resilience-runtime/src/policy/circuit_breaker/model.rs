//! The breaker, with all that stands in front of its lock, against a model that is too simple to be
//! wrong in the same way: it keeps every call it ever admitted, and counts.

use std::cell::Cell;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use proptest::prelude::*;

use super::core::{Core, Memory, Word};
use super::moment::Moment;
use super::rules::Rules;
use super::state::{Machine, Need, State, Ticket, Verdict};
use super::window::Counts;

/// How a call ended: whether it failed, and whether it was slow.
type End = (bool, bool);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Running,
    /// As a probe, well or not.
    Heard(bool),
    Gone,
}

/// A call as the model remembers it.
#[derive(Debug, Clone, Copy)]
struct Call {
    era: usize,
    admitted_at: i64,
    fate: Fate,
}

#[derive(Debug)]
struct Model {
    rules: Rules,
    /// The state and its beginning, for every era.
    eras: Vec<(State, i64)>,
    calls: Vec<Call>,
    /// What ended in this era, and when.
    ended: Vec<(i64, End)>,
    openings_since_closed: i32,
    /// The stage of a recovery, and what was asked for and succeeded in it.
    stage: (u64, u64, u32),
}

impl Model {
    fn new(rules: Rules) -> Self {
        Self {
            rules,
            eras: vec![(State::Closed, 0)],
            calls: Vec::new(),
            ended: Vec::new(),
            openings_since_closed: 0,
            stage: (1, 0, 0),
        }
    }

    fn state(&self) -> State {
        self.eras.last().unwrap().0
    }

    fn enter(&mut self, state: State, now: i64) {
        match state {
            State::Open => self.openings_since_closed += 1,
            State::Closed => self.openings_since_closed = 0,
            _ => {}
        }
        self.eras.push((state, now));
        self.ended.clear();
        self.stage = (1, 0, 0);
    }

    fn open_for(&self) -> i64 {
        let base = i64::from(self.rules.open_for) * 1_000_000;
        if self.rules.longest == 0 {
            return base;
        }
        // The factor of the tests is 2.
        let longer = base << (self.openings_since_closed - 1).min(20);
        longer.min(i64::from(self.rules.longest) * 1_000_000)
    }

    fn of_this_era(&self, is: impl Fn(Fate) -> bool) -> Vec<usize> {
        let era = self.eras.len();
        (0..self.calls.len())
            .filter(|&call| self.calls[call].era == era && is(self.calls[call].fate))
            .collect()
    }

    /// How long the caller is told to wait; `None` when it may call.
    fn call(&mut self, now: i64) -> Option<i64> {
        if self.state() == State::Open {
            let until = self.eras.last().unwrap().1 + self.open_for();
            if now < until {
                return Some(until - now);
            }
            self.enter(State::HalfOpen, now);
        }
        if self.state() == State::HalfOpen {
            let taken = self.of_this_era(|fate| fate != Fate::Gone).len();
            let running = self.of_this_era(|fate| fate == Fate::Running);
            if taken >= self.rules.half_open_permits() as usize {
                let oldest = &mut self.calls[running[0]];
                let ends = oldest.admitted_at + i64::from(self.rules.open_for) * 1_000_000;
                if now < ends {
                    return Some(ends - now);
                }
                oldest.fate = Fate::Gone;
            }
        }
        if self.state() == State::Recovering {
            let (stage, asked, _) = &mut self.stage;
            let share = *stage * u64::from(self.rules.recovery);
            // The first one runs, and from there on one for every whole of shares.
            let run = |asked: u64| (asked * share + 1_000_000 - share) / 1_000_000;
            *asked += 1;
            if run(*asked) == run(*asked - 1) {
                return Some(0);
            }
        }
        self.calls.push(Call {
            era: self.eras.len(),
            admitted_at: now,
            fate: Fate::Running,
        });
        None
    }

    fn window(&self, now: i64) -> Counts {
        let first = match self.rules.timed {
            // Parts of a 32nd of the window.
            true => {
                let part = i64::from(self.rules.chosen_window) * 1_000_000 / 32;
                let begin = (now.div_euclid(part) - 31) * part;
                self.ended.iter().position(|&(at, _)| at >= begin)
            }
            false => Some(
                self.ended
                    .len()
                    .saturating_sub(self.rules.count_window() as usize),
            ),
        };
        let mut counts = Counts::default();
        for &(_, (failed, slow)) in &self.ended[first.unwrap_or(self.ended.len())..] {
            counts.calls += 1;
            counts.failures += u32::from(failed);
            counts.slow += u32::from(slow);
        }
        counts
    }

    fn failures_in_a_row(&self) -> u32 {
        let row = self
            .ended
            .iter()
            .rev()
            .take_while(|(_, (failed, _))| *failed);
        u32::try_from(row.count()).unwrap()
    }

    /// Whether what has ended in this era is too much.
    fn trips(&self, now: i64) -> bool {
        let Counts {
            calls,
            failures,
            slow,
        } = self.window(now);
        // The rates of the tests are a half each.
        let failing = self.rules.failure_rate > 0.0 && failures * 2 >= calls;
        let slowing = self.rules.slow_after > 0 && slow * 2 >= calls;
        let in_a_row = self.rules.failure_threshold();
        in_a_row.is_some_and(|threshold| self.failures_in_a_row() >= threshold)
            || calls >= self.rules.minimum_calls() && (failing || slowing)
    }

    /// `None` for a call that was dropped.
    fn end(&mut self, call: usize, end: Option<End>, now: i64) {
        let Call { era, fate, .. } = self.calls[call];
        self.calls[call].fate = Fate::Gone;
        let (true, Fate::Running, Some((failed, slow))) = (era == self.eras.len(), fate, end)
        else {
            return;
        };
        if self.state() == State::HalfOpen {
            self.calls[call].fate = Fate::Heard(!failed && !slow);
            return self.probe_ended(now);
        }
        self.ended.push((now, (failed, slow)));
        if self.trips(now) {
            self.enter(State::Open, now);
        } else if self.state() == State::Recovering && !failed && !slow {
            self.stage.2 += 1;
            if self.stage.2 == self.rules.success_threshold() {
                self.stage = (self.stage.0 + 1, 0, 0);
            }
            if self.stage.0 * u64::from(self.rules.recovery) >= 1_000_000 {
                self.enter(State::Closed, now);
            }
        }
    }

    fn probe_ended(&mut self, now: i64) {
        let good = self.of_this_era(|fate| fate == Fate::Heard(true)).len();
        let bad = self.of_this_era(|fate| fate == Fate::Heard(false)).len();
        let passed = if self.rules.half_open_rate > 0.0 {
            let all = good + bad == self.rules.half_open_permits() as usize;
            all.then_some(good * 2 >= good + bad)
        } else {
            let enough = good == self.rules.success_threshold() as usize;
            (bad > 0 || enough).then_some(bad == 0)
        };
        match passed {
            Some(true) if self.rules.recovery > 0 => self.enter(State::Recovering, now),
            Some(true) => self.enter(State::Closed, now),
            Some(false) => self.enter(State::Open, now),
            None => {}
        }
    }
}

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
        // Around the ten seconds of `open_for`, from both sides and exactly.
        2 => prop_oneof![1_i64..500, 1_000_i64..6_000, Just(10_000)]
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
        let quick = verdict == Verdict::Success { slow: false }
            && (Word::load(self.core.word).is_silent_for(ticket)
                || self.core.count_success(ticket, self.clock()));
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
        let breaker = Breaker { core, now: Cell::new(0) };
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
                if matches!(state, State::Closed | State::Recovering) {
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
