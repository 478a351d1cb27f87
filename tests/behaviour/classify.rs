//! `#[derive(Classify)]`: what the policies are told.

use std::time::Duration;

use resilience::{Class, Classify, Error};

const SECOND: Duration = Duration::from_secs(1);

fn throttled(retry_after: Option<Duration>) -> Class {
    Class::Throttled { retry_after }
}

fn cut_off() -> Error {
    Error::TimedOut {
        function: "shop::charge",
        after: SECOND,
    }
}

#[derive(Classify)]
#[allow(dead_code)]
enum PayError<E> {
    #[classify(transient)]
    Unreachable,
    #[classify(throttled)]
    Busy(u16),
    /// Other attributes stand beside it.
    #[classify(throttled(after = r#in))]
    TooManyRequests { limit: u32, r#in: Duration },
    #[classify(throttled(after = 1))]
    TooMuch(u64, Option<Duration>),
    #[classify(permanent)]
    Declined { code: u8 },
    #[classify(ignored)]
    r#Final,
    #[classify(transparent)]
    Resilience(Error),
    #[classify(transparent)]
    Gateway { source: Box<E> },
    #[cfg(not(test))]
    #[classify(nonsense)]
    NotThere(NoSuchType),
    #[deprecated]
    #[cfg(test)]
    #[classify(permanent)]
    Old,
}

#[test]
fn every_variant_is_what_stands_above_it() {
    type Error = PayError<NotFound>;
    assert_eq!(Error::Unreachable.classify(), Class::Transient);
    assert_eq!(Error::Busy(503).classify(), throttled(None));
    let limited = Error::TooManyRequests {
        limit: 7,
        r#in: SECOND,
    };
    assert_eq!(limited.classify(), throttled(Some(SECOND)));
    assert_eq!(
        Error::TooMuch(1, Some(SECOND)).classify(),
        throttled(Some(SECOND))
    );
    assert_eq!(Error::TooMuch(1, None).classify(), throttled(None));
    assert_eq!(Error::Declined { code: 1 }.classify(), Class::Permanent);
    assert_eq!(Error::r#Final.classify(), Class::Ignored);
}

#[test]
fn a_transparent_variant_asks_its_field() {
    let refused: PayError<NotFound> = PayError::Resilience(cut_off());
    assert_eq!(refused.classify(), Class::Transient);
    let found = PayError::Gateway {
        source: Box::new(NotFound),
    };
    assert_eq!(found.classify(), Class::Permanent);
    // The parameter is one that the derive binds, at any depth.
    let deep = PayError::Gateway {
        source: Box::new(PayError::Gateway {
            source: Box::new(Wrapped(cut_off())),
        }),
    };
    assert_eq!(deep.classify(), Class::Transient);
}

#[derive(Classify)]
#[classify(permanent)]
struct NotFound;

#[derive(Classify)]
#[classify(transparent)]
struct Wrapped<E>(E);

#[derive(Classify)]
#[classify(throttled(after = 0))]
struct Later<'a, const N: usize>(Duration, #[allow(dead_code)] &'a [u8; N])
where
    Self: Sized;

#[derive(Classify)]
enum Never {}

#[test]
fn a_struct_is_one_case_and_an_empty_enum_none() {
    fn is_classify<T: Classify>() {}
    is_classify::<Never>();
    assert_eq!(NotFound.classify(), Class::Permanent);
    assert_eq!(Wrapped(NotFound).classify(), Class::Permanent);
    assert_eq!(Later(SECOND, b"a").classify(), throttled(Some(SECOND)));
}

/// The crate under another name.
mod renamed {
    pub(super) mod corp {
        pub(crate) use resilience as armour;
    }
    #[derive(resilience::Classify)]
    #[classify(crate = self::corp::armour)]
    pub(super) enum Failed {
        #[classify(throttled(after = 0))]
        Busy(std::time::Duration),
    }
}

#[test]
fn the_crate_may_have_another_name() {
    assert_eq!(
        renamed::Failed::Busy(SECOND).classify(),
        throttled(Some(SECOND))
    );
}

/// A policy's failure inside of the user's error says of the dependency what the policy knows.
#[test]
fn a_policys_failure_has_a_class() {
    assert_eq!(cut_off().classify(), Class::Transient);
    let limited = Error::RateLimited {
        limit: "mails",
        retry_after: SECOND,
    };
    assert_eq!(limited.classify(), throttled(Some(SECOND)));
    let no_runtime = Error::NoRuntime {
        attribute: "saga",
        function: "shop::charge",
    };
    assert_eq!(no_runtime.classify(), Class::Ignored);
}
