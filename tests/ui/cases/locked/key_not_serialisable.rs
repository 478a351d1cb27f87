// The key of a lock is made from its serialised form.
//~ `&Account` cannot be a key
//~ derive `serde::Serialize` for `&Account`

use resilience::locked;

struct Account(u64);

#[locked(key = account)]
async fn call(account: &Account) -> Result<u64, resilience::Error> {
    Ok(account.0)
}

fn main() {}
