// An argument that is needed once more.
//~ `Socket` cannot be passed on more than once: it is not `Clone`
//~ each attempt, and a fallback, needs its own copy of this argument

use resilience::fallback;

struct Socket;

#[fallback(instead)]
async fn send(socket: Socket, n: u32) -> Result<u32, std::io::Error> {
    let _socket = socket;
    Ok(n)
}

async fn instead(_socket: Socket, n: u32, _error: std::io::Error) -> Result<u32, std::io::Error> {
    Ok(n)
}

fn main() {}
