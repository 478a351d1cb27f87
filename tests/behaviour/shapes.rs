//! Every shape of function that can carry an attribute, run once with a failure in front of the
//! success, from a spawned task: the future must be `Send`, and `?`, coercions and borrows must work
//! as in the plain function.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use resilience::{circuit_breaker, retry, timeout};

#[derive(Debug, Clone, PartialEq)]
enum Failure {
    Once,
    Parse,
    Policy(String),
}

impl From<resilience::Error> for Failure {
    fn from(error: resilience::Error) -> Self {
        Self::Policy(error.to_string())
    }
}

impl From<std::num::ParseIntError> for Failure {
    fn from(_: std::num::ParseIntError) -> Self {
        Self::Parse
    }
}

/// Fails on its first use.
#[derive(Default, Clone)]
struct Flaky(Arc<AtomicU32>);

impl Flaky {
    async fn touch(&self) -> Result<u32, Failure> {
        tokio::task::yield_now().await;
        match self.0.fetch_add(1, Ordering::Relaxed) {
            0 => Err(Failure::Once),
            n => Ok(n),
        }
    }
}

async fn spawned<T: Send + 'static>(future: impl Future<Output = T> + Send + 'static) -> T {
    tokio::spawn(future).await.unwrap()
}

macro_rules! stacked {
    ($($item:item)*) => { $(
        #[retry(max_attempts = 3, backoff = fixed(1ms))]
        #[circuit_breaker]
        #[timeout(1s)]
        $item
    )* };
}

