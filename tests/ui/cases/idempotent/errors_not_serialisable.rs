// An error that cannot be stored.
//~ `Failure` cannot be kept in a store
//~ derive `serde::Serialize` and `serde::Deserialize` for `Failure`

use resilience::idempotent;

#[derive(Debug)]
enum Failure {
    SoldOut,
    Refused,
}

impl From<resilience::Error> for Failure {
    fn from(_: resilience::Error) -> Self {
        Self::Refused
    }
}

#[idempotent(key = id, store_errors = Failure::SoldOut)]
async fn call(id: u64) -> Result<u64, Failure> {
    if id > 0 { Ok(id) } else { Err(Failure::SoldOut) }
}

fn main() {}
