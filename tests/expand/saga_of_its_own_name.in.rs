#[saga]
async fn trip(#[state] world: &World, trip: Trip) -> Result<u64, TripError> {
    world.run(trip).await
}
