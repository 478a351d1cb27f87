// Two attempts cannot borrow one argument mutably.
//~ a #[hedge] function cannot borrow an argument mutably: two attempts run at once
//~ take it by `&` or by value

use resilience::hedge;

#[hedge(delay = 50ms, allow(hedge_without_idempotency))]
async fn call(buffer: &mut Vec<u8>) -> Result<(), std::io::Error> {
    buffer.push(1);
    Ok(())
}

fn main() {}
