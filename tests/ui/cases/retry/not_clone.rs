// An argument that cannot be replayed.
//~ `Socket` cannot be passed to a `#[retry]` function: it is not `Clone`
//~ each attempt needs its own copy of this argument

use resilience::retry;

struct Socket;

#[retry]
async fn send(socket: Socket, n: u32) -> Result<u32, ()> {
    let _socket = socket;
    Ok(n)
}

fn main() {}
