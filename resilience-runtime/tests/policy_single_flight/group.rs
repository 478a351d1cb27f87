//! The type by itself.

use std::cell::Cell;
use std::time::Duration;

use resilience_runtime::error::Error;
use resilience_runtime::policy::deadline::with_deadline;
use resilience_runtime::policy::single_flight::SingleFlightGroup;
use tokio::time::{Instant, sleep, timeout};

use crate::WORK;

#[tokio::test(start_paused = true)]
async fn calls_share_an_answer_and_it_is_cloned_for_those_who_joined_only() {
    thread_local!(static CLONES: Cell<u32> = const { Cell::new(0) });
    #[derive(Debug)]
    struct Value(u32);
    impl Clone for Value {
        fn clone(&self) -> Self {
            CLONES.set(CLONES.get() + 1);
            Self(self.0)
        }
    }
    let group = SingleFlightGroup::new();
    let call = |answer| {
        group.run("key", async move {
            sleep(WORK).await;
            Value(answer)
        })
    };
    assert_eq!(call(1).await.unwrap().0, 1);
    assert_eq!(CLONES.get(), 0);
    let (first, second, third) = tokio::join!(call(2), call(3), call(4));
    let answers = [first, second, third].map(|answer| answer.unwrap().0);
    assert_eq!(answers, [2, 2, 2]);
    // One for the flight, and one for each who joined.
    assert_eq!(CLONES.get(), 3);
    assert!(group.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_goes_is_followed_in_order() {
    let group = SingleFlightGroup::new();
    let call = |answer| {
        let group = group.clone();
        async move {
            let call = group.run(7, async move {
                sleep(WORK).await;
                answer
            });
            timeout(Duration::from_millis(answer), call).await
        }
    };
    // The first two give up before they are ready.
    let (first, second, third, fourth) = tokio::join!(call(50), call(90), call(1_000), call(2_000));
    assert!(first.is_err() && second.is_err());
    assert_eq!(
        (third.unwrap().unwrap(), fourth.unwrap().unwrap()),
        (1_000, 1_000)
    );
    assert!(group.is_empty());
}

#[tokio::test(start_paused = true)]
async fn recursion_and_deadlines() {
    let group = SingleFlightGroup::<&str, u32>::new();
    let inner = async {
        let again = Box::pin(group.run("key", async { 1 })).await;
        let Err(Error::Recursive { key, .. }) = again else {
            panic!("{again:?}")
        };
        assert_eq!(key, "\"key\"");
        assert_eq!(group.run("other", async { 2 }).await.unwrap(), 2);
        sleep(WORK).await;
        3
    };
    let deadline = Instant::now() + WORK / 2;
    let late = with_deadline(deadline, group.run("key", async { 4 }));
    let (answer, late) = tokio::join!(group.run("key", inner), late);
    assert_eq!(answer.unwrap(), 3);
    assert!(matches!(late, Err(Error::DeadlineTooClose { needed, .. }) if needed == WORK / 2));
}
