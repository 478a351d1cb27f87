// A key from a field that is not there.
//~ no field `idd` on type `Trip`

use resilience::saga;

#[derive(Clone, serde::Serialize, serde::Deserialize)]
struct Trip {
    id: u64,
}

#[saga(key = trip.idd)]
async fn book(trip: Trip) -> Result<u64, std::io::Error> {
    Ok(trip.id)
}

fn main() {}
