//! Answers that come from a record are marked, and the latest are at hand.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::advance;

use super::store::Store;
use super::{Body, CHECKOUT, Failure, answer, call, process, with};
use crate::idempotency::replayed;

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn an_answer_says_whether_it_is_a_replay() {
    let store = Store::new();
    let core = process(&store);
    assert!(!replayed());
    call(&core, "k", async { Ok(1_u32) }).await.unwrap();
    assert!(!replayed(), "it ran");
    let body = Body::default();
    let (leader, (follower, replayed_by_follower)) =
        tokio::join!(call(&core, "j", body.run()), async {
            (call(&core, "j", body.run()).await, replayed())
        },);
    assert_eq!(
        (leader.unwrap(), follower.unwrap(), replayed_by_follower),
        (1, 1, true)
    );
    let replay = answer(&core, CHECKOUT, CHECKOUT.key("k"), async { Ok(2_u32) }).await;
    assert!(replay.origin.is_record());
    assert_eq!(replay.into_result().unwrap(), 1);
    assert!(replayed());
    // The mark is of this task.
    assert!(!tokio::spawn(async { replayed() }).await.unwrap());
    assert!(replayed());
    // Another process finds it at the store.
    let there = process(&store);
    let in_a_task = tokio::spawn(async move {
        let answered = call(&there, "k", async { Ok(2_u32) }).await;
        (answered.unwrap(), replayed())
    });
    assert_eq!(in_a_task.await.unwrap(), (1, true));

    let failed = call::<u32>(&core, "f", async { Err(Failure::Body) }).await;
    assert!(failed.is_err() && !replayed());
    call(&core, "k", async { Ok(2_u32) }).await.unwrap();
    assert!(replayed());
    let key = CHECKOUT.key("k").argument("amount", &1);
    let refused = answer(&core, CHECKOUT, key, async { Ok(2_u32) }).await;
    assert!(refused.origin.is_refusal() && !replayed());
}

#[tokio::test(start_paused = true)]
async fn a_process_remembers_its_results_for_a_minute() {
    let store = Store::new();
    let (here, there) = (process(&store), process(&store));
    let body = Body::default();
    for _ in 0..3 {
        assert_eq!(call(&here, "k", body.run()).await.unwrap(), 1);
    }
    assert_eq!(store.claims(), 1);
    advance(59 * SECOND).await;
    assert_eq!(call(&here, "k", body.run()).await.unwrap(), 1);
    assert_eq!((store.claims(), here.results.len()), (1, 1));
    advance(SECOND).await;
    assert_eq!(call(&here, "k", body.run()).await.unwrap(), 1);
    assert_eq!((store.claims(), here.results.len()), (2, 0));
    // What another process has recorded is not remembered: nobody knows for how long it is kept.
    assert_eq!(call(&there, "k", body.run()).await.unwrap(), 1);
    assert_eq!((store.claims(), there.results.len()), (3, 0));
    assert_eq!(body.begun(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_result_is_remembered_for_no_longer_than_it_is_kept() {
    let store = Store::new();
    let core = process(&store);
    let body = Body::default();
    let brief = CHECKOUT.ttl(5 * SECOND);
    assert_eq!(with(&core, brief, body.run()).await.unwrap(), 1);
    advance(5 * SECOND - Duration::from_millis(1)).await;
    assert_eq!(with(&core, brief, body.run()).await.unwrap(), 1);
    advance(Duration::from_millis(1)).await;
    assert_eq!(with(&core, brief, body.run()).await.unwrap(), 2);
    assert_eq!(store.claims(), 2);
}

#[tokio::test(start_paused = true)]
async fn what_is_remembered_is_bounded() {
    let store = Store::new();
    let core = process(&store);
    let body = Arc::new(Body::default());
    for key in 0..1_030_u32 {
        let answered = call(&core, &key.to_string(), async { Ok(key) }).await;
        assert_eq!(answered.unwrap(), key);
    }
    assert_eq!((core.results.len(), store.claims()), (1_024, 1_030));
    // The oldest ones are asked for.
    for key in 0..1_030_u32 {
        let answered = call(&core, &key.to_string(), async { Ok(0_u32) }).await;
        assert_eq!(answered.unwrap(), key);
    }
    assert_eq!(store.claims(), 1_030 + 6);
    // Long ones are not remembered: with its quotes this one has 4,097 bytes.
    let long = "x".repeat(4_095);
    for _ in 0..2 {
        let answered = call(&core, "long", async { Ok(long.clone()) }).await;
        assert_eq!(answered.unwrap(), long);
    }
    assert_eq!((store.claims(), body.begun()), (1_030 + 6 + 2, 0));
}
