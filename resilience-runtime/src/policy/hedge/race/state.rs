//! How far a race is, and what follows.

use tokio::time::Instant;

use crate::catalog::PolicyKind;
use crate::error::Effect;
use crate::outcome::{Answer, Errors, Refusal};
use crate::policy::deadline::deadline;
use crate::policy::hedge::Hedge;
use crate::policy::retry::together;
use crate::policy::switch::PolicyMode;
use crate::telemetry::{meter, names};

/// All of a race but its futures.
#[derive(Debug)]
pub(super) struct State {
    hedge: &'static Hedge,
    function: &'static str,
    stage: Stage,
    mode: PolicyMode,
    /// When the first attempt was started, if latencies are noted.
    begun: Option<Instant>,
    /// How many hedges were started.
    hedges: u32,
    by_time: ByTime,
    /// A hedge that is started in place of an attempt that failed: its token is taken.
    granted: bool,
    /// What the failed attempts did.
    effect: Effect,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    NotStarted,
    Running,
    /// An error said that another attempt is of no use: nothing is started any more.
    Stopped,
    Ended,
}

/// The hedge that is started when an attempt takes long.
#[derive(Debug, Clone, Copy)]
enum ByTime {
    NotWaiting,
    At(Instant),
    Never,
}

/// Which attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Who {
    First,
    Hedge,
}

/// When the next hedge is due.
#[derive(Debug, Clone, Copy)]
pub(super) enum Next {
    AtOnce,
    At(Instant),
    Nothing,
}

impl State {
    pub(super) const fn new(hedge: &'static Hedge, function: &'static str) -> Self {
        Self {
            hedge,
            function,
            stage: Stage::NotStarted,
            mode: PolicyMode::Enforced,
            begun: None,
            hedges: 0,
            by_time: ByTime::NotWaiting,
            granted: false,
            effect: Effect::DidNotRun,
        }
    }

    /// Whether this is the first poll.
    #[inline]
    pub(super) fn begin(&mut self) -> bool {
        if self.stage != Stage::NotStarted {
            return false;
        }
        self.stage = Stage::Running;
        self.mode = self.hedge.switch.mode();
        if self.mode != PolicyMode::Disabled && self.hedge.delay.latencies().is_some() {
            self.begun = Some(Instant::now());
        }
        true
    }

    /// An attempt has ended while so many others run. The answer of the call, if that is it.
    #[inline]
    pub(super) fn ended<T, E>(
        &mut self,
        mut answer: Answer<T, E>,
        errors: &Errors<Result<T, E>>,
        who: Who,
        running: usize,
    ) -> Option<Answer<T, E>> {
        if answer.result.is_ok() {
            if answer.origin.effect() == Effect::DidNotRun {
                answer.origin.set_effect(self.effect_with(running));
            }
            self.won(who);
            return Some(answer);
        }
        self.effect = together(self.effect, answer.origin.effect());
        self.failed(can_help(errors, &answer), running).then(|| {
            answer.origin.set_effect(self.effect);
            answer
        })
    }

    /// What the other attempts did, of which so many are dropped.
    fn effect_with(&self, dropped: usize) -> Effect {
        if dropped > 0 {
            Effect::MayHaveRun
        } else {
            self.effect
        }
    }

    /// The call has succeeded.
    #[inline]
    fn won(&mut self, who: Who) {
        self.stage = Stage::Ended;
        if let (Some(latencies), Some(begun)) = (self.hedge.delay.latencies(), self.begun) {
            latencies.note(begun.elapsed());
        }
        if !self.hedge.budget.is_full() && self.mode != PolicyMode::Disabled {
            self.hedge.budget.give_back();
        }
        if who == Who::Hedge {
            tracing::debug!(target: "resilience", function = self.function, "a hedge was faster");
            meter::count(names::HEDGES_WON, "function", self.function);
        }
    }

    /// An attempt has failed. Whether that is the end of the call.
    #[cold]
    fn failed(&mut self, can_help: bool, running: usize) -> bool {
        match self.mode {
            PolicyMode::Enforced if can_help => self.granted = self.granted || self.may_start(),
            PolicyMode::Enforced => self.stage = Stage::Stopped,
            PolicyMode::Shadow if can_help => self.would_have_acted(),
            PolicyMode::Shadow | PolicyMode::Disabled => {}
        }
        let is_over = running == 0 && !(self.granted && self.stage == Stage::Running);
        if is_over {
            self.stage = Stage::Ended;
        }
        is_over
    }

    /// When the next hedge is due, from now on.
    pub(super) fn next(&mut self) -> Next {
        if self.stage != Stage::Running || self.mode == PolicyMode::Disabled {
            return Next::Nothing;
        }
        if self.granted {
            return Next::AtOnce;
        }
        if self.hedges >= self.hedge.max_hedges {
            return Next::Nothing;
        }
        if let ByTime::NotWaiting = self.by_time {
            let due = Instant::now().checked_add(self.hedge.delay.now());
            self.by_time = due.map_or(ByTime::Never, ByTime::At);
        }
        match self.by_time {
            ByTime::At(due) => Next::At(due),
            ByTime::NotWaiting | ByTime::Never => Next::Nothing,
        }
    }

    /// A hedge is due. Whether it is started.
    pub(super) fn start(&mut self) -> bool {
        if self.mode == PolicyMode::Shadow {
            self.would_have_acted();
            return false;
        }
        if !self.granted && !self.may_start() {
            self.by_time = ByTime::Never;
            return false;
        }
        self.granted = false;
        self.hedges += 1;
        self.by_time = ByTime::NotWaiting;
        let (function, hedge) = (self.function, self.hedges);
        tracing::debug!(target: "resilience", function, hedge, "starting a hedge");
        meter::count(names::HEDGES, "function", function);
        true
    }

    /// Takes a token, if there may be another hedge now.
    fn may_start(&self) -> bool {
        self.hedges < self.hedge.max_hedges
            && deadline().is_none_or(|deadline| Instant::now() < deadline)
            && self.hedge.budget.take().is_ok()
    }

    /// Counts, once per call.
    fn would_have_acted(&mut self) {
        if let ByTime::Never = self.by_time {
            return;
        }
        self.by_time = ByTime::Never;
        self.hedge.switch.note(PolicyKind::Hedge, self.function);
    }
}

/// Whether another attempt may do better than one that failed like this.
fn can_help<T, E>(errors: &Errors<Result<T, E>>, answer: &Answer<T, E>) -> bool {
    match answer.origin.refusal() {
        None => errors.is_transient(&answer.result),
        Some(Refusal::TimedOut | Refusal::Rejected { .. }) => true,
        Some(Refusal::Final) => false,
    }
}
