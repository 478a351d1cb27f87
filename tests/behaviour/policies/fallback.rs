//! `#[fallback]`.

use std::time::Duration;

use resilience::{CircuitBreaker, CircuitState, Error, circuit_breaker, fallback, retry, timeout};
use tokio::time::sleep;

use super::{Count, Failure};

struct Prices {
    live: Count,
    cached: Count,
}

impl Prices {
    #[fallback(Self::cached_price, on = Failure::Busy | Failure::Policy(_))]
    #[retry(max_attempts = 2, backoff = fixed(1s), jitter = none)]
    #[timeout(500ms)]
    async fn price(&self, symbol: String, seen: &mut Vec<u32>) -> Result<String, Failure> {
        let call = self.live.next();
        seen.push(call);
        match symbol.as_str() {
            "declined" => Err(Failure::Declined),
            "busy" => Err(Failure::Busy),
            "slow" => {
                sleep(Duration::from_secs(9)).await;
                Ok(symbol)
            }
            _ => Ok(symbol),
        }
    }

    async fn cached_price(
        &self,
        symbol: String,
        seen: &mut Vec<u32>,
        error: Failure,
    ) -> Result<String, Failure> {
        self.cached.next();
        seen.push(0);
        Ok(format!("{symbol}, because it was: {error}"))
    }
}

#[tokio::test(start_paused = true)]
async fn it_sees_the_arguments_and_the_error() {
    let prices = Prices {
        live: Count::new(),
        cached: Count::new(),
    };
    let mut seen = Vec::new();
    let answer = prices.price("busy".to_owned(), &mut seen).await.unwrap();
    assert_eq!(answer, "busy, because it was: busy");
    assert_eq!(seen, [1, 2, 0]);
    let answer = prices.price("slow".to_owned(), &mut seen).await.unwrap();
    assert!(answer.starts_with("slow, because it was: `"), "{answer}");
    assert_eq!(prices.cached.get(), 2);
    // Not one of its errors.
    let answer = prices.price("declined".to_owned(), &mut seen).await;
    assert!(matches!(answer, Err(Failure::Declined)));
    assert_eq!(prices.price("x".to_owned(), &mut seen).await.unwrap(), "x");
    assert_eq!(prices.cached.get(), 2);
}

#[fallback(value = symbol.len())]
async fn length(symbol: &str) -> Result<usize, Failure> {
    let _ = symbol;
    Err(Failure::Declined)
}

#[tokio::test]
async fn a_value_is_made_when_it_is_needed() {
    assert_eq!(length("abc").await.unwrap(), 3);
}

static DOWN: CircuitBreaker = CircuitBreaker::named("down").failure_threshold(1);

#[fallback(value = 0)]
#[circuit_breaker(DOWN)]
async fn behind_a_breaker(calls: &Count) -> Result<u32, Failure> {
    calls.next();
    Err(Failure::Busy)
}

#[tokio::test(start_paused = true)]
async fn above_a_breaker_it_hides_nothing_from_it() {
    let calls = Count::new();
    for _ in 0..5 {
        assert_eq!(behind_a_breaker(&calls).await.unwrap(), 0);
    }
    assert_eq!((calls.get(), DOWN.state()), (1, CircuitState::Open));
}

#[fallback(instead)]
#[timeout(1s)]
async fn declines(answers: bool) -> Result<(), Failure> {
    let _ = answers;
    std::future::pending().await
}

async fn instead(answers: bool, error: Failure) -> Result<(), Failure> {
    if answers { Ok(()) } else { Err(error) }
}

#[tokio::test(start_paused = true)]
async fn it_may_hand_the_error_on() {
    assert!(declines(true).await.is_ok());
    assert!(matches!(
        declines(false).await,
        Err(Failure::Policy(Error::TimedOut { .. }))
    ));
}
