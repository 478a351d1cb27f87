//! Limits of one name.

use resilience_runtime::error::Error;
use resilience_runtime::policy::rate_limit::{KeyedRateLimit, RateLimit};

use crate::{SECOND, admit, call};

#[tokio::test(start_paused = true)]
async fn limits_of_one_name_share_their_bucket() {
    static ONE: RateLimit = RateLimit::named("shared").rate(1, SECOND);
    static OTHER: RateLimit = RateLimit::named("shared").rate(1, SECOND);
    assert!(admit(&ONE).await.is_ok());
    assert!(matches!(
        admit(&OTHER).await,
        Err(Error::RateLimited {
            limit: "shared",
            ..
        })
    ));
}

#[tokio::test(start_paused = true)]
async fn those_of_functions_share_with_none() {
    static ONE: RateLimit = RateLimit::for_function("new").rate(1, SECOND);
    static OTHER: RateLimit = RateLimit::for_function("new").rate(1, SECOND);
    assert!(admit(&ONE).await.is_ok() && admit(&OTHER).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn two_configurations_under_one_name_are_a_conflict() {
    static FIRST: RateLimit = RateLimit::named("conflict").rate(1, SECOND);
    static SECOND_ONE: RateLimit = RateLimit::named("conflict").rate(2, SECOND);
    // A limit per key is another kind.
    static KEYED: KeyedRateLimit = RateLimit::named("conflict").per_key(1);
    assert!(admit(&FIRST).await.is_ok());
    let error = admit(&SECOND_ONE).await.unwrap_err();
    let Error::NameConflict {
        kind: "rate limit",
        name: "conflict",
        first,
        second,
    } = error
    else {
        panic!("{error:?}");
    };
    assert!(first.contains("names.rs:") && second.contains("names.rs:"));
    assert_ne!(first, second);
    let keyed = KEYED.of("key").admit(async { Ok(7) }, call()).await;
    assert!(keyed.into_result().is_ok());
}

#[tokio::test(start_paused = true)]
async fn limits_per_key_of_one_name_share_their_keys() {
    static ONE: KeyedRateLimit = RateLimit::named("keys").per_key(10);
    static OTHER: KeyedRateLimit = RateLimit::named("keys").per_key(10);
    static ODD: KeyedRateLimit = RateLimit::named("keys").per_key(11);
    let admit = async |keyed: &'static KeyedRateLimit, key: &str| {
        let admitted = keyed.of(key).admit(async { Ok(7) }, call());
        admitted.await.into_result()
    };
    assert!(admit(&ONE, "a").await.is_ok());
    assert!(admit(&OTHER, "a").await.is_err());
    assert!(admit(&OTHER, "b").await.is_ok());
    assert_eq!((ONE.keys(), OTHER.keys()), (2, 2));
    let error = admit(&ODD, "c").await.unwrap_err();
    assert!(matches!(
        error,
        Error::NameConflict {
            kind: "rate limit per key",
            ..
        }
    ));
}
