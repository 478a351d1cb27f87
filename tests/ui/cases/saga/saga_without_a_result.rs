// A saga that cannot fail.
//~ `checkout` returns no `Result`

use resilience::saga;

#[saga]
async fn checkout(id: u64) {
    let _id = id;
}

fn main() {}
