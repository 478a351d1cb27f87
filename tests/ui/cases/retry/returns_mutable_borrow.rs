// A borrow that would have to outlive its attempt.
//~ a #[retry] function cannot return a `&mut` borrow

use resilience::retry;

struct Pool(Vec<u8>);

impl Pool {
    #[retry]
    async fn slot(&mut self) -> Result<&mut u8, ()> {
        self.0.first_mut().ok_or(())
    }
}

fn main() {}
