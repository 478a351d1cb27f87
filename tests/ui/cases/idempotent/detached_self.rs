// A task of its own cannot borrow `self`.
//~ `detach` runs the body in a task of its own, which cannot borrow `self`
//~ write `self: Arc<Self>`

use resilience::idempotent;

struct Account {
    owner: u64,
}

impl Account {
    #[idempotent(key = amount, detach)]
    async fn pay(&self, amount: u64) -> Result<u64, std::io::Error> {
        Ok(self.owner + amount)
    }
}

fn main() {}
