//! What a recorder of metrics is told.

use std::collections::BTreeMap;
use std::time::Duration;

use resilience_test_support::meter::Meter;
use tokio::time::sleep;

use crate::{lock, one};

/// What was written since it was asked last. Recovery measures its rounds beside the locks.
fn take(meter: &Meter) -> BTreeMap<String, Vec<f64>> {
    let mut values = meter.take();
    values.retain(|name, _| name.starts_with("lock"));
    values
}

#[tokio::test(start_paused = true)]
async fn held_busy_lost_and_how_long_it_took() {
    let meter = Meter::default();
    let _listening = meter.listen();
    let (store, runtime) = one().await;
    let guard = lock(&runtime).acquire().await.unwrap();
    let held = take(&meter);
    assert_eq!(held["locks_held{lock=documents}"], [1.0]);
    let took = &held["lock_acquisition_duration_seconds{lock=documents}"];
    assert!(
        took.len() == 1 && took[0] > 0.0009 && took[0] < 0.005,
        "{took:?}"
    );
    assert!(lock(&runtime).try_acquire().await.unwrap().is_none());
    let mut expected = BTreeMap::from([("lock_busy_total{lock=documents}".to_owned(), vec![1.0])]);
    assert_eq!(take(&meter), expected);
    guard.release().await.unwrap();
    expected = BTreeMap::from([("locks_held{lock=documents}".to_owned(), vec![-1.0])]);
    assert_eq!(take(&meter), expected);
    // One that is lost is counted once, whether or not it is given back.
    for releases in [true, false] {
        store.trouble(|it| it.no_renewals = true);
        let guard = lock(&runtime).acquire().await.unwrap();
        guard.lost().await;
        let _ = guard.run(async {}).await;
        take(&meter);
        if releases {
            let _ = guard.release().await;
        } else {
            drop(guard);
        }
        sleep(Duration::from_secs(1)).await;
        expected = BTreeMap::from([
            ("locks_held{lock=documents}".to_owned(), vec![-1.0]),
            ("lock_lost_total{lock=documents}".to_owned(), vec![1.0]),
        ]);
        assert_eq!(take(&meter), expected);
    }
}
