// The result cannot be stored.
//~ `Receipt` cannot be kept in a store
//~ derive `serde::Serialize` and `serde::Deserialize` for `Receipt`

use resilience_runtime::outcome::stored;

struct Receipt;

fn main() {
    let _ = stored::<Result<Receipt, std::io::Error>>();
}
