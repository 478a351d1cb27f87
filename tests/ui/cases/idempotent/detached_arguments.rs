// A task of its own cannot borrow arguments, whatever they are for.
//~ `detach` runs the body in a task of its own, which cannot borrow an argument
//~ take it by value, or an `Arc` of it
//~ take a type that owns what it holds
//~ errors: 3

use std::borrow::Cow;

use resilience::idempotent;

#[idempotent(key = id, detach)]
async fn call(
    #[state] pool: &u8,
    name: &str,
    title: Cow<'_, str>,
    kind: &'static str,
    id: u64,
) -> Result<u64, std::io::Error> {
    let _all = (pool, name, title, kind);
    Ok(id)
}

fn main() {}
