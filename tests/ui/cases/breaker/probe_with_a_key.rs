// A probe that does not know the key.
//~ a probe does not know the key
//~ leave `probe` out, or `key`

use resilience::circuit_breaker;

#[circuit_breaker(key = tenant, probe = is_up)]
async fn call(tenant: u8) -> Result<u8, std::io::Error> {
    Ok(tenant)
}

fn main() {}
