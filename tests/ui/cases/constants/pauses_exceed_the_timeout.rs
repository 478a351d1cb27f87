// A timeout that is a constant.
//~ all attempts and the longest pauses between them take longer
//~ or say `allow(attempts_exceed_deadline)`

use std::time::Duration;

use resilience::{retry, timeout};

const LIMIT: Duration = Duration::from_secs(5);

#[timeout(LIMIT)]
#[retry]
async fn call() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
