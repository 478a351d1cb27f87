//! The machine against a model that is too simple to be wrong in the same way: it keeps every call
//! it ever admitted, and counts.

use proptest::prelude::*;

use super::*;

const RULES: Rules = Rules {
    failure_threshold: 3,
    open_for: Duration::from_secs(10),
    chosen_permits: 3,
    chosen_successes: 2,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Running,
    Succeeded,
    Gone,
}

/// A call as the model remembers it.
#[derive(Debug, Clone, Copy)]
struct Call {
    era: usize,
    admitted_at: Duration,
    fate: Fate,
}

#[derive(Debug, Default)]
struct Model {
    /// The state and its beginning, for every era.
    eras: Vec<(State, Duration)>,
    failures_in_a_row: u32,
    calls: Vec<Call>,
}

impl Model {
    fn new() -> Self {
        Self {
            eras: vec![(State::Closed, Duration::ZERO)],
            ..Self::default()
        }
    }

    fn state(&self) -> State {
        self.eras.last().unwrap().0
    }

    fn enter(&mut self, state: State, now: Duration) {
        self.eras.push((state, now));
        self.failures_in_a_row = 0;
    }

    fn calls_of_this_era(&self, fate: Fate) -> Vec<usize> {
        let era = self.eras.len();
        (0..self.calls.len())
            .filter(|&call| self.calls[call].era == era && self.calls[call].fate == fate)
            .collect()
    }

    /// How long the caller is told to wait; `None` when it may call.
    fn call(&mut self, now: Duration) -> Option<Duration> {
        let since = self.eras.last().unwrap().1;
        if self.state() == State::Open {
            if now < since + RULES.open_for {
                return Some(since + RULES.open_for - now);
            }
            self.enter(State::HalfOpen, now);
        }
        if self.state() == State::HalfOpen {
            let running = self.calls_of_this_era(Fate::Running);
            let succeeded = self.calls_of_this_era(Fate::Succeeded);
            if running.len() + succeeded.len() >= 3 {
                let oldest = &mut self.calls[running[0]];
                let ends = oldest.admitted_at + RULES.open_for;
                if now < ends {
                    return Some(ends - now);
                }
                oldest.fate = Fate::Gone;
            }
        }
        self.calls.push(Call {
            era: self.eras.len(),
            admitted_at: now,
            fate: Fate::Running,
        });
        None
    }

    /// `Some(true)` for success, `None` for a call that was dropped.
    fn end(&mut self, call: usize, success: Option<bool>, now: Duration) {
        let Call { era, fate, .. } = self.calls[call];
        self.calls[call].fate = Fate::Gone;
        if era != self.eras.len() || fate != Fate::Running {
            return;
        }
        match (self.state(), success) {
            (State::Closed, Some(true)) => self.failures_in_a_row = 0,
            (State::Closed, Some(false)) => {
                self.failures_in_a_row += 1;
                if self.failures_in_a_row == 3 {
                    self.enter(State::Open, now);
                }
            }
            (State::HalfOpen, Some(true)) => {
                self.calls[call].fate = Fate::Succeeded;
                if self.calls_of_this_era(Fate::Succeeded).len() == 2 {
                    self.enter(State::Closed, now);
                }
            }
            (State::HalfOpen, Some(false)) => self.enter(State::Open, now),
            (_, None) => {}
            (State::Open, Some(_)) => unreachable!("no call is admitted by an open breaker"),
        }
    }
}

#[derive(Debug, Clone)]
enum Move {
    Call,
    /// Ends one of all calls ever admitted, also one that has ended or whose era is over.
    End(prop::sample::Index, Option<bool>),
    Wait(Duration),
}

fn any_move() -> impl Strategy<Value = Move> {
    prop_oneof![
        4 => Just(Move::Call),
        5 => (any::<prop::sample::Index>(), prop_oneof![
            2 => Just(Some(true)),
            3 => Just(Some(false)),
            1 => Just(None),
        ])
        .prop_map(|(call, success)| Move::End(call, success)),
        // Around the ten seconds of `open_for`, from both sides and exactly.
        2 => prop_oneof![1_000_u64..6_000, Just(10_000)]
            .prop_map(|millis| Move::Wait(Duration::from_millis(millis))),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_024, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_machine_does_what_the_model_does(moves in prop::collection::vec(any_move(), 1..120)) {
        let start = Instant::now();
        let mut now = Duration::ZERO;
        let (mut machine, mut model) = (Machine::NEW, Model::new());
        let mut tickets = Vec::new();
        for step in moves {
            match step {
                Move::Wait(time) => now += time,
                Move::Call => {
                    let answer = machine.admit(start + now, &RULES);
                    prop_assert_eq!(answer.err(), model.call(now));
                    tickets.extend(answer.ok().map(Some));
                }
                Move::End(call, success) => {
                    let Some(call) = (!tickets.is_empty()).then(|| call.index(tickets.len())) else {
                        continue;
                    };
                    let Some(ticket) = tickets[call].take() else { continue };
                    let verdict = match success {
                        Some(true) => Verdict::Success,
                        Some(false) => Verdict::Failure { at: start + now },
                        None => Verdict::Withdrawn,
                    };
                    machine.settle(ticket, verdict, &RULES);
                    model.end(call, success, now);
                }
            }
            prop_assert_eq!(machine.state(), model.state());
            let quiet = model.state() == State::Closed && model.failures_in_a_row == 0;
            prop_assert_eq!(machine.is_quiet(), quiet);
            prop_assert_eq!(machine.generation(), model.eras.len() as u64 - 1);
        }
    }
}

#[test]
fn a_number_written_out_equals_the_default() {
    let written = Rules {
        failure_threshold: 5,
        open_for: Duration::from_secs(60),
        chosen_permits: 3,
        chosen_successes: 3,
    };
    assert_eq!(Rules::DEFAULT, written);
    assert_ne!(
        Rules::DEFAULT,
        Rules {
            chosen_successes: 2,
            ..written
        }
    );
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
}

#[test]
fn the_longest_time_is_no_overflow() {
    let rules = Rules {
        failure_threshold: 1,
        open_for: Duration::MAX,
        ..Rules::DEFAULT
    };
    let now = Instant::now();
    let mut machine = Machine::NEW;
    let ticket = machine.admit(now, &rules).unwrap();
    machine.settle(ticket, Verdict::Failure { at: now }, &rules);
    assert_eq!(machine.state(), State::Open);
    assert!(machine.admit(now, &rules).is_err());
}
