//! Functions that a `macro_rules` macro makes.

use std::sync::Arc;
use std::sync::atomic::AtomicU32;

use resilience::{retry, timeout};

use super::{Failure, Flaky, spawned};

macro_rules! made {
    ($(#[$attr:meta])* $name:ident($argument:ident: $type:ty) -> $result:ty, $body:block) => {
        $(#[$attr])*
        async fn $name(_flaky: Flaky, $argument: $type) -> $result $body
    };
}

made! {
    #[retry(backoff = fixed(1ms))]
    #[timeout(1s)]
    made_by_a_macro(name: String) -> Result<String, Failure>, {
        flaky_of(&name).touch().await?;
        Ok(name)
    }
}

macro_rules! bounded {
    ($name:ident, $pause:literal, $time:literal) => {
        #[retry(backoff = fixed($pause))]
        #[timeout($time)]
        async fn $name(flaky: Flaky) -> Result<u32, Failure> {
            flaky.touch().await
        }
    };
}

bounded!(bounded_by_a_macro, 1ms, "1s");

fn flaky_of(_name: &str) -> Flaky {
    Flaky(Arc::new(AtomicU32::new(1)))
}

#[tokio::test(start_paused = true)]
async fn functions_of_macros() {
    let call = made_by_a_macro(Flaky::default(), "a".into());
    assert_eq!(spawned(call).await, Ok("a".into()));
    assert_eq!(spawned(bounded_by_a_macro(Flaky::default())).await, Ok(1));
}
