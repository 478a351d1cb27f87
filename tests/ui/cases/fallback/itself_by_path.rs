// A function that answers for itself, by a longer name.
//~ `call` cannot answer for itself
//~ `quote` cannot answer for itself
//~ errors: 2

use resilience::fallback;

#[fallback(self::call)]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

struct Client;

impl Client {
    #[fallback(Self::quote)]
    async fn quote(&self) -> Result<(), std::io::Error> {
        Ok(())
    }
}

fn main() {}
