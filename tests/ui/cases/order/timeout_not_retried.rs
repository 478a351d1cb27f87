// A timeout that `retry_on` does not list.
//~ the timeout below is not retried: `retry_on` does not list it
//~ or say `allow(retry_skips_timeout)`

use resilience::{retry, timeout};

enum Failure {
    Busy,
    Refused(resilience::Error),
}

impl From<resilience::Error> for Failure {
    fn from(error: resilience::Error) -> Self {
        Self::Refused(error)
    }
}

#[retry(retry_on = Failure::Busy)]
#[timeout(1s)]
async fn call() -> Result<(), Failure> {
    Err(Failure::Busy)
}

fn main() {}
