// A lease that is over before it can be renewed.
//~ `lease` of 50ms cannot be renewed in time: the shortest is 100ms
//~ write a time such as `30s`

use resilience::idempotent;

#[idempotent(key = id, lease = 50ms)]
async fn call(id: u64) -> Result<u64, std::io::Error> {
    Ok(id)
}

fn main() {}
