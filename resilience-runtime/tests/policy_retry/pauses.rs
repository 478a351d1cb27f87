//! The backoffs: what they draw, and that they keep their bounds.

use std::time::Duration;

use proptest::prelude::{Strategy, prop_oneof, proptest};
use resilience_runtime::policy::retry::{Backoff, Jitter, Retry};

use crate::{SECOND, pauses};

#[tokio::test(start_paused = true)]
async fn a_linear_backoff_grows_by_its_step() {
    let cases = [
        (Backoff::linear(SECOND), [1, 2, 3, 4]),
        (Backoff::linear(SECOND).step(3 * SECOND), [1, 4, 7, 10]),
        (Backoff::linear(SECOND).max(2 * SECOND), [1, 2, 2, 2]),
        (
            Backoff::linear(Duration::ZERO).step(20 * SECOND),
            [0, 20, 30, 30],
        ),
    ];
    for (backoff, expected) in cases {
        let retry = Retry::max_attempts(5).backoff(backoff).jitter(Jitter::None);
        let seen: Vec<_> = pauses(retry).await.iter().map(Duration::as_secs).collect();
        assert_eq!(seen, expected, "{backoff}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_custom_backoff_is_asked_with_the_number_of_attempts() {
    let squares = Backoff::custom(|attempts| SECOND * attempts * attempts).max(12 * SECOND);
    let retry = Retry::max_attempts(5).backoff(squares).jitter(Jitter::None);
    assert_eq!(pauses(retry).await, [1, 4, 9, 12].map(Duration::from_secs));
}

#[tokio::test(start_paused = true)]
async fn a_decorrelated_backoff_goes_from_the_first_to_three_times_the_last() {
    let backoff = Backoff::decorrelated(SECOND).max(20 * SECOND);
    let (mut short, mut long) = (0, 0);
    for _ in 0..200 {
        let drawn = pauses(Retry::max_attempts(8).backoff(backoff)).await;
        // The timer rounds up to a millisecond.
        let slack = Duration::from_millis(4);
        let mut previous = SECOND;
        for pause in drawn {
            assert!(pause >= SECOND && pause <= (previous * 3).min(20 * SECOND) + slack);
            short += u32::from(pause < previous);
            long += u32::from(pause > previous);
            previous = pause;
        }
    }
    assert!(short > 200 && long > 600, "{short} {long}");
}

#[tokio::test(start_paused = true)]
async fn a_pause_is_shortened_by_at_most_what_the_jitter_says() {
    let retry = Retry::max_attempts(5_001)
        .backoff(Backoff::fixed(SECOND))
        .jitter(Jitter::UpTo(SECOND / 10))
        .without_budget();
    let mut drawn = pauses(retry).await;
    drawn.sort_unstable();
    let (least, most) = (drawn[0].as_millis(), drawn[4_999].as_millis());
    assert!((900..=905).contains(&least), "{least}");
    assert!((995..=1_001).contains(&most), "{most}");
}

/// Two calls that fail side by side do not pause alike: their pauses are not correlated.
#[tokio::test(start_paused = true)]
async fn the_pauses_of_different_calls_are_independent() {
    let retry = || {
        Retry::max_attempts(4_001)
            .backoff(Backoff::fixed(SECOND))
            .without_budget()
    };
    let (one, other) = tokio::join!(pauses(retry()), pauses(retry()));
    let centred = |pause: &Duration| pause.as_secs_f64() - 0.5;
    let product = |(one, other)| centred(one) * centred(other);
    let covariance = one.iter().zip(&other).map(product).sum::<f64>() / 4_000.0;
    // The variance is a twelfth; six standard errors of the correlation are about 0.095.
    assert!((covariance * 12.0).abs() < 0.095, "{covariance}");
}

#[test]
fn the_longest_pauses_add_up() {
    const KNOWN: Duration = Backoff::exponential(SECOND).longest_total(5);
    assert_eq!(KNOWN, 15 * SECOND);
    let total = |backoff: Backoff, attempts| backoff.longest_total(attempts).as_secs();
    assert_eq!(total(Backoff::fixed(SECOND), 1), 0);
    assert_eq!(
        total(Backoff::fixed(SECOND), u32::MAX),
        u64::from(u32::MAX) - 1
    );
    assert_eq!(
        total(Backoff::exponential(SECOND), 8),
        1 + 2 + 4 + 8 + 16 + 30 + 30
    );
    assert_eq!(
        total(Backoff::linear(SECOND).max(3 * SECOND), 6),
        1 + 2 + 3 + 3 + 3
    );
    assert_eq!(total(Backoff::decorrelated(SECOND), 5), 3 + 9 + 27 + 30);
    assert_eq!(total(Backoff::custom(|_| SECOND).max(2 * SECOND), 4), 6);
    assert_eq!(
        Backoff::fixed(Duration::MAX).longest_total(9),
        Duration::MAX
    );
}

fn backoffs() -> impl Strategy<Value = (Backoff, Duration)> {
    (1..10_000_u64, 1..100_000_u64, 1.0..10.0_f64).prop_flat_map(|(first, more, factor)| {
        let (first, max) = (
            Duration::from_millis(first),
            Duration::from_millis(first + more),
        );
        prop_oneof![
            proptest::strategy::Just((Backoff::fixed(first), first)),
            proptest::strategy::Just((Backoff::linear(first).max(max), max)),
            proptest::strategy::Just((Backoff::exponential(first).factor(factor).max(max), max)),
            proptest::strategy::Just((Backoff::custom(|_| Duration::MAX).max(max), max)),
        ]
    })
}

fn jitters() -> impl Strategy<Value = Jitter> {
    prop_oneof![
        proptest::strategy::Just(Jitter::Full),
        proptest::strategy::Just(Jitter::Equal),
        proptest::strategy::Just(Jitter::None),
        (0..10_000_u64).prop_map(|millis| Jitter::UpTo(Duration::from_millis(millis))),
    ]
}

proptest! {
    #[test]
    fn no_pause_is_over_the_longest_and_no_call_over_the_total(
        (backoff, longest) in backoffs(),
        jitter in jitters(),
        attempts in 2..20_u32,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        let retry = Retry::max_attempts(attempts).backoff(backoff).jitter(jitter);
        let drawn = runtime.block_on(pauses(retry));
        let slack = Duration::from_millis(1);
        assert_eq!(drawn.len(), attempts as usize - 1);
        assert!(drawn.iter().all(|pause| *pause <= longest + slack));
        let total: Duration = drawn.iter().sum();
        assert!(total <= backoff.longest_total(attempts) + slack * attempts);
    }
}
