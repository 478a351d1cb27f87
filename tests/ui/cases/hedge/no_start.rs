// A hedge that does not know when.
//~ #[hedge] needs to know when to start another attempt
//~ write `#[hedge(delay = 50ms)]`

use resilience::hedge;

#[hedge]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
