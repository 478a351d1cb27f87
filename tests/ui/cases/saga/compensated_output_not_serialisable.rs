// An output that cannot be journaled, of a step that is undone.
//~ `Receipt` cannot be kept in a store
//~ derive `serde::Serialize` and `serde::Deserialize` for `Receipt`

use resilience::saga_step;

struct Receipt;

#[saga_step(compensate = refund, in_doubt = compensate)]
async fn pay(order: u64) -> Result<Receipt, std::io::Error> {
    let _order = order;
    Ok(Receipt)
}

async fn refund(_order: u64, _receipt: Option<&Receipt>) -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
