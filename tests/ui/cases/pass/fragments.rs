// Types and values that come through `macro_rules!`.

use resilience::{hedge, idempotent, retry, timeout};

macro_rules! calls {
    ($name:ident, $shared:ident, $key:ident, $number:ty, $text:ty, $buffer:ty, $answer:ty, $attempts:expr, $limit:literal) => {
        #[timeout($limit)]
        #[retry(max_attempts = $attempts, backoff = fixed(1ms))]
        async fn $name(number: $number, text: $text, buffer: $buffer) -> $answer {
            buffer.push(number);
            Ok(text.len())
        }

        #[hedge(delay = 50ms, allow(hedge_without_idempotency))]
        async fn $shared(number: $number, text: $text) -> $answer {
            Ok(text.len() + usize::from(number))
        }

        #[idempotent]
        async fn $key(number: $number, #[state] text: $text) -> $answer {
            Ok(text.len() + usize::from(number))
        }
    };
}

calls!(call, shared, keyed, u8, &str, &mut Vec<u8>, Result<usize, std::io::Error>, 3, "1s");

async fn all() {
    let mut buffer = Vec::new();
    let _ = call(1, "a", &mut buffer).await;
    let _ = (shared(1, "a").await, keyed(1, "a").await);
}

fn main() {
    let _calls = all();
}
