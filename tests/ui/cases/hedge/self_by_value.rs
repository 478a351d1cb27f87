// Two attempts cannot both have `self`.
//~ a #[hedge] function cannot take `self` by value: two attempts run at once
//~ write `&self`
//~ errors: 2

use resilience::hedge;

struct Client;

impl Client {
    #[hedge(delay = 50ms, allow(hedge_without_idempotency))]
    async fn call(self) -> Result<(), std::io::Error> {
        Ok(())
    }

    #[hedge(delay = 50ms, allow(hedge_without_idempotency))]
    async fn boxed(self: Box<Self>) -> Result<(), std::io::Error> {
        Ok(())
    }
}

fn main() {}
