//! The model: every call that was ever admitted, and what there is to count of them.

use crate::policy::circuit_breaker::rules::Rules;
use crate::policy::circuit_breaker::state::CircuitState;
use crate::policy::circuit_breaker::window::Counts;

/// How a call ended: whether it failed, and whether it was slow.
pub(super) type End = (bool, bool);

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
pub(super) struct Model {
    rules: Rules,
    /// The state and its beginning, for every era.
    pub(super) eras: Vec<(CircuitState, i64)>,
    calls: Vec<Call>,
    /// What ended in this era, and when.
    ended: Vec<(i64, End)>,
    openings_since_closed: i32,
    /// The stage of a recovery, and what was asked for and succeeded in it.
    stage: (u64, u64, u32),
}

impl Model {
    pub(super) fn new(rules: Rules) -> Self {
        Self {
            rules,
            eras: vec![(CircuitState::Closed, 0)],
            calls: Vec::new(),
            ended: Vec::new(),
            openings_since_closed: 0,
            stage: (1, 0, 0),
        }
    }

    pub(super) fn state(&self) -> CircuitState {
        self.eras.last().unwrap().0
    }

    fn enter(&mut self, state: CircuitState, now: i64) {
        match state {
            CircuitState::Open => self.openings_since_closed += 1,
            CircuitState::Closed => self.openings_since_closed = 0,
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
    pub(super) fn call(&mut self, now: i64) -> Option<i64> {
        if self.state() == CircuitState::Open {
            let until = self.eras.last().unwrap().1 + self.open_for();
            if now < until {
                return Some(until - now);
            }
            self.enter(CircuitState::HalfOpen, now);
        }
        if self.state() == CircuitState::HalfOpen {
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
        if self.state() == CircuitState::Recovering {
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

    pub(super) fn window(&self, now: i64) -> Counts {
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

    pub(super) fn failures_in_a_row(&self) -> u32 {
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
    pub(super) fn end(&mut self, call: usize, end: Option<End>, now: i64) {
        let Call { era, fate, .. } = self.calls[call];
        self.calls[call].fate = Fate::Gone;
        let (true, Fate::Running, Some((failed, slow))) = (era == self.eras.len(), fate, end)
        else {
            return;
        };
        if self.state() == CircuitState::HalfOpen {
            self.calls[call].fate = Fate::Heard(!failed && !slow);
            return self.probe_ended(now);
        }
        self.ended.push((now, (failed, slow)));
        if self.trips(now) {
            self.enter(CircuitState::Open, now);
        } else if self.state() == CircuitState::Recovering && !failed && !slow {
            self.stage.2 += 1;
            if self.stage.2 == self.rules.success_threshold() {
                self.stage = (self.stage.0 + 1, 0, 0);
            }
            if self.stage.0 * u64::from(self.rules.recovery) >= 1_000_000 {
                self.enter(CircuitState::Closed, now);
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
            Some(true) if self.rules.recovery > 0 => self.enter(CircuitState::Recovering, now),
            Some(true) => self.enter(CircuitState::Closed, now),
            Some(false) => self.enter(CircuitState::Open, now),
            None => {}
        }
    }
}
