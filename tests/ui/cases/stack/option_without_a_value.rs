// A name, an equals sign and nothing.
//~ `after` of #[timeout] has no value
//~ write `after = ..`

use resilience::timeout;

#[timeout(after = )]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
