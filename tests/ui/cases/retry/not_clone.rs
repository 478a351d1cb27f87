// An argument that cannot be replayed.
//~ `Socket` cannot be passed on more than once: it is not `Clone`
//~ each attempt, and a fallback, needs its own copy of this argument

use resilience::retry;

struct Socket;

#[retry]
async fn send(socket: Socket, n: u32) -> Result<u32, ()> {
    let _socket = socket;
    Ok(n)
}

fn main() {}
