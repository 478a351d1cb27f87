// An argument that cannot be bound to the key.
//~ `Client` cannot be part of

use resilience::idempotent;

struct Client;

#[idempotent(key = id)]
async fn call(client: &Client, id: u64) -> Result<u64, std::io::Error> {
    let _client = client;
    Ok(id)
}

fn main() {}
