//! What is kept of a call comes back as it was, or the caller is told that it was not kept.

use std::sync::atomic::{AtomicU32, Ordering};

use resilience::{Error, Runtime, idempotent, saga, saga_step};
use serde::{Deserialize, Serialize};

#[derive(Debug)]
struct Failure(Error);

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

async fn memory() -> Runtime {
    // Every saga of this program is known to every runtime in it, and wants its state.
    let builder = Runtime::builder("memory:").state(crate::durable::World::default());
    builder.scoped().open().await.unwrap()
}

/// Knows its `Some(None)` from `None`, as requests that change a part of something do.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Change {
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "given"
    )]
    note: Option<Option<String>>,
}

fn given<'de, D: serde::Deserializer<'de>>(input: D) -> Result<Option<Option<String>>, D::Error> {
    Deserialize::deserialize(input).map(Some)
}

// The value is a part neither of the key nor of the arguments.
mod keyed {
    use super::*;
    macro_rules! once {
        ($($name:ident -> $type:ty)*) => { $(
            #[idempotent(key = key)]
            pub(super) async fn $name(
                key: &str,
                #[state] value: Option<$type>,
            ) -> Result<$type, Failure> {
                let _ = key;
                Ok(value.expect("the body of a replayed call does not run"))
            }
        )* };
    }
    once! {
        float -> f64
        optional_float -> Option<f64>
        nothing -> Option<()>
        nested -> Option<Option<u8>>
        change -> Change
    }
}

#[tokio::test]
async fn a_replayed_float_is_the_one_of_the_first_call() {
    let runtime = memory().await;
    // Their shortest decimal forms are hard to read exactly.
    for bits in [0x3260_0000_0000_01d3_u64, 0x36ed_fe37_8b0f_0c2b]
        .into_iter()
        .chain((1..200).map(|n| 0x3000_0000_0000_0000 + n * 0x0001_2345_6789_abcd))
    {
        let (key, value) = (bits.to_string(), f64::from_bits(bits));
        let first = runtime.scope(keyed::float(&key, Some(value))).await;
        let replayed = runtime.scope(keyed::float(&key, None)).await;
        assert_eq!(first.unwrap().to_bits(), value.to_bits());
        assert_eq!(replayed.unwrap().to_bits(), value.to_bits());
    }
    runtime.shutdown().await;
}

#[tokio::test]
async fn a_result_that_json_would_change_is_the_first_callers_alone() {
    let runtime = memory().await;
    let lost = |error: Failure| matches!(error.0, Error::ResultLost { .. });
    for (number, value) in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY]
        .into_iter()
        .enumerate()
    {
        let key = number.to_string();
        let plain = runtime.scope(keyed::float(&key, Some(value))).await;
        assert_eq!(plain.unwrap().to_bits(), value.to_bits());
        let duplicate = runtime.scope(keyed::float(&key, Some(1.0))).await;
        assert!(lost(duplicate.unwrap_err()));
        let call = keyed::optional_float(&key, Some(Some(value)));
        assert!(runtime.scope(call).await.unwrap().is_some());
        let call = keyed::optional_float(&key, Some(None));
        assert!(lost(runtime.scope(call).await.unwrap_err()));
    }
    let hollow = runtime.scope(keyed::nothing("a", Some(Some(())))).await;
    assert_eq!(hollow.unwrap(), Some(()));
    let hollow = runtime.scope(keyed::nothing("a", Some(None))).await;
    assert!(lost(hollow.unwrap_err()));
    let hollow = runtime.scope(keyed::nested("a", Some(Some(None)))).await;
    assert_eq!(hollow.unwrap(), Some(None));
    let hollow = runtime.scope(keyed::nested("a", Some(None))).await;
    assert!(lost(hollow.unwrap_err()));
    runtime.shutdown().await;
}

#[tokio::test]
async fn what_json_keeps_is_replayed() {
    let runtime = memory().await;
    let none = runtime.scope(keyed::nothing("a", Some(None))).await;
    assert_eq!(none.unwrap(), None);
    let replayed = runtime.scope(keyed::nothing("a", None)).await;
    assert_eq!(replayed.unwrap(), None);
    let change = || Change { note: Some(None) };
    let first = runtime.scope(keyed::change("a", Some(change()))).await;
    assert_eq!(first.unwrap(), change());
    let replayed = runtime.scope(keyed::change("a", None)).await;
    assert_eq!(replayed.unwrap(), change());
    runtime.shutdown().await;
}

static MEASURED: AtomicU32 = AtomicU32::new(0);

#[saga_step(compensate = none)]
async fn measure(length: f64) -> Result<u32, Failure> {
    let _ = length;
    Ok(MEASURED.fetch_add(1, Ordering::Relaxed))
}

#[saga]
async fn survey(length: Option<f64>) -> Result<u32, Failure> {
    measure(length.unwrap_or(1.0)).await
}

#[tokio::test]
async fn a_saga_does_not_begin_with_an_argument_that_it_could_not_read_back() {
    let runtime = memory().await;
    let refused = runtime.scope(survey(Some(f64::NAN))).await;
    assert!(matches!(refused.unwrap_err().0, Error::Encode { .. }));
    assert_eq!(MEASURED.load(Ordering::Relaxed), 0);
    assert_eq!(runtime.scope(survey(Some(0.1))).await.unwrap(), 0);
    runtime.shutdown().await;
}
