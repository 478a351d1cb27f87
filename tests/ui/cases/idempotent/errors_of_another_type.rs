// A pattern of another type.
//~ mismatched types
//~ expected `Error`, found `ErrorKind`

use std::io::ErrorKind;

use resilience::idempotent;
use serde::{Deserialize, Serialize};

#[derive(Debug, Serialize, Deserialize)]
struct Error;

impl From<resilience::Error> for Error {
    fn from(_: resilience::Error) -> Self {
        Self
    }
}

#[idempotent(key = id, store_errors = ErrorKind::NotFound)]
async fn call(id: u64) -> Result<u64, Error> {
    Ok(id)
}

fn main() {}
