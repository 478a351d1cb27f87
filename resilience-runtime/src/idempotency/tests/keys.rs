//! Which values have the same key.

use std::collections::{BTreeMap, HashMap};

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use serde::Serialize;
use serde::ser::SerializeSeq;

use super::CHECKOUT;
use crate::error::{Effect, Error};
use crate::idempotency::{Idempotent, Key};
use crate::key::{Digest, KeyValue};

fn digest<K: KeyValue + ?Sized>(value: &K) -> Digest {
    let key = CHECKOUT.key(value);
    key.seal("shop::checkout").unwrap().0.digest
}

fn fingerprint<T: Serialize + ?Sized>(name: &'static str, value: &T) -> Digest {
    let key = CHECKOUT.key("k").argument(name, value);
    key.seal("shop::checkout").unwrap().0.fingerprint
}

fn refusal<K: KeyValue + ?Sized>(value: &K) -> String {
    let key = CHECKOUT.key(value);
    key.seal("shop::checkout").unwrap_err().to_string()
}

/// Stored keys outlive a release of this crate. The expected digests were computed from the
/// description of the format, by another program.
#[test]
fn the_format_is_stable() {
    assert_eq!(
        digest("order-1").to_string(),
        "ad21adbbcffb40e4ae41672e76f690033f4a95f3f3c4cb3c148caf71b224dace"
    );
    assert_eq!(
        digest(&42_u64).to_string(),
        "4178225264ce22835f781ffce509a82fa51bb7c02b67ec6c37bdbe02902c81c6"
    );
    assert_eq!(
        digest(&("a", vec![Some(-1.5), None], Kind::Pair(true, 'x'))).to_string(),
        "52f36be7500757868fc8782ca9d41d7913301a2b2dfe2d5ecc6fc0cd3b65a92f"
    );
    assert_eq!(
        digest(&Order { items: 3, id: "o" }).to_string(),
        "b8cbffdc63330946a116524c9888e8e861a0bffa355d3e62bede3262bf43ca8b"
    );
    assert_eq!(
        fingerprint("order", "order-1").to_string(),
        "672fd789491ad765aab7e194b5ed7554c928d5c499622b2b9bbae3ed67526e96"
    );
}

#[derive(Serialize)]
enum Kind {
    Pair(bool, char),
    Unit,
    Named { id: u8 },
    Wrapping(u8),
}

#[derive(Serialize)]
struct Order {
    items: u32,
    id: &'static str,
}

#[derive(Serialize)]
struct Reordered {
    id: &'static str,
    items: u32,
}

#[derive(Serialize)]
struct Id(&'static str);

#[derive(Serialize)]
struct Nothing;

/// A sequence that does not know how long it is.
struct Endless(u8);

impl Serialize for Endless {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut sequence = serializer.serialize_seq(None)?;
        for element in 0..self.0 {
            sequence.serialize_element(&element)?;
        }
        sequence.end()
    }
}

#[test]
fn one_meaning_has_one_key() {
    assert_eq!(digest(&1_u8), digest(&1_i64));
    assert_eq!(digest(&1_u8), digest(&1_i128));
    assert_eq!(digest(&1_u8), digest(&1_u128));
    assert_eq!(digest(&0.5_f32), digest(&0.5_f64));
    assert_eq!(digest(&0.0), digest(&-0.0));
    assert_eq!(digest("x"), digest(&'x'));
    assert_eq!(digest("x"), digest(&Id("x")));
    assert_eq!(digest("x"), digest(&String::from("x")));
    assert_eq!(digest(&(1, 2)), digest(&vec![1, 2]));
    assert_eq!(digest(&Endless(3)), digest(&[0, 1, 2]));
    let (one, other) = (Order { items: 3, id: "o" }, Reordered { items: 3, id: "o" });
    assert_eq!(digest(&one), digest(&other));
}

