// Words that the options do not know.
//~ `recover` cannot be `undo`
//~ there is `resume` and `compensate`
//~ `on_dead` cannot be `contine`
//~ did you mean `continue`?
//~ errors: 2

use resilience::saga;

#[saga(recover = undo, on_dead = contine)]
async fn checkout(id: u64) -> Result<u64, std::io::Error> {
    Ok(id)
}

fn main() {}
