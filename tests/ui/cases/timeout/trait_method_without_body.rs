// A trait method without a body.
//~ #[timeout] needs a body to protect

use resilience::timeout;

#[allow(async_fn_in_trait)]
trait Client {
    #[timeout(2s)]
    async fn call(&self) -> Result<(), std::io::Error>;
}

fn main() {}
