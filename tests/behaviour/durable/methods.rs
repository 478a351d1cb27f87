//! `#[saga_steps]`: sagas and steps that are methods.

use std::time::Duration;

use resilience::{idempotent, retry, saga, saga_step, saga_steps};

use super::{Do, ShopError, World, open};

#[saga_steps]
impl World {
    /// Known as `World::fetch`.
    #[saga_step(compensate = put_back)]
    #[retry(max_attempts = 2, backoff = fixed(1s), jitter = none)]
    pub(super) async fn fetch(&self, item: u32) -> Result<String, ShopError> {
        self.act(format!("fetch {item}")).await?;
        Ok(format!("item {item}"))
    }

    async fn put_back(&self, item: u32, fetched: &str) -> Result<(), ShopError> {
        assert_eq!(fetched, format!("item {item}"));
        self.act(format!("put back {item}")).await
    }

    #[saga_step(compensate = Self::unwrap_again, in_doubt = compensate)]
    async fn wrap(&self, item: &str) -> Result<(), ShopError> {
        self.act(format!("wrap {item}")).await
    }

    async fn unwrap_again(&self, item: &str, done: Option<&()>) -> Result<(), ShopError> {
        self.act(format!("unwrap {item}, {done:?}")).await
    }

    #[idempotent(key = order)]
    #[saga]
    pub(super) async fn gift(&self, order: u32) -> Result<String, ShopError> {
        let item = self.fetch(order).await?;
        self.wrap(&item).await?;
        Ok(item)
    }

    /// Without `self`: what it is made of comes by itself.
    #[saga]
    async fn gift_of(#[state] world: &Self, order: u32) -> Result<String, ShopError> {
        world.fetch(order).await
    }
}

trait Counter {
    type Total;
    async fn count(&self, order: u32) -> Result<Self::Total, ShopError>;
    async fn forget(&self, order: u32, total: &Self::Total) -> Result<(), ShopError>;
}

mod counting {
    use resilience::{saga, saga_step, saga_steps};

    use super::{ShopError, World};

    // The trait is not in scope by its name.
    #[saga_steps]
    impl super::Counter for World {
        type Total = Vec<u32>;

        #[saga_step(compensate = forget, name = "count")]
        async fn count(&self, order: u32) -> Result<Self::Total, ShopError> {
            self.act(format!("count {order}")).await?;
            Ok(vec![order])
        }

        async fn forget(&self, order: u32, total: &Self::Total) -> Result<(), ShopError> {
            assert_eq!(*total, [order]);
            self.act(format!("forget {order}")).await
        }
    }

    #[saga]
    pub(super) async fn audit(#[state] world: &World, order: u32) -> Result<(), ShopError> {
        super::Counter::count(world, order).await?;
        world.act("audit".to_owned()).await
    }
}

#[tokio::test(start_paused = true)]
async fn methods_are_undone_on_the_value_that_the_runtime_has() {
    let world = World::default();
    let runtime = open(&world).await;
    assert_eq!(runtime.scope(world.gift(7)).await.unwrap(), "item 7");
    assert_eq!(world.begun(), ["fetch 7", "wrap item 7"]);

    world.script("wrap item 8", [Do::Fail]);
    let error = runtime.scope(world.gift(8)).await.unwrap_err();
    assert!(world.is_last_refusal(&error), "{error:?}");
    let undone = ["unwrap item 8, None", "put back 8"];
    assert_eq!(
        world.begun(),
        [&["fetch 8", "wrap item 8"][..], &undone].concat()
    );
}

#[tokio::test(start_paused = true)]
async fn a_method_goes_on_without_its_caller() {
    let world = World::default();
    let runtime = open(&world).await;
    world.script("wrap item 7", [Do::Hang]);
    world.script("fetch 7", [Do::Fail]);
    let call = runtime.scope(world.gift(7));
    let cut_off = tokio::time::timeout(Duration::from_secs(10), call).await;
    assert!(cut_off.is_err());
    assert_eq!(runtime.scope(world.gift(7)).await.unwrap(), "item 7");
    let begun = ["fetch 7", "fetch 7", "wrap item 7", "wrap item 7"];
    assert_eq!(world.begun(), begun);
}

#[tokio::test(start_paused = true)]
async fn functions_of_a_type_and_methods_of_a_trait_are_journaled() {
    let world = World::default();
    let runtime = open(&world).await;
    let got = runtime.scope(World::gift_of(&world, 7)).await.unwrap();
    assert_eq!(got, "item 7");

    world.script("audit", [Do::Fail]);
    let error = runtime.scope(counting::audit(&world, 7)).await.unwrap_err();
    assert!(world.is_last_refusal(&error), "{error:?}");
    assert_eq!(world.begun(), ["fetch 7", "count 7", "audit", "forget 7"]);
}
