// The field under `transparent` is not `Classify`.
//~ `std::io::Error` does not say what its errors mean: it is not `Classify`

use resilience::Classify;

#[derive(Classify)]
enum FetchError {
    #[classify(transparent)]
    Io(std::io::Error),
}

fn main() {}