stacked! {
    async fn owned_argument(flaky: Flaky, name: String) -> Result<String, Failure> {
        flaky.touch().await?;
        Ok(name)
    }

    async fn question_mark_converts(flaky: Flaky, text: &str) -> Result<u32, Failure> {
        flaky.touch().await?;
        Ok(text.parse::<u32>()?)
    }

    async fn mutable_argument(flaky: Flaky, mut names: Vec<String>) -> Result<usize, Failure> {
        names.push("more".to_owned());
        flaky.touch().await?;
        Ok(names.len())
    }

    async fn mutable_borrow(flaky: &Flaky, names: &mut Vec<u8>) -> Result<usize, Failure> {
        names.push(1);
        flaky.touch().await?;
        Ok(names.len())
    }

    async fn generic<T: Clone + Send + Debug>(flaky: Flaky, value: T) -> Result<T, Failure> {
        flaky.touch().await?;
        Ok(value)
    }

    async fn explicit_lifetime<'a>(flaky: &Flaky, text: &'a str) -> Result<&'a str, Failure> {
        flaky.touch().await?;
        Ok(text)
    }

    async fn returns_cow<'a>(flaky: &Flaky, text: &'a str) -> Result<Cow<'a, str>, Failure> {
        flaky.touch().await?;
        Ok(text.into())
    }

    async fn impl_trait_argument(
        flaky: Flaky,
        render: impl Fn(u32) -> String + Clone + Send,
    ) -> Result<String, Failure> {
        Ok(render(flaky.touch().await?))
    }

    async fn coerces_to_a_trait_object(flaky: Flaky) -> Result<Box<dyn Debug + Send>, Failure> {
        let n = flaky.touch().await?;
        Ok(Box::new(n))
    }

    async fn destructures((flaky, mut n): (Flaky, u32), [a, b]: [u8; 2]) -> Result<u32, Failure> {
        n += 1;
        flaky.touch().await?;
        Ok(n + u32::from(a) + u32::from(b))
    }

    #[allow(clippy::needless_return)] // It is what is tested.
    async fn early_return(flaky: Flaky, early: bool) -> Result<&'static str, Failure> {
        if early {
            return Ok("early");
        }
        flaky.touch().await?;
        return Ok("late");
    }

    async fn const_generic<const N: usize>(flaky: Flaky, bytes: [u8; N]) -> Result<usize, Failure> {
        flaky.touch().await?;
        Ok(bytes.len())
    }

    async fn where_clause<K, V>(flaky: Flaky, map: HashMap<K, V>) -> Result<usize, Failure>
    where
        K: Clone + Send + Sync,
        V: Clone + Send + Sync,
    {
        flaky.touch().await?;
        Ok(map.len())
    }

    async fn sends_but_does_not_share(
        flaky: Flaky,
        cell: std::cell::Cell<u32>,
    ) -> Result<u32, Failure> {
        flaky.touch().await?;
        cell.set(cell.get() + 1);
        Ok(cell.get())
    }

    // The locals of the expansion, as parameters.
    #[allow(clippy::too_many_arguments)]
    async fn names_of_our_own(
        flaky: Flaky,
        retry: String,
        attempts: String,
        call: String,
        breaker: String,
        timeout: String,
        function: String,
        last: String,
        pause: String,
        answer: String,
        never: String,
    ) -> Result<String, Failure> {
        flaky.touch().await?;
        Ok(retry + &attempts + &call + &breaker + &timeout + &function + &last + &pause + &answer + &never)
    }

    async fn raw_identifier(flaky: Flaky, r#type: String) -> Result<String, Failure> {
        flaky.touch().await?;
        Ok(r#type)
    }

    async fn unused_argument(flaky: Flaky, _tag: String) -> Result<(), Failure> {
        flaky.touch().await?;
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn free_functions() {
    let new = Flaky::default;
    assert_eq!(
        spawned(owned_argument(new(), "a".into())).await,
        Ok("a".into())
    );
    assert_eq!(spawned(question_mark_converts(new(), "12")).await, Ok(12));
    assert_eq!(
        spawned(question_mark_converts(new(), "x")).await,
        Err(Failure::Parse)
    );
    assert_eq!(
        spawned(mutable_argument(new(), vec!["a".into()])).await,
        Ok(2)
    );
    assert_eq!(spawned(generic(new(), 'x')).await, Ok('x'));
    assert_eq!(
        spawned(impl_trait_argument(new(), |n| n.to_string())).await,
        Ok("1".into())
    );
    assert_eq!(
        format!("{:?}", spawned(coerces_to_a_trait_object(new())).await),
        "Ok(1)"
    );
    assert_eq!(spawned(destructures((new(), 1), [2, 3])).await, Ok(7));
    assert_eq!(spawned(early_return(new(), true)).await, Ok("early"));
    assert_eq!(spawned(early_return(new(), false)).await, Ok("late"));
    assert_eq!(spawned(const_generic(new(), [1, 2])).await, Ok(2));
    assert_eq!(
        spawned(where_clause(new(), HashMap::from([(1, 2)]))).await,
        Ok(1)
    );
    assert_eq!(
        spawned(sends_but_does_not_share(new(), 1.into())).await,
        Ok(2)
    );
    assert_eq!(
        spawned(raw_identifier(new(), "t".into())).await,
        Ok("t".into())
    );
    assert_eq!(spawned(unused_argument(new(), "t".into())).await, Ok(()));
    let s = String::from;
    let all = names_of_our_own(
        new(),
        s("a"),
        s("b"),
        s("c"),
        s("d"),
        s("e"),
        s("f"),
        s("g"),
        s("h"),
        s("i"),
        s("j"),
    );
    assert_eq!(spawned(all).await, Ok("abcdefghij".into()));
}

#[tokio::test(start_paused = true)]
async fn borrows() {
    let text = "text".to_owned();
    let borrowed = async move {
        let flaky = Flaky::default();
        assert_eq!(explicit_lifetime(&flaky, &text).await, Ok("text"));
        assert_eq!(
            returns_cow(&Flaky::default(), &text).await,
            Ok(Cow::Borrowed("text"))
        );
        let mut names = Vec::new();
        // The first attempt's push stays: a borrow is lent to each attempt, not copied.
        assert_eq!(mutable_borrow(&Flaky::default(), &mut names).await, Ok(2));
    };
    spawned(borrowed).await;
}

#[derive(Default)]
struct Client {
    flaky: Flaky,
    calls: u32,
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

type Answer = Result<u32, Failure>;

#[retry(backoff = fixed(1ms))]
#[timeout(1s)]
async fn alias(flaky: Flaky) -> Answer {
    flaky.touch().await
}

#[timeout(1s)]
async fn returns_impl(flaky: Flaky) -> Result<impl Iterator<Item = u32>, Failure> {
    let _first = flaky.touch().await;
    Ok(0..flaky.touch().await?)
}

#[retry(backoff = fixed(1ms))]
#[tracing::instrument(skip(flaky))]
async fn instrumented_below(flaky: Flaky) -> Result<u32, Failure> {
    flaky.touch().await
}

#[tracing::instrument(skip(flaky))]
#[retry(backoff = fixed(1ms))]
async fn instrumented_above(flaky: Flaky) -> Result<u32, Failure> {
    flaky.touch().await
}

#[axum::debug_handler]
#[retry(backoff = fixed(1ms))]
#[timeout(1s)]
async fn handler(
    axum::extract::Path(id): axum::extract::Path<u32>,
    axum::extract::State(flaky): axum::extract::State<Flaky>,
) -> Result<String, Unavailable> {
    flaky.touch().await.map_err(|_| Unavailable)?;
    Ok(id.to_string())
}

#[retry(backoff = fixed(1ms))]
#[timeout(1s)]
#[axum::debug_handler]
async fn handler_below(
    axum::extract::Path(id): axum::extract::Path<u32>,
    axum::extract::State(flaky): axum::extract::State<Flaky>,
) -> Result<String, Unavailable> {
    flaky.touch().await.map_err(|_| Unavailable)?;
    Ok(id.to_string())
}

struct Unavailable;

impl From<resilience::Error> for Unavailable {
    fn from(_: resilience::Error) -> Self {
        Self
    }
}

impl axum::response::IntoResponse for Unavailable {
    fn into_response(self) -> axum::response::Response {
        axum::http::StatusCode::SERVICE_UNAVAILABLE.into_response()
    }
}

#[tokio::test(start_paused = true)]
async fn beside_other_attributes() {
    use axum::extract::{Path, State};
    assert_eq!(spawned(alias(Flaky::default())).await, Ok(1));
    assert_eq!(returns_impl(Flaky::default()).await.unwrap().count(), 1);
    assert_eq!(spawned(instrumented_below(Flaky::default())).await, Ok(1));
    assert_eq!(spawned(instrumented_above(Flaky::default())).await, Ok(1));
    assert_eq!(
        handler_below(Path(3), State(Flaky::default())).await.ok(),
        Some("3".into())
    );
    assert_eq!(
        handler(Path(3), State(Flaky::default())).await.ok(),
        Some("3".into())
    );
}

macro_rules! made {
    ($(#[$attr:meta])* $name:ident($argument:ident: $type:ty) -> $result:ty, $body:block) => {
        $(#[$attr])*
        async fn $name(_flaky: Flaky, $argument: $type) -> $result $body
    };
}

made! {
    #[retry(backoff = fixed(1ms))]
    #[timeout(1s)]
    made_by_a_macro(name: String) -> Result<String, Failure>, {
        flaky_of(&name).touch().await?;
        Ok(name)
    }
}

macro_rules! bounded {
    ($name:ident, $pause:literal, $time:literal) => {
        #[retry(backoff = fixed($pause))]
        #[timeout($time)]
        async fn $name(flaky: Flaky) -> Result<u32, Failure> {
            flaky.touch().await
        }
    };
}

bounded!(bounded_by_a_macro, 1ms, "1s");

fn flaky_of(_name: &str) -> Flaky {
    Flaky(Arc::new(AtomicU32::new(1)))
}

#[tokio::test(start_paused = true)]
async fn functions_of_macros() {
    let call = made_by_a_macro(Flaky::default(), "a".into());
    assert_eq!(spawned(call).await, Ok("a".into()));
    assert_eq!(spawned(bounded_by_a_macro(Flaky::default())).await, Ok(1));
}

static TRIES: AtomicU32 = AtomicU32::new(0);

/// The attribute above, `#[tokio::test]` below: the test itself is tried again.
#[retry(backoff = fixed(1ms))]
#[tokio::test(start_paused = true)]
async fn the_test_itself_is_retried() -> Result<(), Failure> {
    match TRIES.fetch_add(1, Ordering::Relaxed) {
        0 => Err(Failure::Once),
        _ => Ok(()),
    }
}
