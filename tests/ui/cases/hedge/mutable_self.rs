// Two attempts cannot borrow `self` mutably.
//~ a #[hedge] function cannot borrow `self` mutably: two attempts run at once
//~ write `&self`

use resilience::hedge;

struct Client;

impl Client {
    #[hedge(delay = 50ms, allow(hedge_without_idempotency))]
    async fn call(&mut self) -> Result<(), std::io::Error> {
        Ok(())
    }
}

fn main() {}
