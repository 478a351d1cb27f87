//! What is kept of a body that has ended.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;

use super::store::Store;
use super::{Body, CHECKOUT, Failure, answer, call, policy, process, with};
use crate::core::{Core, SCOPED};
use crate::error::{Effect, Error};
use crate::idempotency::store::{RecordKind, Release};
use crate::outcome::{self, Answer, Origin, Refusal};

#[tokio::test(start_paused = true)]
async fn results_that_look_like_nothing_are_replayed_as_themselves() {
    async fn replays<T>(result: T)
    where
        T: Serialize + DeserializeOwned + Clone + PartialEq + Debug,
    {
        let store = Store::new();
        // From the memory of the process, and from the store.
        let (here, there) = (process(&store), process(&store));
        let first = call(&here, "k", async { Ok(result.clone()) }).await;
        assert_eq!(first.unwrap(), result);
        for core in [&here, &there] {
            let replayed = call::<T>(core, "k", async { Err(Failure::Body) }).await;
            assert_eq!(replayed.unwrap(), result);
        }
        assert_eq!((store.claims(), store.completions()), (2, 1));
    }
    replays(()).await;
    replays(0).await;
    replays(0.0).await;
    replays(String::new()).await;
    replays("a\0b".to_owned()).await;
    replays(None::<u8>).await;
    replays(Vec::<u8>::new()).await;
    replays(false).await;
    replays(BTreeMap::<String, u8>::new()).await;
}

/// JSON has no maps with such keys.
type Unstorable = BTreeMap<Point, u8>;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Point(u8, u8);

