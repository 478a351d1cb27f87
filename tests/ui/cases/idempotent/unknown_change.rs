// What to do on a change of the schema is one of two words.
//~ `on_schema_change` cannot be `run_agian`
//~ did you mean `run_again`?

use resilience::idempotent;

#[idempotent(key = id, on_schema_change = run_agian)]
async fn call(id: u64) -> Result<u64, std::io::Error> {
    Ok(id)
}

fn main() {}
