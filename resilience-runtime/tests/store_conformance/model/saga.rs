//! What becomes of one saga and its letters.

use resilience_runtime::dlq::{DeadLetterStatus, NewDeadLetter, RetryAs};
use resilience_runtime::saga::journal::{Parking, SagaId, SagaRecord, Status};

/// Who has a saga: a worker, and which one in its place.
pub(super) type Owner = (usize, u32);

pub(super) struct Saga {
    pub(super) id: SagaId,
    pub(super) key: Option<u32>,
    pub(super) status: Status,
    pub(super) parking: Option<Parking>,
    pub(super) epoch: i64,
    pub(super) interruptions: u32,
    pub(super) progressed: bool,
    pub(super) owner: Option<Owner>,
    pub(super) pivoted: bool,
    pub(super) cancelled: bool,
    /// Whether they are undone.
    pub(super) steps: Vec<bool>,
    pub(super) retry: Option<RetryAs>,
    pub(super) letters: Vec<Letter>,
}

#[derive(Debug, PartialEq)]
pub(super) struct Letter {
    pub(super) position: Option<u32>,
    pub(super) attempts: u32,
    pub(super) status: DeadLetterStatus,
}

impl Saga {
    pub(super) fn begun(id: SagaId, key: Option<u32>, owner: Owner) -> Self {
        Self {
            id,
            key,
            status: Status::Running,
            parking: None,
            epoch: 1,
            interruptions: 0,
            progressed: false,
            owner: Some(owner),
            pivoted: false,
            cancelled: false,
            steps: Vec::new(),
            retry: None,
            letters: Vec::new(),
        }
    }

    pub(super) fn keeps_its_key(&self, keeps: bool) -> bool {
        match self.status {
            Status::Completed => keeps,
            status => !status.is_over(),
        }
    }

    pub(super) fn requested(&self) -> Option<Status> {
        match self.retry? {
            RetryAs::Itself if self.status == Status::Parked => Some(Status::Running),
            _ => Some(Status::Compensating),
        }
    }

    /// Goes to `owner`, who goes on with it as `status`, or as it was.
    pub(super) fn goes_to(&mut self, owner: Owner, status: Option<Status>) {
        if let Some(status) = status {
            self.status = status;
            self.interruptions = 0;
            self.progressed = false;
            self.parking = None;
            self.retry = None;
        } else if self.owner.is_some() {
            self.interruptions = if self.progressed {
                1
            } else {
                self.interruptions + 1
            };
            self.progressed = false;
        }
        self.owner = Some(owner);
        self.epoch += 1;
    }

    pub(super) fn gets(&mut self, work: &NewDeadLetter) {
        let mut open = self.letters.iter_mut();
        let open = open.find(|it| it.position == work.position && it.status.is_unresolved());
        if let Some(open) = open {
            open.attempts += work.attempts;
            open.status = DeadLetterStatus::Open;
            return;
        }
        self.letters.push(Letter {
            position: work.position,
            attempts: work.attempts,
            status: DeadLetterStatus::Open,
        });
    }

    pub(super) fn unresolved(&mut self) -> impl Iterator<Item = &mut Letter> {
        let letters = self.letters.iter_mut();
        letters.filter(|letter| letter.status.is_unresolved())
    }

    #[track_caller]
    pub(super) fn is(&self, record: &SagaRecord) {
        assert_eq!(self.id, record.id);
        let found = (record.status, record.parking, record.epoch);
        assert_eq!((self.status, self.parking, self.epoch), found);
        assert_eq!(self.interruptions, record.interruptions);
        let found = (record.pivoted, record.cancelled);
        assert_eq!((self.pivoted, self.cancelled), found);
        let undone: Vec<_> = record.steps.iter().map(|step| step.undone).collect();
        assert_eq!(self.steps, undone);
    }
}
