// An argument that cannot be bound to the key.
//~ argument of type `Client` cannot be compared between two calls with one key

use resilience::idempotent;

struct Client;

#[idempotent(key = id)]
async fn call(client: &Client, id: u64) -> Result<u64, std::io::Error> {
    let _client = client;
    Ok(id)
}

fn main() {}