#[test]
fn values_of_different_kinds_have_different_keys() {
    let digests = [
        digest(&1),
        digest(&-1),
        digest(&1.0),
        digest("1"),
        digest(&true),
        digest(&false),
        digest(&Some(1)),
        digest(&[1]),
        digest(&u128::MAX),
        digest(&f64::INFINITY),
        digest(&Kind::Unit),
        digest("Unit"),
        digest(&Kind::Wrapping(1)),
        digest(&Kind::Named { id: 1 }),
        digest(&Kind::Pair(true, '1')),
        digest(&BTreeMap::from([("id", 1)])),
        digest(&BTreeMap::from([(1, "id")])),
        digest(&Vec::<u8>::new()),
        digest(&BTreeMap::<u8, u8>::new()),
        digest(&("a", "bc")),
        digest(&("ab", "c")),
        digest(&(("a", "b"), "c")),
        digest(&("a", ("b", "c"))),
        digest(&(("a",), "b")),
        digest(&(("a", "b"),)),
        digest(&("a", "b", "c")),
        digest(&((), None::<u8>)),
        digest(&(None::<u8>, ())),
        digest(&("", ())),
    ];
    let distinct: std::collections::HashSet<_> = digests.iter().collect();
    assert_eq!(distinct.len(), digests.len());
}

#[test]
fn the_operation_is_part_of_the_key_and_the_arguments_are_not() {
    let other = Idempotent::operation("shop::refund");
    assert_ne!(CHECKOUT.key("k").digest(), other.key("k").digest());
    let with = CHECKOUT.key("k").argument("order", &1);
    assert_eq!(CHECKOUT.key("k").digest(), with.digest());
    assert_ne!(fingerprint("order", &1), fingerprint("order", &2));
    assert_ne!(fingerprint("order", &1), fingerprint("other", &1));
}

#[test]
fn scope_and_version_are_part_of_the_key() {
    let second = CHECKOUT.key_version(2);
    let digests = [
        CHECKOUT.key("k").digest(),
        second.key("k").digest(),
        CHECKOUT.key_version(3).key("k").digest(),
        CHECKOUT.scoped_key("t", "k").digest(),
        CHECKOUT.scoped_key("k", "t").digest(),
        CHECKOUT.scoped_key(&1, "k").digest(),
        CHECKOUT.scoped_key("tk", "k").digest(),
        second.scoped_key("t", "k").digest(),
        CHECKOUT.key(&("t", "k")).digest(),
        Idempotent::operation("k")
            .scoped_key("t", "shop::checkout")
            .digest(),
    ];
    let distinct: std::collections::HashSet<_> = digests.iter().collect();
    assert_eq!(distinct.len(), digests.len());
    // What is said is not other than what is meant.
    assert_eq!(
        CHECKOUT.key_version(1).key("k").digest(),
        CHECKOUT.key("k").digest()
    );
}

#[test]
fn errors_name_the_key_in_words_with_a_short_hash() {
    let words = |key: Key| key.seal("shop::checkout").unwrap().1.to_string();
    assert_eq!(words(CHECKOUT.key("order-1")), "\"order-1\" (ad21adbb…)");
    let key = CHECKOUT.key(&(7, Some("x")));
    let hash = key.digest().to_string();
    assert_eq!(words(key), format!("[7, Some(\"x\")] ({}…)", &hash[..8]));
    let key = CHECKOUT.scoped_key("tenant", &7);
    let hash = key.digest().to_string();
    assert_eq!(words(key), format!("7 of \"tenant\" ({}…)", &hash[..8]));
    let long = words(CHECKOUT.key(&"x".repeat(5_000)));
    assert_eq!(long.chars().count(), 100 + " (01234567…)".chars().count());
}

