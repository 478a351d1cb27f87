// A type that comes out of a macro.
//~ `u32` is not a `Result`

use resilience::retry;

macro_rules! call {
    ($answer:ty) => {
        #[retry]
        async fn call() -> $answer {
            1
        }
    };
}

call!(u32);

fn main() {}
