// An attribute of somebody else between ours.
//~ #[tracing::instrument] does not stay between #[retry] and #[timeout]: it becomes the outermost
//~ move it above #[retry] or below #[timeout], or say `allow(separated_attributes)`

use resilience::{retry, timeout};

#[retry]
#[tracing::instrument]
#[timeout(1s)]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
