//! Whole functions, as a program has them: keys, fingerprints, serialisation and background work included.

use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use resilience::{Runtime, idempotent, locked};
use resilience_runtime::store::risk::Risk;
use serde::{Deserialize, Serialize};

use crate::Failure;
use crate::servers::Servers;

/// What is stored of a call.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Charge {
    id: String,
    amount: u64,
    currency: String,
    status: String,
}

#[idempotent(key = number, ttl = 24h)]
async fn charge(number: u64) -> Result<Charge, resilience::Error> {
    Ok(Charge {
        id: "ch_3MqLiJLkdIwHu7ix0snN0B15".to_owned(),
        amount: number,
        currency: "eur".to_owned(),
        status: "succeeded".to_owned(),
    })
}

#[locked(name = "documents", key = number)]
async fn index(number: u64) -> Result<u64, resilience::Error> {
    Ok(number)
}

/// A process, as far as a store can tell.
#[derive(Clone)]
pub(crate) struct Program(Arc<Runtime>);

impl Program {
    pub(crate) async fn start(servers: &Servers) -> Result<Self, Failure> {
        let runtime = Runtime::builder(servers.url()).scoped();
        let runtime = runtime.accept(Risk::NoPersistence).open().await?;
        Ok(Self(Arc::new(runtime)))
    }

    pub(crate) async fn charge(self, number: u64) -> Result<(), Failure> {
        self.0.scope(charge(number)).await?;
        Ok(())
    }

    /// A call that this program has answered before, not long ago: results are remembered for a minute, so
    /// that there is a new key twice a minute.
    pub(crate) async fn charge_again(self) -> Result<(), Failure> {
        static BEGUN: LazyLock<Instant> = LazyLock::new(Instant::now);
        const KEPT: Duration = Duration::from_secs(30);
        let window = BEGUN.elapsed().as_secs() / KEPT.as_secs();
        self.charge(u64::MAX - 1 - window).await
    }

    pub(crate) async fn index(self, number: u64) -> Result<(), Failure> {
        self.0.scope(index(number)).await?;
        Ok(())
    }
}
