//! `#[saga_step]`: a step that was cut off may have had its effect, and is undone without its output.
//!
//! ```sh
//! cargo run --example saga_step
//! ```

use std::collections::BTreeSet;
use std::error::Error as StdError;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use resilience::{Runtime, saga, saga_step, timeout};

/// The carrier takes the parcel, and its answer does not arrive: the timeout below cuts the step off.
/// `in_doubt = compensate` says that this is to be undone, too.
#[saga_step(compensate = call_back, in_doubt = compensate)]
#[timeout(50ms)]
async fn hand_over(#[state] carrier: &Carrier, parcel: u64) -> Result<String, ShipError> {
    carrier.lock().insert(parcel);
    std::future::pending().await
}

/// The step's parameters, then its output, if there is one. The parcel's number is enough here.
async fn call_back(
    carrier: &Carrier,
    parcel: u64,
    output: Option<&String>,
) -> Result<(), ShipError> {
    println!("calling parcel {parcel} back, of which is known: {output:?}");
    carrier.lock().remove(&parcel);
    Ok(())
}

#[saga]
async fn ship(#[state] carrier: &Carrier, parcel: u64) -> Result<String, ShipError> {
    hand_over(carrier, parcel).await
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn StdError>> {
    let carrier = Carrier::default();
    let runtime = Runtime::builder("memory:")
        .state(carrier.clone())
        .open()
        .await?;

    let failed = ship(&carrier, 42).await;
    println!("{failed:?}");
    assert!(failed.is_err());
    assert!(carrier.lock().is_empty(), "nothing is left on its way");
    runtime.shutdown().await;
    Ok(())
}

#[derive(Debug)]
struct ShipError(resilience::Error);

impl From<resilience::Error> for ShipError {
    fn from(error: resilience::Error) -> Self {
        Self(error)
    }
}

impl std::fmt::Display for ShipError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl StdError for ShipError {}

/// The parcels that the carrier has.
#[derive(Clone, Default)]
struct Carrier(Arc<Mutex<BTreeSet<u64>>>);

impl Carrier {
    fn lock(&self) -> MutexGuard<'_, BTreeSet<u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