#[test]
fn a_key_that_says_nothing_is_no_key() {
    let missing = |what: &str| {
        format!(
            "`shop::checkout` was not run: its key {what}; an operation that must happen once needs a key \
             that is its own, such as an id or the `Idempotency-Key` header of a request"
        )
    };
    assert_eq!(refusal(""), missing("is empty"));
    assert_eq!(refusal(&()), missing("is `()`"));
    assert_eq!(refusal(&None::<u8>), missing("is `None`"));
    assert_eq!(refusal(&Some("")), missing("is empty"));
    assert_eq!(refusal(&Id("")), missing("is empty"));
    assert_eq!(refusal(&Nothing), missing("is `()`"));
    let scoped = |key: Key| key.seal("shop::checkout").unwrap_err();
    let error = scoped(CHECKOUT.scoped_key("", "k"));
    assert_eq!(error.to_string(), missing("has a scope that is empty"));
    assert_eq!(error.effect(), Effect::DidNotRun);
    let error = scoped(CHECKOUT.scoped_key("t", &None::<u8>));
    assert!(matches!(error, Error::KeyMissing { reason, .. } if reason == "is `None`"));
    // What says something is one, however little.
    let little = [
        CHECKOUT.key(&0),
        CHECKOUT.key(&false),
        CHECKOUT.key(&[""; 0]),
        CHECKOUT.key(" "),
    ];
    assert!(
        little
            .into_iter()
            .all(|key| key.seal("shop::checkout").is_ok())
    );
}

#[test]
fn what_cannot_be_serialised_is_named() {
    let nan = "it contains NaN, which is not equal to itself and so cannot identify anything";
    let expected = format!("the key of `shop::checkout` could not be serialised: {nan}");
    assert_eq!(refusal(&[f64::NAN]), expected);

    let key = CHECKOUT
        .key("k")
        .argument("count", &1)
        .argument("price", &f32::NAN)
        .argument("weight", &f64::NAN);
    let error = key.seal("shop::checkout").unwrap_err();
    assert!(matches!(&error, Error::Encode { what, .. } if what == "argument `price`"));
}

/// Values as `serde` knows them, with an equality of their own to compare the keys with.
#[derive(Debug, Clone, PartialEq)]
enum Value {
    Unit,
    Bool(bool),
    Integer(i64),
    Float(f64),
    Text(String),
    Optional(Option<Box<Value>>),
    List(Vec<Value>),
    Map(BTreeMap<String, Value>),
}

impl Serialize for Value {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Unit => serializer.serialize_unit(),
            Self::Bool(value) => value.serialize(serializer),
            Self::Integer(value) => value.serialize(serializer),
            Self::Float(value) => value.serialize(serializer),
            Self::Text(value) => value.serialize(serializer),
            Self::Optional(value) => value.serialize(serializer),
            Self::List(value) => value.serialize(serializer),
            Self::Map(value) => value.serialize(serializer),
        }
    }
}

/// From few enough values that equal ones are often met.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Unit),
        any::<bool>().prop_map(Value::Bool),
        (-1..2_i64).prop_map(Value::Integer),
        prop_oneof![Just(0.0), Just(-0.0), Just(1.0)].prop_map(Value::Float),
        "[ab]{0,2}".prop_map(Value::Text),
        Just(Value::Optional(None)),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            inner
                .clone()
                .prop_map(|v| Value::Optional(Some(Box::new(v)))),
            vec(inner.clone(), 0..3).prop_map(Value::List),
            btree_map("[ab]{0,1}", inner, 0..3).prop_map(Value::Map),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn keys_are_equal_when_values_are(one in value(), other in value()) {
        prop_assert_eq!(digest(&[&one]) == digest(&[&other]), one == other);
    }

    #[test]
    fn lists_are_equal_when_their_elements_are(
        one in vec(value(), 0..3),
        other in vec(value(), 0..3),
    ) {
        prop_assert_eq!(digest(&one) == digest(&other), one == other);
    }

    #[test]
    fn the_order_of_a_map_is_irrelevant(entries in btree_map("[a-z]{0,3}", value(), 0..20)) {
        let forth: HashMap<_, _> = entries.iter().collect();
        let back: HashMap<_, _> = entries.iter().rev().collect();
        prop_assert_eq!(digest(&forth), digest(&entries));
        prop_assert_eq!(digest(&back), digest(&entries));
    }
}
