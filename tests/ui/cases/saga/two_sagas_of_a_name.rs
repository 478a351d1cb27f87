// Two sagas of one name and one version.
//~ the name `two_sagas_are_named_check_u2d_out_version_2__give_one_another_name` is defined multiple times

use resilience::saga;

#[saga(name = "check-out", version = 2)]
async fn checkout(id: u64) -> Result<u64, std::io::Error> {
    Ok(id)
}

#[saga(name = "check-out", version = 2)]
async fn checkout_again(id: u64) -> Result<u64, std::io::Error> {
    Ok(id)
}

fn main() {}
