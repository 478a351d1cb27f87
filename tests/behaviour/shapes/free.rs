//! Free functions.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::Debug;

use super::{Failure, Flaky, spawned};

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

    #[allow(clippy::needless_return)] // A `return` at the end is one of the shapes.
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