#[tokio::test(start_paused = true)]
async fn a_result_without_json_is_the_callers_and_nobody_elses() {
    let store = Store::new();
    let core = process(&store);
    let body = Arc::new(Body::default());
    let mut calls = JoinSet::new();
    for _ in 0..10 {
        let (core, body) = (Arc::clone(&core), Arc::clone(&body));
        calls.spawn(async move {
            let run = async {
                body.run().await?;
                Ok(Unstorable::from([(Point(1, 2), 3)]))
            };
            call(&core, "k", run)
                .await
                .map(drop)
                .map_err(|error| match error {
                    Failure::Policy(error) => error.to_string(),
                    other => panic!("{other}"),
                })
        });
    }
    let mut results = calls.join_all().await;
    results.sort_unstable();
    assert_eq!(results[0], Ok(()));
    let hash = &CHECKOUT.key("k").digest().to_string()[..8];
    let expected = format!(
        "`shop::checkout` has run before with key \"k\" ({hash}…), and its result was not kept: it has no JSON \
         form: key must be a string; look at what it did, or use a new key for a new operation"
    );
    assert!(
        results[1..]
            .iter()
            .all(|result| result.as_ref().unwrap_err() == &expected),
        "{results:?}"
    );
    // Later, and in other processes.
    for core in [&core, &process(&store)] {
        let later = answer(core, CHECKOUT, CHECKOUT.key("k"), body.run()).await;
        assert_eq!(
            (later.origin.refusal(), later.origin.effect()),
            (Some(Refusal::Final), Effect::Ran)
        );
        assert!(matches!(
            policy(later.into_result()),
            Error::ResultLost { .. }
        ));
    }
    assert_eq!(
        (body.begun(), store.record().kind),
        (1, RecordKind::Tombstone)
    );
    assert_eq!((store.held(), store.releases().len()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_result_that_is_too_long_is_the_callers_and_nobody_elses() {
    let store = Store::new();
    let core = process(&store);
    let short = CHECKOUT.max_result(10);
    let fits = "12345678".to_owned();
    assert_eq!(
        with(&core, short, async { Ok(fits.clone()) })
            .await
            .unwrap(),
        fits
    );
    assert_eq!(store.record().kind, RecordKind::Value);

    let long = "123456789".to_owned();
    let key = || short.key("long");
    let first = answer(&core, short, key(), async { Ok(long.clone()) }).await;
    assert_eq!(first.into_result().unwrap(), long);
    let second = answer(&core, short, key(), async { Ok(String::new()) }).await;
    let error = policy(second.into_result());
    assert!(
        matches!(&error, Error::ResultLost { reason, .. } if reason == "it has 11 bytes of JSON, and 10 are kept"),
        "{error}"
    );
    // The tombstone does not follow a change of type.
    let again = short.on_schema_change(crate::idempotency::OnSchemaChange::RunAgain);
    let third = answer(&core, again, key(), async { Ok(1_u32) }).await;
    assert!(matches!(
        policy(third.into_result()),
        Error::ResultLost { .. }
    ));
}

/// A function that keeps the errors that are final.
async fn keeping(
    core: &Arc<Core>,
    key: &str,
    body: impl Future<Output = Result<u32, Failure>>,
) -> Result<u32, Failure> {
    type Returned = Result<u32, Failure>;
    let records = outcome::stored::<Returned>()
        .or_errors(outcome::stored_errors::<Returned>(), |error| {
            matches!(error, Failure::Declined(_) | Failure::Policy(_))
        });
    let function = outcome::function::<Returned>("shop::checkout");
    let call = CHECKOUT.once(CHECKOUT.key(key), body, function, records);
    SCOPED.scope(Arc::clone(core), call).await.into_result()
}

#[tokio::test(start_paused = true)]
async fn an_error_that_is_kept_is_replayed_and_another_frees_the_key() {
    let store = Store::new();
    let core = process(&store);
    let first = keeping(&core, "k", async { Err(Failure::Body) }).await;
    assert!(matches!(first, Err(Failure::Body)));
    assert_eq!(store.releases(), [Release::Failed]);
    let declined = keeping(&core, "k", async { Err(Failure::Declined(7)) }).await;
    assert!(matches!(declined, Err(Failure::Declined(7))));
    for core in [&core, &process(&store)] {
        let replayed = keeping(core, "k", async { Ok(1_u32) }).await;
        assert!(matches!(replayed, Err(Failure::Declined(7))));
        assert!(crate::idempotency::replayed());
    }
    let record = store.record();
    assert_eq!(
        (record.kind, &*record.content),
        (RecordKind::Error, "{\"Declined\":7}")
    );
    assert!(record.schema.ends_with("::Failure@1"), "{}", record.schema);
    // Values are kept as ever.
    assert_eq!(keeping(&core, "v", async { Ok(1_u32) }).await.unwrap(), 1);
    assert_eq!(keeping(&core, "v", async { Ok(2_u32) }).await.unwrap(), 1);
    // A function that keeps no errors any more cannot read one.
    let changed = call::<u32>(&core, "k", async { Ok(1_u32) }).await;
    assert!(matches!(policy(changed), Error::SchemaChanged { .. }));
}

/// A policy inside is not why an operation is final, even where the pattern has all its errors.
#[tokio::test(start_paused = true)]
async fn the_failure_of_an_inner_policy_is_not_kept() {
    type Returned = Result<u32, Failure>;
    let store = Store::new();
    let core = process(&store);
    let records =
        outcome::stored::<Returned>().or_errors(outcome::stored_errors::<Returned>(), |_| true);
    let function = outcome::function::<Returned>("shop::checkout");
    let body = async {
        tokio::time::sleep(Duration::from_millis(1)).await;
        Answer::<u32, Failure> {
            result: Err(Failure::Declined(1)),
            origin: Origin::new(Some(Refusal::TimedOut), Effect::MayHaveRun),
        }
    };
    let call = CHECKOUT.once(CHECKOUT.key("k"), body, function, records);
    let cut_off = SCOPED.scope(Arc::clone(&core), call).await.into_result();
    assert!(matches!(cut_off, Err(Failure::Declined(1))));
    assert_eq!(
        (store.completions(), store.releases()),
        (0, vec![Release::Interrupted])
    );
}

/// What `serde_json` writes and does not read: a type whose two halves do not fit, and one that is too deep.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct OneWay(#[serde(deserialize_with = "nothing_fits")] u32);

fn nothing_fits<'de, D: serde::Deserializer<'de>>(_: D) -> Result<u32, D::Error> {
    Err(serde::de::Error::custom("nothing fits"))
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Deep(Vec<Deep>);

#[tokio::test(start_paused = true)]
async fn a_result_that_could_not_be_read_back_is_not_kept_and_does_not_run_again() {
    async fn runs_once<T: Serialize + DeserializeOwned + Clone>(result: T) {
        let store = Store::new();
        let core = process(&store);
        let again = CHECKOUT.on_schema_change(crate::idempotency::OnSchemaChange::RunAgain);
        let first = with(&core, again, async { Ok(result.clone()) }).await;
        assert!(first.is_ok());
        assert_eq!(store.record().kind, RecordKind::Tombstone);
        let second = with::<T>(&core, again, async { panic!("runs again") }).await;
        assert!(matches!(policy(second.map(drop)), Error::ResultLost { .. }));
    }
    runs_once(OneWay(1)).await;
    runs_once((0..200).fold(Deep(vec![]), |inner, _| Deep(vec![inner]))).await;
}

/// Whose `Serialize` is wrong.
#[derive(Debug, Deserialize)]
struct Panics;

impl Serialize for Panics {
    fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        panic!("not written")
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_while_a_result_is_written_does_not_make_the_body_run_again() {
    let store = Store::new();
    let core = process(&store);
    assert!(call(&core, "k", async { Ok(Panics) }).await.is_ok());
    assert_eq!(store.record().kind, RecordKind::Tombstone);
    let second = call::<Panics>(&core, "k", async { panic!("runs again") }).await;
    let error = policy(second);
    assert!(
        matches!(&error, Error::ResultLost { reason, .. } if reason.contains("panicked")),
        "{error}"
    );
}
