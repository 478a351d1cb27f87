//! How often the body of a saga was run without getting any further.

use std::time::Duration;

/// How often in a row a saga may be cut off without finishing a step. A timeout above it that is
/// shorter than its slowest step would cut it off for ever.
const CUT_OFF: u32 = 8;
/// The pause after the second time that it was cut off.
const CUT_OFF_PAUSE: Duration = Duration::from_millis(400);
/// Between two runs of a saga that cannot go back, or that waits for a breaker.
const FIRST: Duration = Duration::from_millis(200);
const LONGEST: Duration = Duration::from_secs(60);

/// How a run ended that did not end its saga, and that another one follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unfinished {
    /// Its caller went away, or it was dropped.
    CutOff,
    /// It failed, and is not undone: it is past a pivot, or its last failed step is `retriable`.
    NoWayBack,
    /// It failed, and is not undone: nobody waits for it, and a breaker refused its last step, for this long, where that is
    /// known.
    Refused {
        /// How long the breaker stays open.
        retry_after: Option<Duration>,
    },
}

/// The runs of a saga in this process since a step came out, by how they ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Reruns {
    cut_off: u32,
    failed: u32,
    refused: u32,
}

impl Unfinished {
    /// Why there is no other run, in words.
    pub(super) fn for_good(self, most: u32, cause: &str) -> String {
        match self {
            Self::CutOff => format!(
                "it was cut off {CUT_OFF} times in a row before it finished a step; a timeout above \
                 the saga is probably shorter than that step"
            ),
            Self::NoWayBack | Self::Refused { .. } => format!(
                "there is no way back, and it failed {most} times in a row without getting any further: {cause}"
            ),
        }
    }
}

impl Reruns {
    /// One more run has ended so: how it is run again, and after which pause. `None`: it is not. What cannot go back is run
    /// `most` times.
    pub(super) fn after(self, ended: Unfinished, most: u32) -> Option<(Self, Duration)> {
        match ended {
            Unfinished::CutOff => self.cut_off(),
            Unfinished::NoWayBack => self.failed(most),
            Unfinished::Refused { retry_after } => Some(self.refused(retry_after)),
        }
    }

    fn cut_off(self) -> Option<(Self, Duration)> {
        let cut_off = self.cut_off + 1;
        // Once is no pattern.
        let pause = match cut_off {
            1 => Duration::ZERO,
            _ => doubled(CUT_OFF_PAUSE, Duration::MAX, cut_off - 1),
        };
        (cut_off <= CUT_OFF).then_some((Self { cut_off, ..self }, pause))
    }

    fn failed(self, most: u32) -> Option<(Self, Duration)> {
        let failed = self.failed + 1;
        let pause = doubled(FIRST, LONGEST, failed);
        (failed < most).then_some((Self { failed, ..self }, pause))
    }

    fn refused(self, retry_after: Option<Duration>) -> (Self, Duration) {
        let refused = self.refused.saturating_add(1);
        let pause = retry_after.filter(|pause| !pause.is_zero());
        let pause = pause.unwrap_or_else(|| doubled(FIRST, LONGEST, refused));
        (Self { refused, ..self }, pause)
    }

    /// How many runs there were.
    pub(super) fn runs(self) -> u32 {
        let runs = self.cut_off.saturating_add(self.failed);
        runs.saturating_add(self.refused)
    }
}

/// The `n`-th pause, from 1.
fn doubled(first: Duration, longest: Duration, n: u32) -> Duration {
    let factor = 2_u32.checked_pow(n.saturating_sub(1)).unwrap_or(u32::MAX);
    first.saturating_mul(factor).min(longest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_go_back_is_run_so_often_with_pauses_up_to_a_minute() {
        let mut reruns = Reruns::default();
        let mut pauses = Vec::new();
        while let Some((next, pause)) = reruns.failed(12) {
            reruns = next;
            pauses.push(pause.as_millis());
        }
        let expected = [
            200, 400, 800, 1600, 3200, 6400, 12800, 25600, 51200, 60000, 60000,
        ];
        assert_eq!(pauses, expected);
        assert_eq!(reruns.runs(), 11);
        assert!(Reruns::default().failed(1).is_none());
    }

    #[test]
    fn what_is_cut_off_is_run_eight_times_more() {
        let mut reruns = Reruns::default();
        let mut pauses = Vec::new();
        while let Some((next, pause)) = reruns.cut_off() {
            reruns = next;
            pauses.push(pause.as_millis());
        }
        assert_eq!(pauses, [0, 400, 800, 1600, 3200, 6400, 12800, 25600]);
    }

    #[test]
    fn refusals_burn_nothing_and_the_breaker_knows_best_when_to_come_again() {
        let mut reruns = Reruns::default();
        for pause in [200, 400, 800] {
            let (next, actual) = reruns.refused(None);
            assert_eq!(actual.as_millis(), pause);
            reruns = next;
        }
        let half_a_minute = Duration::from_secs(30);
        assert_eq!(reruns.refused(Some(half_a_minute)).1, half_a_minute);
        assert_eq!(reruns.refused(Some(Duration::ZERO)).1.as_millis(), 1600);
        for _ in 0..100 {
            reruns = reruns.refused(None).0;
        }
        assert_eq!(reruns.refused(None).1, LONGEST);
        assert_eq!(
            reruns.failed(2).map(|(_, pause)| pause.as_millis()),
            Some(200)
        );
    }
}
