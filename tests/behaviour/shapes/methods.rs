//! Methods, by every kind of receiver.

use std::sync::Arc;

use resilience::timeout;

use super::{Failure, Flaky, spawned};

#[derive(Default)]
pub(super) struct Client {
    pub(super) flaky: Flaky,
    pub(super) calls: u32,
}

impl Client {
    stacked! {
        async fn by_ref(&self, name: String) -> Result<String, Failure> {
            self.flaky.touch().await?;
            Ok(name)
        }

        async fn by_mut(&mut self, step: u32) -> Result<u32, Failure> {
            self.calls += step;
            self.flaky.touch().await?;
            Ok(self.calls)
        }

        async fn by_arc(self: Arc<Self>) -> Result<u32, Failure> {
            self.flaky.touch().await
        }

        async fn returns_self(&self) -> Result<Self, Failure> {
            self.flaky.touch().await?;
            Ok(Self::default())
        }
    }

    #[timeout(1s)]
    async fn by_value(self) -> Result<u32, Failure> {
        let client = self;
        tokio::task::yield_now().await;
        Ok(client.calls)
    }
}

#[tokio::test(start_paused = true)]
async fn methods() {
    spawned(async {
        assert_eq!(Client::default().by_ref("a".into()).await, Ok("a".into()));
        assert_eq!(Client::default().by_mut(2).await, Ok(4));
        assert_eq!(Arc::new(Client::default()).by_arc().await, Ok(1));
        assert_eq!(Client::default().returns_self().await.unwrap().calls, 0);
        assert_eq!(Client::default().by_value().await, Ok(0));
    })
    .await;
}
