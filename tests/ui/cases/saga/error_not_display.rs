// A saga whose failure nobody can read.
//~ the failure `Failure` cannot be written into the journal: it is not `Display`

use resilience::saga;

#[derive(Debug)]
struct Failure;

impl From<resilience::Error> for Failure {
    fn from(_: resilience::Error) -> Self {
        Self
    }
}

#[saga]
async fn checkout(id: u64) -> Result<u64, Failure> {
    Ok(id)
}

fn main() {}
