// Calls in tasks of their own, in locks and in flights, on functions of every shape.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use resilience::{circuit_breaker, fallback, hedge, idempotent, locked, retry, single_flight, timeout};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Serialize, Deserialize)]
enum Failure {
    SoldOut,
    Declined { code: u32 },
    Refused,
}

impl From<resilience::Error> for Failure {
    fn from(_: resilience::Error) -> Self {
        Self::Refused
    }
}

#[derive(Clone, Serialize, Deserialize)]
struct Order {
    id: u64,
    tenant: String,
}

const LARGEST: usize = 1 << 16;
const VERSION: u32 = 2;
const LEASE: Duration = Duration::from_secs(60);

#[idempotent(
    key = order.id,
    scope = order.tenant,
    lease = LEASE,
    version = VERSION,
    key_version = 0,
    on_schema_change = error,
    store_errors = Failure::SoldOut | Failure::Declined { code: 1..=9 },
    max_result = LARGEST,
    when_unavailable = refuse,
)]
async fn options(order: Order) -> Result<u64, Failure> {
    Ok(order.id)
}

#[idempotent(key = order.id, scope = (&order.tenant, "eu"), detach)]
async fn detached(mut order: Order, kind: Cow<'static, str>, at: &'static str) -> Result<u64, Failure> {
    order.id += kind.len() as u64 + at.len() as u64;
    Ok(order.id)
}

#[retry]
#[idempotent(key = order.id, store_errors = Failure::SoldOut, detach)]
#[timeout(2s)]
async fn detached_attempts(#[state] shop: Arc<u8>, mut order: Order) -> Result<u64, Failure> {
    order.id += u64::from(*shop);
    Ok(order.id)
}

async fn none(_: Order, _: Failure) -> Result<u64, Failure> {
    Ok(0)
}

#[fallback(none)]
#[idempotent(key = order.id, detach, allow(outlasts_lease))]
#[circuit_breaker(key = order.tenant)]
#[hedge(delay = 50ms, allow(hedge_without_idempotency))]
#[retry(max_attempts = 9)]
async fn detached_layers(order: Order) -> Result<u64, Failure> {
    Ok(order.id)
}

struct Shop {
    open: u64,
}

impl Shop {
    #[timeout(9s)]
    #[idempotent(key = order.id, detach)]
    #[retry(max_attempts = 2)]
    async fn place(self: Arc<Self>, order: Order) -> Result<u64, Failure> {
        Ok(order.id + self.open)
    }

    #[retry]
    #[locked(key = (order.id, &order.tenant), replicas = 1, when_unavailable = run)]
    async fn index(&mut self, order: Order) -> Result<u64, Failure> {
        self.open += 1;
        Ok(order.id)
    }

    #[locked(local, wait = 0s)]
    async fn compact(&self) -> Result<u64, Failure> {
        Ok(self.open)
    }

    #[retry]
    #[single_flight(key = symbol)]
    async fn quote(&self, symbol: &str) -> Result<u64, Failure> {
        Ok(self.open + symbol.len() as u64)
    }
}

// The error cannot be cloned.
#[single_flight]
#[idempotent]
async fn joined(id: u64) -> Result<u64, std::io::Error> {
    Ok(id)
}

fn is_send<T: Send>(_: T) {}

fn all(order: Order, shop: Arc<Shop>, own: &mut Shop) {
    is_send(options(order.clone()));
    is_send(detached(order.clone(), "a".into(), "b"));
    is_send(detached_attempts(Arc::new(1), order.clone()));
    is_send(detached_layers(order.clone()));
    is_send(shop.place(order.clone()));
    is_send(own.index(order));
    is_send(own.compact());
    is_send(own.quote("ACME"));
    is_send(joined(7));
}

fn main() {
    let _all = all;
    let _failures = [Failure::SoldOut, Failure::Declined { code: 1 }];
}
