// On a method the key is written down: `self` cannot be part of it by itself.
//~ `self` is not part of the key that #[idempotent] makes of the arguments
//~ write `#[idempotent(key = ..)]` with what identifies the operation

use resilience::idempotent;

struct Account {
    owner: u64,
}

impl Account {
    #[idempotent]
    async fn pay(&self, amount: u64) -> Result<u64, std::io::Error> {
        Ok(self.owner + amount)
    }
}

fn main() {}
