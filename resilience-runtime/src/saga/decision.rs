//! What is to be done with a saga that somebody took over.

use super::cause::Cut;
use super::journal::{SagaRecord, Status};
use super::options::Recover;

/// What is to be done with a saga that nobody works on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Decision {
    /// Its body is run again.
    Resume,
    /// It is to be undone: cancelled, out of time, or interrupted where its author wants it undone then.
    Undo,
    /// That is decided: the undoing goes on.
    GoOnUndoing,
    /// It may be what kills its processes. It is not run.
    Poisoned,
    /// Nobody has to work on it.
    Nothing,
}

/// What the code and the runtime say of sagas of its name.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules {
    pub(super) recover: Recover,
    pub(super) max_interruptions: u32,
}

/// The decision, from what the journal says and nothing else: whoever takes the saga over comes to the same one.
pub(super) fn decide(record: &SagaRecord, rules: Rules) -> Decision {
    let is_poisoned = record.interruptions > rules.max_interruptions;
    match record.status {
        Status::Running | Status::Compensating if is_poisoned => Decision::Poisoned,
        Status::Compensating => Decision::GoOnUndoing,
        // There is no way back from behind a pivot.
        Status::Running if !record.pivoted && is_undone(record, rules.recover) => Decision::Undo,
        Status::Running => Decision::Resume,
        _ => Decision::Nothing,
    }
}

/// Whether it is to be undone, although it has not failed.
fn is_undone(record: &SagaRecord, recover: Recover) -> bool {
    // Else nobody has: it was started in somebody's transaction.
    let has_run = record.epoch > 1;
    // A saga that is running has an error only when it was parked before: somebody wants it to go on.
    let was_parked = record.error.is_some();
    let is_interrupted = has_run && !was_parked;
    Cut::due(record).is_some() || (recover == Recover::Compensate && is_interrupted)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::saga::journal::SagaId;
    use crate::timestamp::Timestamp;

    fn rules(recover: Recover) -> Rules {
        Rules {
            recover,
            max_interruptions: 5,
        }
    }

    /// Taken over once from a process that was killed, read at 100.
    fn record() -> SagaRecord {
        let at = Timestamp::from_micros(100);
        let mut record = SagaRecord::new(SagaId::generate(), "order".into(), "{}".into(), at);
        (record.epoch, record.interruptions) = (2, 1);
        record
    }

    #[test]
    fn one_that_was_interrupted_goes_on_or_is_undone_as_its_author_wants() {
        assert_eq!(decide(&record(), rules(Recover::Resume)), Decision::Resume);
        let undone = Decision::Undo;
        assert_eq!(decide(&record(), rules(Recover::Compensate)), undone);
    }

    #[test]
    fn one_that_nobody_has_run_is_run() {
        let mut record = record();
        (record.epoch, record.interruptions) = (1, 0);
        assert_eq!(
            decide(&record, rules(Recover::Compensate)),
            Decision::Resume
        );
    }

    #[test]
    fn one_that_was_parked_goes_on() {
        let mut record = record();
        record.error = Some("the code has changed".into());
        assert_eq!(
            decide(&record, rules(Recover::Compensate)),
            Decision::Resume
        );
    }

    #[test]
    fn the_deadline_counts_from_its_moment_on() {
        let mut record = record();
        record.deadline = Some(Timestamp::from_micros(101));
        assert_eq!(decide(&record, rules(Recover::Resume)), Decision::Resume);
        record.read_at = Timestamp::from_micros(101);
        let late = Decision::Undo;
        assert_eq!(decide(&record, rules(Recover::Resume)), late);
        record.cancelled = true;
        let cancelled = Decision::Undo;
        assert_eq!(decide(&record, rules(Recover::Resume)), cancelled);
    }

    #[test]
    fn the_interruption_after_the_last_one_that_is_allowed_parks_it() {
        for status in [Status::Running, Status::Compensating] {
            let mut record = record();
            (record.status, record.interruptions) = (status, 5);
            assert_ne!(decide(&record, rules(Recover::Resume)), Decision::Poisoned);
            record.interruptions = 6;
            assert_eq!(decide(&record, rules(Recover::Resume)), Decision::Poisoned);
        }
    }

    proptest! {
        #[test]
        fn a_decision_never_goes_back_over_a_pivot_nor_undoes_what_is_over(
            status in prop::sample::select(vec![
                Status::Running, Status::Compensating, Status::Completed, Status::Compensated, Status::Failed,
                Status::CompensationFailed, Status::Parked, Status::Resolved,
            ]),
            epoch in 0_i64..4,
            interruptions in 0_u32..8,
            max_interruptions in 0_u32..8,
            (pivoted, cancelled, parked, compensates) in any::<(bool, bool, bool, bool)>(),
            deadline in prop::option::of(0_i64..200),
        ) {
            let mut record = record();
            (record.status, record.epoch, record.interruptions) = (status, epoch, interruptions);
            (record.pivoted, record.cancelled) = (pivoted, cancelled);
            record.deadline = deadline.map(Timestamp::from_micros);
            record.error = parked.then(String::new);
            let recover = if compensates { Recover::Compensate } else { Recover::Resume };
            let rules = Rules { recover, max_interruptions };
            let decision = decide(&record, rules);
            prop_assert_eq!(decision == Decision::Nothing, !status.is_unfinished());
            prop_assert_eq!(
                decision == Decision::Poisoned,
                status.is_unfinished() && interruptions > max_interruptions
            );
            if decision == Decision::Undo {
                prop_assert_eq!(status, Status::Running);
                prop_assert!(!pivoted);
            }
            if decision == Decision::GoOnUndoing {
                prop_assert_eq!(status, Status::Compensating);
            }
            if decision == Decision::Resume {
                prop_assert_eq!(status, Status::Running);
                let has_time = deadline.is_none_or(|at| at > 100);
                prop_assert!(pivoted || (!cancelled && has_time));
            }
        }
    }
}
