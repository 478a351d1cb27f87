//! In place of the example's module of this name: stores that are a network away. Every insert and
//! every delete begins later by the time that was chosen, and nothing fails.

use std::time::Duration;

#[derive(Debug, Clone)]
pub(crate) struct Chaos {
    distance: Duration,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Fault {
    distance: Duration,
}

impl Chaos {
    pub(crate) fn none() -> Self {
        Self::at_distance(Duration::ZERO)
    }

    pub(crate) fn at_distance(distance: Duration) -> Self {
        Self { distance }
    }

    /// What the example's own tests ask for, which are compiled here and not run.
    #[allow(dead_code, reason = "see above")]
    pub(crate) fn new(_rate: f64, _seed: u64) -> Self {
        Self::none()
    }

    pub(crate) fn next(&self) -> Option<Fault> {
        let distance = self.distance;
        (!distance.is_zero()).then_some(Fault { distance })
    }
}

impl Fault {
    pub(crate) async fn before(self) -> Result<(), &'static str> {
        tokio::time::sleep(self.distance).await;
        Ok(())
    }

    pub(crate) async fn after(self) -> Result<(), &'static str> {
        Ok(())
    }
}
