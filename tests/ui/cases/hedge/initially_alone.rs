// The start of something that is not there.
//~ `initially` goes with `quantile`

use resilience::hedge;

#[hedge(initially = 50ms)]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
