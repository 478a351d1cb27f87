//! Trait methods: native, provided, and under `#[async_trait]`.

use resilience::{circuit_breaker, retry, timeout};

use super::methods::Client;
use super::{Failure, Flaky, spawned};

trait Greeter {
    fn greet(&self, name: String) -> impl Future<Output = Result<String, Failure>> + Send;
}

impl Greeter for Client {
    #[retry(backoff = fixed(1ms))]
    #[timeout(1s)]
    async fn greet(&self, name: String) -> Result<String, Failure> {
        self.flaky.touch().await?;
        Ok(format!("hello {name}"))
    }
}

#[allow(async_fn_in_trait)]
trait WithDefault {
    fn flaky(&self) -> &Flaky;

    #[retry(backoff = fixed(1ms))]
    async fn provided(&self, name: String) -> Result<String, Failure> {
        self.flaky().touch().await?;
        Ok(name)
    }
}

impl WithDefault for Client {
    fn flaky(&self) -> &Flaky {
        &self.flaky
    }
}

#[async_trait::async_trait]
trait Sender: Send {
    async fn send(&mut self, message: String) -> Result<u32, Failure>;
    async fn peek<T: Clone + Send + Sync + 'static>(&self, value: T) -> Result<T, Failure>
    where
        Self: Sized;
}

#[async_trait::async_trait]
impl Sender for Client {
    #[retry(backoff = fixed(1ms))]
    #[circuit_breaker]
    #[timeout(1s)]
    async fn send(&mut self, mut message: String) -> Result<u32, Failure> {
        message.push('!');
        self.calls += 1;
        self.flaky.touch().await?;
        assert_eq!(message, "hi!");
        Ok(self.calls)
    }

    #[retry(backoff = fixed(1ms))]
    async fn peek<T: Clone + Send + Sync + 'static>(&self, value: T) -> Result<T, Failure> {
        self.flaky.touch().await?;
        Ok(value)
    }
}

#[tokio::test(start_paused = true)]
async fn traits() {
    spawned(async {
        assert_eq!(
            Client::default().greet("a".into()).await,
            Ok("hello a".into())
        );
        assert_eq!(Client::default().peek('x').await, Ok('x'));
        let mut sender: Box<dyn Sender> = Box::new(OnlySend(Client::default()));
        assert_eq!(sender.send("hi".into()).await, Ok(2));
    })
    .await;
    assert_eq!(Client::default().provided("a".into()).await, Ok("a".into()));
}

/// `dyn` needs a trait without generic methods for this object; the generic one is `Self: Sized`.
struct OnlySend(Client);

#[async_trait::async_trait]
impl Sender for OnlySend {
    async fn send(&mut self, message: String) -> Result<u32, Failure> {
        self.0.send(message).await
    }

    async fn peek<T: Clone + Send + Sync + 'static>(&self, value: T) -> Result<T, Failure> {
        self.0.peek(value).await
    }
}
