// A lease that is over before it can be renewed.
//~ `lease` of 99ms cannot be renewed in time: the shortest is 100ms

use resilience::locked;

#[locked(key = id, lease = 99ms)]
async fn call(id: u64) -> Result<u64, std::io::Error> {
    Ok(id)
}

fn main() {}
