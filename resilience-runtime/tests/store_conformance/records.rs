//! Idempotency records.

#[path = "records/claims.rs"]
pub(crate) mod claims;
#[path = "records/contents.rs"]
pub(crate) mod contents;
#[path = "records/leases.rs"]
pub(crate) mod leases;
#[path = "records/races.rs"]
pub(crate) mod races;
#[path = "records/traces.rs"]
pub(crate) mod traces;
#[path = "records/wakes.rs"]
pub(crate) mod wakes;

use std::time::Duration;

use resilience_runtime::idempotency::Digest;
use resilience_runtime::idempotency::store::{
    Busy, Claim, Claiming, Completion, Grant, IdempotencyStore, Nonce, Ownership, Record,
    RecordKind, Release,
};

use crate::fixture::{HOUR, LONG, SHORT, digest};

/// Tests of an `IdempotencyStore`.
macro_rules! records {
    ($fixture:expr, start_paused = $paused:tt) => {
        instantiate! { records, $fixture, $paused:
            claims:
                a_key_is_granted_once_and_then_answers_its_record,
                asked_again_with_its_nonce_a_claim_is_granted_as_it_was,
                other_arguments_are_a_mismatch,
                an_expired_record_does_not_count,
                a_record_is_replaced_by_one_who_has_read_it,
                a_result_may_be_stored_again_by_its_nonce,
                a_vanished_claim_is_written_all_the_same,
                a_result_is_refused_where_another_has_the_key,
                only_the_nonce_that_has_the_key_releases_it,
                keys_do_not_touch_each_other;
            traces:
                a_run_after_a_failed_one_is_another_attempt,
                a_failed_run_does_not_bind_the_next_one_to_its_arguments,
                a_run_after_an_interrupted_one_knows_of_it,
                interrupted_stays_with_the_key_until_it_is_completed,
                a_claim_that_was_not_used_leaves_the_key_as_it_was,
                a_trace_is_completed_by_whoever_ran,
                tokens_grow_however_a_claim_ends;
            leases:
                a_claim_ends_as_the_ownership_says,
                the_claim_of_a_worker_that_is_gone_is_granted_with_the_next_attempt,
                a_lease_that_is_renewed_does_not_end,
                a_lease_is_renewed_by_its_holder_alone,
                asked_again_a_lease_begins_again,
                a_lost_claim_that_nobody_took_is_completed;
            contents:
                records_come_back_as_they_were_stored,
                long_contents_come_back;
            races:
                one_of_many_gets_the_key,
                one_of_many_takes_the_key_of_a_worker_that_is_gone,
                many_keys_at_once_do_not_meet;
            wakes:
                a_completion_wakes_who_waits,
                a_release_wakes_who_waits,
                what_happens_before_the_first_poll_is_not_missed,
                all_who_wait_come_to_the_record,
                who_asks_while_a_result_comes_is_not_forgotten,
                who_does_not_wait_is_not_woken,
                a_waiter_that_leaves_takes_nobody_along;
        }
    };
}

/// A caller with a key.
#[derive(Clone, Copy)]
pub(crate) struct Caller {
    key: Digest,
    fingerprint: Digest,
    nonce: Nonce,
    lease: Duration,
    waits: bool,
}

impl Caller {
    /// A caller that waits where the key is busy, and is granted it for [`LONG`].
    pub(crate) fn of(key: u32) -> Self {
        Self {
            key: digest(key),
            fingerprint: digest(u32::MAX),
            nonce: Nonce::random(),
            lease: LONG,
            waits: true,
        }
    }

    /// Another caller with the same key and arguments.
    pub(crate) fn another(self) -> Self {
        let nonce = Nonce::random();
        Self { nonce, ..self }
    }

    pub(crate) fn with_other_arguments(self) -> Self {
        let fingerprint = digest(u32::MAX - 1);
        Self {
            fingerprint,
            ..self.another()
        }
    }

    pub(crate) fn leased(self, lease: Duration) -> Self {
        Self { lease, ..self }
    }

    pub(crate) fn without_waiting(self) -> Self {
        let waits = false;
        Self { waits, ..self }
    }

