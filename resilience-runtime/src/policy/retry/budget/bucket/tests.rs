use proptest::prelude::{Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};
use std::time::Duration;

use super::*;

#[derive(Debug, Clone, Copy)]
enum Event {
    Success,
    Retry,
    Wait(u64),
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        any::<bool>().prop_map(|retry| if retry { Event::Retry } else { Event::Success }),
        (0..2_000_u64).prop_map(Event::Wait),
    ];
    proptest::collection::vec(event, 1..300)
}

proptest! {
    #[test]
    fn a_bucket_is_as_full_as_the_model(
        per_success in 0..2_000_u32,
        per_second in 0..50_u32,
        burst in 1..20_u32,
        events in events(),
    ) {
        let rates = Rates { per_success, per_second, burst };
        let bucket = Bucket::FULL;
        let mut now = Instant::now();
        // What the model holds, with the time counted at once.
        let (capacity, mut held) = (u64::from(burst) * 1_000, u64::from(burst) * 1_000);
        for event in events {
            match event {
                Event::Success => {
                    bucket.give_back(rates);
                    held = capacity.min(held + u64::from(per_success));
                }
                Event::Retry => {
                    let enough = held >= 1_000;
                    prop_assert_eq!(bucket.take(now, rates), enough);
                    held -= if enough { 1_000 } else { 0 };
                }
                Event::Wait(millis) => {
                    now += Duration::from_millis(millis);
                    // Counted now: otherwise the order of what time and successes give would matter
                    // where the bucket gets full.
                    bucket.change(|level| level.at(super::millis(now), rates));
                    held = capacity.min(held + millis * u64::from(per_second));
                }
            }
            prop_assert_eq!(bucket.is_full(), held == capacity);
        }
    }

    #[test]
    fn a_level_is_what_was_packed(missing in 0..=1_000_000_000_u64, counted in 0..=TIME) {
        let level = Level { missing, counted };
        prop_assert_eq!(Level::unpack(level.pack()), level);
    }
}

#[test]
fn a_clock_that_was_read_earlier_gives_nothing_and_takes_nothing() {
    let bucket = Bucket::FULL;
    let rates = Rates {
        burst: 2,
        ..Rates::DEFAULT
    };
    let now = Instant::now() + Duration::from_secs(100);
    assert!(bucket.take(now, rates));
    assert!(bucket.take(now - Duration::from_secs(1), rates));
    assert!(!bucket.take(now, rates));
    assert!(bucket.take(now + Duration::from_millis(100), rates));
}

#[test]
fn threads_take_each_token_once() {
    let bucket = Bucket::FULL;
    let rates = Rates {
        burst: 1_000,
        per_second: 0,
        ..Rates::DEFAULT
    };
    let now = Instant::now();
    let taken = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while bucket.take(now, rates) {
                    taken.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    assert_eq!(taken.into_inner(), 1_000);
}
