//! What is asked of the queue.

use proptest::sample::Index;
use resilience_runtime::dlq::{Closing, DeadLetterId, DeadLetterStatus, Queue, RetryAs};
use resilience_runtime::saga::journal::Status;

use super::super::{Workers, letters_of, operator};
use super::run::Model;

impl<F: Workers> Model<'_, F> {
    /// One of all letters: the saga that it is of, its place among the letters of that, and its id.
    pub(super) async fn letter(&self, index: Index) -> Option<(usize, usize, DeadLetterId)> {
        let letters = |(number, count): (usize, usize)| (0..count).map(move |at| (number, at));
        let counts = self.sagas.iter().map(|saga| saga.letters.len());
        let all: Vec<_> = counts.enumerate().flat_map(letters).collect();
        if all.is_empty() {
            return None;
        }
        let (saga, place) = all[index.index(all.len())];
        let found = letters_of(&self.workers[0], &self.sagas[saga].id).await;
        Some((saga, place, found[place].id))
    }

    pub(super) async fn retry(
        &mut self,
        saga: usize,
        place: usize,
        id: DeadLetterId,
        how: RetryAs,
    ) {
        let saga = &mut self.sagas[saga];
        let requested = self.workers[1].request_retry(id, how, operator()).await;
        let is_unresolved = saga.letters[place].status.is_unresolved();
        let possible = is_unresolved && saga.status.is_dead();
        assert_eq!(requested.unwrap(), possible);
        if possible {
            saga.retry = Some(how);
            for letter in saga.unresolved() {
                letter.status = DeadLetterStatus::Retrying;
            }
        }
    }

    pub(super) async fn close(
        &mut self,
        saga: usize,
        place: usize,
        id: DeadLetterId,
        gives_up: bool,
    ) {
        let saga = &mut self.sagas[saga];
        let (closing, status) = match gives_up {
            true => (Closing::Discard, DeadLetterStatus::Discarded),
            false => {
                let closing = Closing::Resolve("by hand".to_owned());
                (closing, DeadLetterStatus::Resolved)
            }
        };
        let closed = Queue::close(&self.workers[1], id, closing, operator()).await;
        let is_unresolved = saga.letters[place].status.is_unresolved();
        let possible = is_unresolved && saga.status.is_dead();
        assert_eq!(closed.unwrap(), possible);
        if possible {
            saga.letters[place].status = status;
            if saga.unresolved().next().is_none() {
                saga.status = Status::Resolved;
                saga.parking = None;
                saga.retry = None;
                saga.epoch += 1;
            }
        }
    }
}
