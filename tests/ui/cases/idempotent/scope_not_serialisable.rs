// A scope that cannot be hashed.
//~ `Tenant` cannot be

use resilience::idempotent;

struct Tenant;

#[idempotent(key = id, scope = tenant)]
async fn call(#[state] tenant: &Tenant, id: u64) -> Result<u64, std::io::Error> {
    let _tenant = tenant;
    Ok(id)
}

fn main() {}
