enum PayError<E> {
    #[classify(transient)]
    Unreachable,
    #[classify(throttled)]
    Busy(u16),
    #[classify(throttled(after = retry_after))]
    TooManyRequests { limit: u32, retry_after: Duration },
    #[classify(throttled(after = 1))]
    TooMuch(u64, Option<Duration>),
    #[classify(permanent)]
    CardDeclined { code: String },
    #[classify(ignored)]
    Cancelled,
    #[classify(transparent)]
    Resilience(resilience::Error),
    #[classify(transparent)]
    Gateway { source: Box<E> },
}

#[classify(permanent, crate = ::corp::armour)]
struct NotFound {
    path: String,
}

enum Never {}
