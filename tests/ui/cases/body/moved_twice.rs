// The compiler names the variable.
//~ use of moved value: `name`

use resilience::{retry, timeout};

#[retry]
#[timeout(1s)]
async fn call(name: String) -> Result<(), std::io::Error> {
    drop(name);
    drop(name);
    Ok(())
}

fn main() {}
