// A step that cannot move to another thread.
//~ future cannot be sent between threads safely

use resilience::saga_step;

use std::rc::Rc;

#[saga_step(compensate = none)]
async fn step(id: u64) -> Result<u64, std::io::Error> {
    let held = Rc::new(id);
    tokio::task::yield_now().await;
    Ok(*held)
}

fn main() {}
