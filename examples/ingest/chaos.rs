//! Stores that fail, hang and answer late, on purpose.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Longer than any step waits for its store.
const LATE: Duration = Duration::from_secs(3);

/// What goes wrong with one operation of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It fails, and had no effect.
    FailsBefore,
    /// It fails, and had its effect.
    FailsAfter,
    /// It never answers, and had no effect.
    Hangs,
    /// It has its effect, and answers when nobody waits any more.
    AnswersLate,
}

/// Decides which operations go wrong: by the seed and by how many there were before.
#[derive(Debug, Clone)]
pub struct Chaos {
    rate: f64,
    seed: u64,
    operations: Arc<AtomicU64>,
}

impl Chaos {
    /// All is well.
    pub fn none() -> Self {
        Self::new(0.0, 0)
    }

    /// The share `rate` of all operations goes wrong, from 0 to 1.
    pub fn new(rate: f64, seed: u64) -> Self {
        Self {
            rate,
            seed,
            operations: Arc::default(),
        }
    }

    /// What goes wrong with the next operation.
    pub fn next(&self) -> Option<Fault> {
        self.fault(self.operations.fetch_add(1, Ordering::Relaxed))
    }

    fn fault(&self, operation: u64) -> Option<Fault> {
        let random = mixed(mixed(self.seed).wrapping_add(operation));
        // The upper half decides whether, the lower half what.
        let share = f64::from((random >> 32) as u32) / f64::from(u32::MAX);
        (share < self.rate).then_some(match random % 4 {
            0 => Fault::FailsBefore,
            1 => Fault::FailsAfter,
            2 => Fault::Hangs,
            _ => Fault::AnswersLate,
        })
    }
}

impl Fault {
    /// What happens instead of the operation, or before it.
    ///
    /// # Errors
    /// The failure that was decided.
    pub async fn before(self) -> Result<(), &'static str> {
        match self {
            Self::FailsBefore => Err("chaos: it refused"),
            Self::Hangs => std::future::pending().await,
            Self::FailsAfter | Self::AnswersLate => Ok(()),
        }
    }

    /// What happens once the operation had its effect.
    ///
    /// # Errors
    /// The failure that was decided.
    pub async fn after(self) -> Result<(), &'static str> {
        match self {
            Self::FailsAfter => Err("chaos: the connection broke before the answer"),
            Self::AnswersLate => {
                tokio::time::sleep(LATE).await;
                Ok(())
            }
            Self::FailsBefore | Self::Hangs => Ok(()),
        }
    }
}

/// The finaliser of splitmix64: neighbours become strangers.
fn mixed(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(rate: f64, seed: u64) -> Vec<Option<Fault>> {
        let chaos = Chaos::new(rate, seed);
        (0..4_000).map(|_| chaos.next()).collect()
    }

    #[test]
    fn the_seed_decides() {
        assert_eq!(faults(0.2, 7), faults(0.2, 7));
        assert_ne!(faults(0.2, 7), faults(0.2, 8));
    }

    #[test]
    fn the_rate_is_kept_and_every_fault_has_its_share() {
        let faults = faults(0.2, 1);
        let struck = faults.iter().flatten().count();
        assert!((700..900).contains(&struck), "{struck} of 4000");
        for fault in [
            Fault::FailsBefore,
            Fault::FailsAfter,
            Fault::Hangs,
            Fault::AnswersLate,
        ] {
            let share = faults.iter().filter(|one| **one == Some(fault)).count();
            assert!((140..260).contains(&share), "{fault:?}: {share} of 800");
        }
    }

    #[test]
    fn none_and_all() {
        assert!(faults(0.0, 1).iter().all(Option::is_none));
        assert!(faults(1.0, 1).iter().all(Option::is_some));
    }
}
