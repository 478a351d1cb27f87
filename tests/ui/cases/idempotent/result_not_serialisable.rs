// A result that cannot be stored.
//~ `Receipt` cannot be kept in a store
//~ derive `serde::Serialize` and `serde::Deserialize`

use resilience::idempotent;

struct Receipt;

#[idempotent(key = id)]
async fn call(id: u64) -> Result<Receipt, std::io::Error> {
    let _id = id;
    Ok(Receipt)
}

fn main() {}
