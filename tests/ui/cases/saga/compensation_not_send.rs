// A compensation that cannot move to another thread.
//~ future cannot be sent between threads safely

use resilience::saga_step;

use std::rc::Rc;

#[saga_step(compensate = release)]
async fn step(id: u64) -> Result<u64, std::io::Error> {
    Ok(id)
}

async fn release(id: u64, _output: &u64) -> Result<(), std::io::Error> {
    let held = Rc::new(id);
    tokio::task::yield_now().await;
    drop(held);
    Ok(())
}

fn main() {}
