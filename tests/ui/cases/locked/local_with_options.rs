// What a lock within the process has not.
//~ `local` asks no store, and `lease` is about one
//~ `local` asks no store, and `replicas` is about one
//~ `local` asks no store, and `when_unavailable` is about one
//~ remove one of them
//~ errors: 3

use resilience::locked;

#[locked(local, key = id, lease = 30s, replicas = 1, when_unavailable = run)]
async fn call(id: u64) -> Result<u64, std::io::Error> {
    Ok(id)
}

fn main() {}
