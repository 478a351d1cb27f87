//! What operators did.

use super::Asking;
use crate::dlq::{AuditEntry, DeadLetter, DeadLetterId};
use crate::operator::Operator;
use crate::saga::journal::SagaId;

/// Everything that was done, in its order.
#[derive(Default)]
pub(super) struct Audit(Vec<AuditEntry>);

/// What something is done to: a letter, or a saga itself.
#[derive(Clone, Copy)]
pub(super) enum Subject<'a> {
    Letter(&'a DeadLetter),
    Saga(&'a SagaId),
}

impl Audit {
    pub(super) fn write(
        &mut self,
        asking: &Asking,
        by: Operator,
        action: &'static str,
        subject: Subject<'_>,
    ) {
        let (letter, saga) = match subject {
            Subject::Letter(letter) => (Some(letter.id), letter.saga.clone()),
            Subject::Saga(saga) => (None, Some(saga.clone())),
        };
        self.0.push(AuditEntry {
            at: asking.now,
            operator: by.name,
            action: action.to_owned(),
            reason: by.reason,
            letter,
            saga,
        });
    }

    /// What was done to `letter`, or to its saga itself.
    pub(super) fn of_letter(&self, letter: &DeadLetter) -> Vec<AuditEntry> {
        let it = |entry: &AuditEntry| match entry.letter {
            Some(id) => id == letter.id,
            None => entry.saga == letter.saga,
        };
        self.0.iter().filter(|entry| it(entry)).cloned().collect()
    }

    /// What was done to `saga` and its letters.
    pub(super) fn of_saga(&self, saga: &SagaId) -> Vec<AuditEntry> {
        let it = |entry: &&AuditEntry| entry.saga.as_ref() == Some(saga);
        self.0.iter().filter(it).cloned().collect()
    }

    pub(super) fn forget_saga(&mut self, saga: &SagaId) {
        self.0.retain(|entry| entry.saga.as_ref() != Some(saga));
    }

    pub(super) fn forget_letter(&mut self, letter: DeadLetterId) {
        self.0.retain(|entry| entry.letter != Some(letter));
    }
}
