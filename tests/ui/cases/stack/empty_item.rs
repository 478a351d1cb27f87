// An empty item between commas.
//~ there is nothing before this comma in #[retry]
//~ there is nothing before this comma in #[timeout]
//~ remove it
//~ errors: 3

use resilience::{retry, timeout};

#[retry(,)]
#[timeout(,,)]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
