//! What `#[saga]` and `#[saga_step]` are told, and where it arrives.

use std::time::Duration;

use resilience::{catalog, saga, saga_step};

use super::{Do, ShopError, World, open};

const MOST: u32 = 16;
const VERSION: u32 = 3;
const HOUR: Duration = Duration::from_secs(3600);

#[saga(
    name = "told",
    version = VERSION,
    key = (shop, order),
    timeout = HOUR,
    recover = compensate,
    on_dead = continue,
    max_concurrent = MOST
)]
async fn told(#[state] world: &World, shop: &str, order: u32) -> Result<u32, ShopError> {
    world.act(format!("{shop} {order}")).await?;
    Ok(order + 1)
}

#[saga(id = format_args!("{shop}/{order}"), recover = resume, on_dead = stop, timeout = 90s)]
async fn known(#[state] world: &World, shop: String, order: u32) -> Result<String, ShopError> {
    world.act(format!("{shop} {order}")).await?;
    Ok(shop)
}

#[saga_step(
    compensate = forget,
    compensate_attempts = MOST,
    compensate_timeout = HOUR,
    in_doubt = compensate,
    retriable
)]
async fn tell(#[state] world: &World, order: u32) -> Result<(), ShopError> {
    world.act(format!("tell {order}")).await
}

async fn forget(world: &World, order: u32, _: Option<&()>) -> Result<(), ShopError> {
    world.act(format!("forget {order}")).await
}

#[saga_step(pivot, compensate = none, name = "tell-all")]
async fn tell_all(#[state] world: &World) -> Result<(), ShopError> {
    world.act("tell all".to_owned()).await
}

/// The options of a function, as the catalog has them.
fn options_of(function: &str) -> String {
    let name = format!("{}::{function}", module_path!());
    let annotated = catalog().find(&name).unwrap();
    annotated.policies[0].options().to_string()
}

#[test]
fn options_are_in_force() {
    assert_eq!(
        options_of("told"),
        "version = 3, timeout = 3600s, recover = compensate, on_dead = continue, max_concurrent = 16"
    );
    assert_eq!(options_of("known"), "timeout = 90s");
    assert_eq!(
        options_of("tell"),
        "compensate = forget, in_doubt = compensate, retriable, compensate_attempts = 16, \
         compensate_timeout = 3600s"
    );
    assert_eq!(options_of("tell_all"), "compensate = none, pivot");
}

#[tokio::test(start_paused = true)]
async fn a_key_is_the_same_saga_for_good() {
    let world = World::default();
    let runtime = open(&world).await;
    assert_eq!(runtime.scope(told(&world, "a", 7)).await.unwrap(), 8);
    assert_eq!(runtime.scope(told(&world, "a", 7)).await.unwrap(), 8);
    // Each part of the key counts.
    assert_eq!(runtime.scope(told(&world, "b", 7)).await.unwrap(), 8);
    assert_eq!(runtime.scope(told(&world, "a", 8)).await.unwrap(), 9);
    assert_eq!(world.begun(), ["a 7", "b 7", "a 8"]);
}

#[tokio::test(start_paused = true)]
async fn an_id_is_the_same_saga_for_good() {
    let world = World::default();
    let runtime = open(&world).await;
    world.script("north 7", [Do::Take(Duration::from_secs(5))]);
    let north = || known(&world, "north".to_owned(), 7);
    let (one, two) = tokio::join!(runtime.scope(north()), runtime.scope(north()));
    assert_eq!(
        (one.unwrap(), two.unwrap()),
        ("north".to_owned(), "north".to_owned())
    );
    assert_eq!(runtime.scope(north()).await.unwrap(), "north");
    let south = runtime.scope(known(&world, "south".to_owned(), 7));
    assert_eq!(south.await.unwrap(), "south");
    assert_eq!(world.begun(), ["north 7", "south 7"]);
}

#[tokio::test(start_paused = true)]
async fn outside_a_saga_steps_are_plain_calls_whatever_they_are_told() {
    let world = World::default();
    tell(&world, 7).await.unwrap();
    tell_all(&world).await.unwrap();
    assert_eq!(world.begun(), ["tell 7", "tell all"]);
}
