//! Bulkheads of one name.

use resilience_runtime::error::Error;
use resilience_runtime::policy::bulkhead::Bulkhead;

use crate::{call, counts, work};

#[tokio::test(start_paused = true)]
async fn bulkheads_of_one_name_share_their_places() {
    static ONE: Bulkhead = Bulkhead::named("shared").max_concurrent(1);
    static OTHER: Bulkhead = Bulkhead::named("shared").max_concurrent(1);
    let (ran, rejected) = tokio::join!(ONE.enter(work(), call()), async {
        assert_eq!(counts(&OTHER), (1, 0));
        OTHER.enter(work(), call()).await
    });
    assert!(ran.into_result().is_ok());
    assert!(matches!(
        rejected.into_result(),
        Err(Error::BulkheadFull {
            bulkhead: "shared",
            ..
        })
    ));
}

#[tokio::test(start_paused = true)]
async fn those_of_functions_share_with_none() {
    static ONE: Bulkhead = Bulkhead::for_function("new").max_concurrent(1);
    static OTHER: Bulkhead = Bulkhead::for_function("new").max_concurrent(2);
    let (one, other) = tokio::join!(ONE.enter(work(), call()), OTHER.enter(work(), call()));
    assert!(one.into_result().is_ok() && other.into_result().is_ok());
}

#[tokio::test(start_paused = true)]
async fn two_configurations_under_one_name_are_a_conflict() {
    static FIRST: Bulkhead = Bulkhead::named("conflict").max_concurrent(1);
    static SECOND: Bulkhead = Bulkhead::named("conflict").max_concurrent(2);
    assert!(FIRST.enter(work(), call()).await.into_result().is_ok());
    for _ in 0..2 {
        let error = SECOND
            .enter(work(), call())
            .await
            .into_result()
            .unwrap_err();
        let Error::NameConflict {
            kind: "bulkhead",
            name: "conflict",
            first,
            second,
        } = error
        else {
            panic!("{error:?}");
        };
        assert!(first.contains("names.rs:") && second.contains("names.rs:"));
        assert_ne!(first, second);
    }
    assert!(FIRST.enter(work(), call()).await.into_result().is_ok());
    assert_eq!(counts(&SECOND), (0, 0));
}
