// A key that cannot be told from others.
//~ the trait bound `Tenant: Hash` is not satisfied

use resilience::rate_limit;

struct Tenant;

#[rate_limit(rate = 10, key = tenant)]
async fn call(tenant: Tenant) -> Result<(), std::io::Error> {
    let _tenant = tenant;
    Ok(())
}

fn main() {}
