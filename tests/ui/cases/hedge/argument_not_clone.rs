// An argument that two attempts cannot both have.
//~ `Socket` cannot be passed on more than once: it is not `Clone`
//~ each attempt, and a fallback, needs its own copy of this argument

use resilience::hedge;

struct Socket;

#[hedge(delay = 50ms, allow(hedge_without_idempotency))]
async fn send(socket: Socket, n: u32) -> Result<u32, std::io::Error> {
    let _socket = socket;
    Ok(n)
}

fn main() {}
