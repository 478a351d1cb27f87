//! `#[hedge]`: two replicas, of which one stumbles now and then.
//!
//! ```sh
//! cargo run --example hedge
//! ```

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use resilience::hedge;
use tokio::time::{Instant, sleep};

/// Who has not answered after 20 ms gets a rival. Reading twice does no harm, which is what has to be
/// said before a body may run twice.
#[hedge(delay = 20ms, allow(hedge_without_idempotency))]
async fn read(store: Arc<Store>, key: u32) -> Result<u32, std::io::Error> {
    store.read(key).await
}

#[tokio::main]
async fn main() -> Result<(), std::io::Error> {
    let store = Arc::new(Store::default());
    let mut slowest = Duration::ZERO;
    for key in 0..40 {
        let begin = Instant::now();
        assert_eq!(read(Arc::clone(&store), key).await?, key * 10);
        slowest = slowest.max(begin.elapsed());
    }
    let [begun, stumbled, waited_for] = [&store.begun, &store.stumbled, &store.waited_for]
        .map(|count| count.load(Ordering::Relaxed));
    println!("40 reads, {begun} attempts, {stumbled} of them stumbled for ten seconds");
    println!("the slowest read took {slowest:.0?}");

    // Every tenth stumbled, nobody waited for it, and only those were asked for twice, or hardly more.
    assert!(stumbled >= 4);
    assert_eq!(waited_for, 0);
    assert!(begun >= 40 + stumbled);
    Ok(())
}

#[derive(Default)]
struct Store {
    begun: AtomicU32,
    stumbled: AtomicU32,
    waited_for: AtomicU32,
}

impl Store {
    async fn read(&self, key: u32) -> Result<u32, std::io::Error> {
        let number = self.begun.fetch_add(1, Ordering::Relaxed);
        if number % 10 == 7 {
            self.stumbled.fetch_add(1, Ordering::Relaxed);
            // The attempt is dropped here when the other one has answered.
            sleep(Duration::from_secs(10)).await;
            self.waited_for.fetch_add(1, Ordering::Relaxed);
        } else {
            sleep(Duration::from_millis(2)).await;
        }
        Ok(key * 10)
    }
}
