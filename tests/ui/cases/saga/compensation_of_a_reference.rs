// A compensation that borrows what the step takes by value.
//~ `stock::release` cannot compensate `reserve`
//~ write `async fn release(items: Vec<String>, output: &u64) -> Result<(), E>`

use resilience::saga_step;

#[saga_step(compensate = stock::release)]
async fn reserve(items: Vec<String>) -> Result<u64, std::io::Error> {
    let _items = items;
    Ok(1)
}

mod stock {
    pub async fn release(_items: &[String], _output: &u64) -> Result<(), std::io::Error> {
        Ok(())
    }
}

fn main() {}
