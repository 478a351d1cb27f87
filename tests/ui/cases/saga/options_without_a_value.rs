// Options that need a value, as if they were flags.
//~ `tx` of #[saga_step] needs a value
//~ write `tx = conn`
//~ `in_doubt` of #[saga_step] needs a value
//~ write `in_doubt = compensate`
//~ errors: 2

use resilience::saga_step;

#[saga_step(compensate = none, tx)]
async fn debit(id: u64) -> Result<u64, std::io::Error> {
    Ok(id)
}

#[saga_step(compensate = release, in_doubt)]
async fn reserve(id: u64) -> Result<u64, std::io::Error> {
    Ok(id)
}

async fn release(_id: u64, _output: Option<&u64>) -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
