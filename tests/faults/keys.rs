//! A saga with a key whose process is killed, and callers who ask for the key at once, while it is
//! being recovered.

use std::os::unix::process::ExitStatusExt as _;

use resilience_test_support::{child, wait};

use crate::checker::{End, check};
use crate::ledger::{Entry, KILL_AT, Told};
use crate::place::{Place, Snapshot};
use crate::process::{Job, command};
use crate::shop::{Order, Plan, RESULT, keyed_purchase};

const ORDER: u64 = 7;
const POINTS: [&str; 6] = [
    "do1:before",
    "do1:after",
    "do2:before",
    "do2:after",
    "do3:before",
    "do3:after",
];

/// Opens the store and makes `callers` calls with the key, none of which waits for recovery.
async fn call_at_once(place: &Place, callers: usize) -> Snapshot {
    let runtime = place.runtime().scoped().open().await.expect("it opens");
    let calls: Vec<_> = (0..callers)
        .map(|_| {
            let (runtime, ledger) = (runtime.clone(), place.ledger());
            tokio::spawn(async move {
                let order = Order {
                    id: ORDER,
                    plan: Plan::Succeed,
                };
                runtime.scope(keyed_purchase(&ledger, order)).await
            })
        })
        .collect();
    let all = async {
        for call in calls {
            let answer = call.await.expect("no call panics");
            assert_eq!(answer.expect("every caller is served"), RESULT);
        }
        runtime.recovered().await;
    };
    let ended = tokio::time::timeout(wait::PATIENCE, all).await;
    ended.expect("the callers and recovery do not wait for each other");
    assert_eq!(runtime.shutdown().await.left, 0);
    place.look().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_join_a_saga_that_is_being_recovered() {
    let mut rounds = 0;
    let mut twice = 0;
    for callers in [1, 2, 5, 20] {
        for point in POINTS {
            rounds += 1;
            let place = Place::new();
            let job = Job::Keyed(vec![ORDER]);
            let mut killed = command(place.folder(), &job)
                .env(KILL_AT, point)
                .spawn()
                .expect("it starts");
            assert_eq!(child::wait(&mut killed).signal(), Some(9), "{point}");
            let before = place.look().await;
            // In every other round a third process asks too.
            let mut third = (rounds % 2 == 0)
                .then(|| command(place.folder(), &job).spawn().expect("it starts"));
            let mut after = call_at_once(&place, callers).await;
            if let Some(third) = &mut third {
                assert!(child::wait(third).success(), "{point}, {callers} callers");
                after = place.look().await;
                let told = Told::Success(RESULT);
                assert!(
                    after.ledger.contains(&Entry::Answer { order: ORDER, told }),
                    "{after:?}"
                );
            }
            assert_eq!(
                check(Plan::Succeed, 1, &before, &after),
                Ok(End::Completed),
                "{point}, {callers} callers"
            );
            let effects = place.ledger().actions(ORDER).len();
            // Killed after the effect of a step, before its record: that step alone runs again.
            assert_eq!(
                effects,
                if point.ends_with("after") { 4 } else { 3 },
                "{point}"
            );
            twice += effects - 3;
        }
    }
    assert_eq!((rounds, twice), (24, 12));
}