    pub(crate) fn question(self) -> Claiming {
        Claiming {
            key: self.key,
            fingerprint: self.fingerprint,
            nonce: self.nonce,
            lease: self.lease,
            waits: self.waits,
            replaces: None,
        }
    }

    pub(crate) fn key(self) -> Digest {
        self.key
    }

    pub(crate) fn nonce(self) -> Nonce {
        self.nonce
    }

    /// Claims in the place of a record that it does not accept.
    pub(crate) async fn replaces(self, store: &impl IdempotencyStore, record: Record) -> Claim {
        let replaces = Some(record);
        let claim = store.claim(Claiming {
            replaces,
            ..self.question()
        });
        claim.await.unwrap()
    }

    pub(crate) async fn claims(self, store: &impl IdempotencyStore) -> Claim {
        store.claim(self.question()).await.unwrap()
    }

    #[track_caller]
    pub(crate) fn granted(self, store: &impl IdempotencyStore) -> impl Future<Output = Grant> {
        let at = std::panic::Location::caller();
        async move {
            match self.claims(store).await {
                Claim::Granted(grant) => grant,
                other => panic!("{at}: {}", word(&other)),
            }
        }
    }

    #[track_caller]
    pub(crate) fn busy(self, store: &impl IdempotencyStore) -> impl Future<Output = Busy> {
        let at = std::panic::Location::caller();
        async move {
            match self.claims(store).await {
                Claim::Busy(busy) => busy,
                other => panic!("{at}: {}", word(&other)),
            }
        }
    }

    #[track_caller]
    pub(crate) fn record(self, store: &impl IdempotencyStore) -> impl Future<Output = Record> {
        let at = std::panic::Location::caller();
        async move {
            match self.claims(store).await {
                Claim::Completed(record) => record,
                other => panic!("{at}: {}", word(&other)),
            }
        }
    }

    #[track_caller]
    pub(crate) fn mismatch(self, store: &impl IdempotencyStore) -> impl Future<Output = ()> {
        let at = std::panic::Location::caller();
        async move {
            match self.claims(store).await {
                Claim::Mismatch => {}
                other => panic!("{at}: {}", word(&other)),
            }
        }
    }

    /// The record of this caller with the value `content`.
    pub(crate) fn value(self, content: &str) -> Record {
        Record {
            fingerprint: self.fingerprint,
            kind: RecordKind::Value,
            schema: "Receipt".into(),
            content: content.into(),
        }
    }

    pub(crate) async fn completes(
        self,
        store: &impl IdempotencyStore,
        content: &str,
    ) -> Completion {
        self.completes_for(store, content, HOUR).await
    }

    pub(crate) async fn completes_for(
        self,
        store: &impl IdempotencyStore,
        content: &str,
        ttl: Duration,
    ) -> Completion {
        let record = self.value(content);
        let stored = store.complete(self.key, self.nonce, record, ttl);
        stored.await.unwrap()
    }

    pub(crate) async fn releases(self, store: &impl IdempotencyStore, how: Release) {
        store.release(self.key, self.nonce, how).await.unwrap();
    }

    pub(crate) async fn renews(self, store: &impl IdempotencyStore, lease: Duration) -> bool {
        store.renew(self.key, self.nonce, lease).await.unwrap()
    }

    /// Has the key for no longer than [`SHORT`] from now on.
    pub(crate) async fn ends_soon(self, store: &impl IdempotencyStore) {
        if store.ownership() == Ownership::Lease {
            assert!(self.renews(store, SHORT).await);
        }
    }
}

fn word(claim: &Claim) -> String {
    match claim {
        Claim::Granted(grant) => format!("granted: {grant:?}"),
        Claim::Completed(_) => "completed".to_owned(),
        Claim::Busy(_) => "busy".to_owned(),
        Claim::Mismatch => "mismatch".to_owned(),
    }
}

/// What is told of a grant, but for its token.
pub(crate) fn told(grant: Grant) -> (u32, bool) {
    (grant.attempt, grant.interrupted)
}
