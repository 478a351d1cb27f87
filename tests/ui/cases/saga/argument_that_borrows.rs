// Arguments that borrow inside: they can be written, and not be read back.
//~ errors: 2
//~ what it borrows inside cannot be read back from the journal
//~ write `&[String]`
//~ write `Option<String>`

use resilience::{saga, saga_step};

#[saga]
async fn checkout(names: &[&str]) -> Result<u64, std::io::Error> {
    let _names = names;
    note(None).await
}

#[saga_step(compensate = forget)]
async fn note(text: Option<&str>) -> Result<u64, std::io::Error> {
    let _text = text;
    look(None).await
}

async fn forget(_text: Option<&str>, _output: &u64) -> Result<(), std::io::Error> {
    Ok(())
}

// Nobody reads it back.
#[saga_step(compensate = none)]
async fn look(text: Option<&str>) -> Result<u64, std::io::Error> {
    let _text = text;
    Ok(1)
}

fn main() {}
