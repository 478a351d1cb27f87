// A key that cannot be told from others.
//~ the trait bound `Tenant: Hash` is not satisfied

use resilience::circuit_breaker;

struct Tenant;

#[circuit_breaker(key = tenant)]
async fn call(tenant: Tenant) -> Result<(), std::io::Error> {
    let _tenant = tenant;
    Ok(())
}

fn main() {}
