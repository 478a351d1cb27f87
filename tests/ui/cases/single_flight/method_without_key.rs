// On a method the key is written down: `self` cannot be part of it by itself.
//~ `self` is not part of the key that #[single_flight] makes of the arguments
//~ write `#[single_flight(key = ..)]`

use resilience::single_flight;

struct Account {
    owner: u64,
}

impl Account {
    #[single_flight]
    async fn owner(&self, of: u64) -> Result<u64, std::io::Error> {
        Ok(self.owner + of)
    }
}

fn main() {}
