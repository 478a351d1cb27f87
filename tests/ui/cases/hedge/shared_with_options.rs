// Options beside the path of a static.
//~ a shared hedge has its options where it is defined

use resilience::hedge;

#[hedge(READS, max_hedges = 2)]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
